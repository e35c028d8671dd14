/** Which layers one pass computes, which of them it differentiates, and how long each value must live. */
import type { CoefficientId, Layer, Network, ValueId } from '../../../core/network.ts'
import { rootsOf } from '../../graph/graph.ts'
import { ruleOf } from '../rules/index.ts'
import { operandsOf, parametersOf, termsOf, type Wants } from '../rules/rule.ts'

export interface PlanRequest {
  /** 1 where a coefficient's input is computed; all where absent. */
  readonly active?: Uint8Array
  /** Gradients to compute; a plan without either has no backward pass. */
  readonly coefficients: boolean
  readonly weights: boolean
}

/** One layer of a plan. */
export interface Step {
  readonly layer: Layer
  readonly operands: readonly ValueId[]
  /** Coefficients of a `mix`, one an operand. */
  readonly coefficients: readonly CoefficientId[]
  /** Undefined where nothing behind this layer wants a gradient. */
  readonly wants: Wants | undefined
  readonly keeps: { readonly inputs?: boolean; readonly output?: boolean }
}

export interface Plan {
  /** In the order of computation. */
  readonly steps: readonly Step[]
  /** By value: how many reads, forward, backward and by the caller, until it can be freed. */
  readonly uses: Uint32Array
}

export function planPass(network: Network, request: PlanRequest): Plan {
  const layers = neededLayers(network, request)
  const carries = carryingValues(network, layers, request)
  const steps = layers.map((layer) => planStep(layer, carries, request))
  return { steps, uses: countUses(network, steps) }
}

/** The layers that the network's roots depend on. */
function neededLayers(network: Network, { active }: PlanRequest): Layer[] {
  const needed = new Set(rootsOf(network))
  const layers = network.layers.toReversed().filter((layer) => {
    if (!needed.has(layer.output)) return false
    for (const id of operandsOf(layer, active)) needed.add(id)
    return true
  })
  return layers.reverse()
}

/** By value: whether a wanted parameter or coefficient lies behind it, so that ∂L/∂value is read. */
function carryingValues(network: Network, layers: readonly Layer[], request: PlanRequest): boolean[] {
  const carries = network.values.map(() => false)
  for (const layer of layers) {
    const own = (request.weights && parametersOf(layer).length > 0) || (request.coefficients && layer.kind === 'mix')
    carries[layer.output] = own || operandsOf(layer, request.active).some((id) => carries[id])
  }
  return carries
}

function planStep(layer: Layer, carries: readonly boolean[], { active, coefficients, weights }: PlanRequest): Step {
  const operands = operandsOf(layer, active)
  const terms = layer.kind === 'mix' ? termsOf(layer, active) : []
  const wants = carries[layer.output]
    ? { inputs: operands.map((id) => carries[id]), parameters: weights, coefficients }
    : undefined
  return {
    layer,
    operands,
    coefficients: terms.map((term) => term.coefficient),
    wants,
    keeps: wants === undefined ? {} : ruleOf(layer).keeps(layer, wants),
  }
}

function countUses(network: Network, steps: readonly Step[]): Uint32Array {
  const uses = new Uint32Array(network.values.length)
  for (const id of rootsOf(network)) uses[id]++
  for (const { layer, operands, keeps } of steps) {
    for (const id of operands) uses[id] += keeps.inputs ? 2 : 1
    if (keeps.output) uses[layer.output]++
  }
  return uses
}
