/**
 * Plans a pass over a network: which layers it computes, through which of them gradients flow, and when each value can
 * be freed.
 */
import type { CoefficientId, Layer, Network, ValueId } from '../../../core/network.ts'
import { rootsOf } from '../../graph/graph.ts'
import { ruleOf } from '../rules/index.ts'
import { operandsOf, parametersOf, termsOf, type Wants } from '../rules/rule.ts'

/** What a pass is planned for: the active paths, and the gradients that it computes. */
export interface PlanRequest {
  /** For each mixing coefficient 1 if the input it multiplies is computed, else 0; absent: all are computed. */
  readonly active?: Uint8Array
  /**
   * Whether the pass computes the gradient of the mixing coefficients; `weights` says the same of the network weights.
   * A pass that computes no gradient at all has no backward pass.
   */
  readonly coefficients: boolean
  readonly weights: boolean
  /** Whether the pass computes the gradients of the network's observed activations. */
  readonly observed: boolean
}

/** One layer of a planned pass, with the gradients that its backward rule computes. */
export interface Step {
  readonly layer: Layer
  readonly operands: readonly ValueId[]
  /** The mixing coefficients of a `mix` layer, one for each operand; empty for other layers. */
  readonly coefficients: readonly CoefficientId[]
  /**
   * The gradients that the layer's backward rule computes; undefined if no gradient of this layer or of a layer before
   * it is wanted.
   */
  readonly wants: Wants | undefined
  readonly keeps: { readonly inputs?: boolean; readonly output?: boolean }
}

/** The plan of a pass: the layers of the network that it computes, in order, and when values can be freed. */
export interface Plan {
  readonly steps: readonly Step[]
  /**
   * For each value of the network, the number of reads (forward, backward and by the caller) after which it can be
   * freed.
   */
  readonly useCounts: Uint32Array
}

/** Returns the plan of a pass over a network. */
export function planPass(network: Network, request: PlanRequest): Plan {
  const layers = neededLayers(network, request)
  const carries = carryingValues(network, layers, request)
  const steps = layers.map((layer) => planStep(layer, carries, request))
  return { steps, useCounts: countUses(network, steps) }
}

/** Returns the layers on which the network's logits, features and observed activations depend. */
function neededLayers(network: Network, { active }: PlanRequest): Layer[] {
  const needed = new Set(rootsOf(network))
  const layers = network.layers.toReversed().filter((layer) => {
    if (!needed.has(layer.output)) return false
    for (const id of operandsOf(layer, active)) needed.add(id)
    return true
  })
  return layers.reverse()
}

/**
 * Returns for each value of the network whether its gradient is wanted, or it depends on a parameter, mixing
 * coefficient or activation whose gradient is wanted.
 */
function carryingValues(network: Network, layers: readonly Layer[], request: PlanRequest): boolean[] {
  const observed = new Set(request.observed ? network.observed : [])
  const carries = network.values.map((_, id) => observed.has(id))
  for (const layer of layers) {
    const own = (request.weights && parametersOf(layer).length > 0) || (request.coefficients && layer.kind === 'mix')
    carries[layer.output] ||= own || operandsOf(layer, request.active).some((id) => carries[id])
  }
  return carries
}

/** Returns one layer's step of the plan. @param carries for each value whether its gradient is computed */
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

/** Returns for each value of the network how often the pass and its caller read it. */
function countUses(network: Network, steps: readonly Step[]): Uint32Array {
  const useCounts = new Uint32Array(network.values.length)
  for (const id of rootsOf(network)) useCounts[id]++
  for (const { layer, operands, keeps } of steps) {
    for (const id of operands) useCounts[id] += keeps.inputs ? 2 : 1
    if (keeps.output) useCounts[layer.output]++
  }
  return useCounts
}
