import { describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { bilevelSearch } from '../../../src/algorithms/shared/bilevel.ts'
import { selectedByPerturbation } from '../../../src/algorithms/shared/perturbation.ts'
import type { Algorithm, Search } from '../../../src/core/algorithm.ts'
import type { SgdStep } from '../../../src/core/executor.ts'
import { type Matrix, type Mixing, map } from '../../../src/core/mixing.ts'
import type { SearchSpace } from '../../../src/core/space.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { type AnalyticSupernet, analyticContext, analyticSupernet, type Loss } from '../analyticSupernet.ts'

/** What an operation is worth to the supernet: on each edge another one, never the one that α prefers. */
const worth = (edge: number, op: number, operations: number) => ((edge + 2 * op + 1) % operations) / operations

/** L = 100 − Σ worth·θ: without an operation the loss rises by worth·θ. Gradients wrt α vanish, so that α stays. */
const linear =
  (space: SearchSpace): Loss =>
  (theta, w) => ({
    loss: 100 - theta.reduce((sum, row, e) => row.reduce((s, t, o) => s + t * worth(e, o, row.length), sum), 0),
    theta: map(theta, () => 0),
    w: w.map(() => 0.1 * space.edges.length),
  })

async function begin(space: SearchSpace, settings: { tune: number; fixedAlpha?: boolean }, start?: Matrix) {
  const context = analyticContext({ space, protocol: { epochs: 2 } })
  const steps: SgdStep[] = []
  const evaluated: Mixing[] = []
  let network: AnalyticSupernet | undefined
  const supernet = async () => {
    const made = analyticSupernet([0, 0], linear(space))
    network = made
    const evaluate = made.evaluate.bind(made)
    made.evaluate = (batches, mixing, mode) => {
      evaluated.push(mixing)
      return evaluate(batches, mixing, mode)
    }
    const step = made.step.bind(made)
    made.step = (batch, mixing, sgd) => {
      steps.push(sgd)
      return step(batch, mixing, sgd)
    }
    return made
  }
  const search = await bilevelSearch(
    { ...context, supernet },
    {
      start: start ?? space.edges.map(({ operations }) => operations.map((_, op) => (op === 1 ? 0.01 : 0))),
      relaxation: () => softmaxRelaxation,
      weightDecay: 0,
    },
  )
  return {
    search: selectedByPerturbation(context, search, settings),
    steps,
    evaluated,
    network: () => network as AnalyticSupernet,
  }
}

async function run(search: Search, from = 0, to = search.epochs) {
  const decisions: (number | undefined)[] = []
  for (let epoch = from; epoch < to; epoch++) decisions.push((await search.epoch(epoch)).extra?.decisions)
  return decisions
}

const spaces = [nb201, darts] as unknown as SearchSpace[]

describe.each(spaces)('selection by perturbation on $name', (space) => {
  it('chooses on each edge the operation whose absence costs most accuracy, not the one of largest α', async () => {
    const { search } = await begin(space, { tune: 0 })
    await search.epoch(0)
    const byAlpha = space.format(search.genotype())
    await search.epoch(1)
    const chosen = space.oneHot(search.genotype())
    expect(chosen.flat().filter(Boolean)).toHaveLength(space.name === 'nb201' ? 6 : 16)
    for (const [edge, row] of chosen.entries()) {
      const values = row.map((_, op) =>
        space.name === 'darts' && op === 0 ? -1 : worth(edge, op, row.length) * (op === 1 ? 1.01 : 1),
      )
      if (row.includes(1)) expect(row.indexOf(1)).toBe(values.indexOf(Math.max(...values)))
    }
    expect(space.format(search.genotype())).not.toBe(byAlpha)
  })

  it('adds tune epochs between two decisions, at a tenth of the initial rate, from a momentum of zero', async () => {
    const { search, steps } = await begin(space, { tune: 2 })
    const rounds = space.name === 'nb201' ? 6 : 17
    expect(search.epochs).toBe(2 + 2 * (rounds - 1))
    const decisions = await run(search)
    const tuned = Array.from({ length: 2 * (rounds - 1) }, (_, at) => Math.floor(at / 2) + 1)
    expect(decisions).toEqual([undefined, undefined, ...tuned.slice(0, -1), rounds])
    expect(new Set(steps.slice(10).map(({ learningRate }) => learningRate))).toEqual(new Set([0.01]))
  })

  it('goes on alike from any epoch at which it was saved', async () => {
    const whole = (await begin(space, { tune: 1 })).search
    await run(whole)
    for (const at of [1, 2, 4]) {
      const first = (await begin(space, { tune: 1 })).search
      await run(first, 0, at)
      const { search: second } = await begin(space, { tune: 1 })
      await second.restore(structuredClone(await first.save()))
      expect(space.format(second.genotype())).toBe(space.format(first.genotype()))
      await run(second, at)
      expect(space.format(second.genotype())).toBe(space.format(whole.genotype()))
    }
  })
})

describe('selection by perturbation', () => {
  const space = spaces[0]

  it('trains what is undecided: decided edges compute their operation alone, and their α has no gradient', async () => {
    const { search, network } = await begin(space, { tune: 3 })
    await run(search, 0, 3)
    const { theta, active = [] } = network().mixings.at(-1) ?? { theta: [] }
    const decided = active.flatMap((row, edge) => (row.filter(Boolean).length === 1 ? [edge] : []))
    expect(decided).toHaveLength(1)
    expect(theta[decided[0]].filter((weight) => weight === 1)).toHaveLength(1)
    const { relaxation, parameters } = search.relaxed
    const gradient = relaxation.relax(parameters()).pullback({
      theta: map(theta, (_, e, o) => Math.cos(e + o)),
      edgeWeights: [],
    })
    expect(gradient[decided[0]].every((g) => g === 0)).toBe(true)
    expect(gradient.filter((row) => row.some((g) => g !== 0))).toHaveLength(5)
  })

  it('leaves the other weights of an edge as they are while an operation is left out', async () => {
    const { search, evaluated } = await begin(space, { tune: 0 })
    await run(search)
    expect(evaluated).toHaveLength(6 * 5)
    const whole = softmaxRelaxation.relax(search.relaxed.parameters()).mixing.theta
    for (const { theta, active = [] } of evaluated.slice(0, 5)) {
      const left = theta.flatMap((row, edge) => row.flatMap((weight, op) => (weight === 0 ? [[edge, op]] : [])))
      expect(left).toHaveLength(1)
      const [[edge, op]] = left
      expect(active[edge][op]).toBe(false)
      expect(theta).toEqual(map(whole, (weight, e, o) => (e === edge && o === op ? 0 : weight)))
    }
  })

  it('keeps α where it is if it is fixed', async () => {
    const start = space.edges.map(({ operations }) => operations.map(() => 0))
    const { search } = await begin(space, { tune: 1, fixedAlpha: true }, start)
    await run(search)
    expect(search.relaxed.parameters()).toEqual(start)
  })

  it('begins when the search was stopped, and then ends early itself', async () => {
    const context = analyticContext({ space, protocol: { epochs: 5 } })
    const search = await bilevelSearch(context, {
      start: space.edges.map(({ operations }) => operations.map(() => 0)),
      relaxation: () => softmaxRelaxation,
    })
    let done = 0
    const stopped = {
      ...search,
      epoch(index: number) {
        done++
        return search.epoch(index)
      },
      get ended() {
        return done >= 2 ? 'two epochs are enough' : undefined
      },
    }
    const selected = selectedByPerturbation(context, stopped, { tune: 1 })
    let epochs = 0
    for (; epochs < selected.epochs && selected.ended === undefined; epochs++) await selected.epoch(epochs)
    expect(epochs).toBe(2 + 5)
    expect(selected.ended).toMatch(/^two epochs are enough; then the architecture was selected/)
  })

  it('takes over where a rule of DARTS+ has ended the search', async () => {
    const algorithm = builtinAlgorithms['darts-plus'] as Algorithm
    const run = async (more: object) => {
      const given = algorithm.options.parse({ rule: 'ranks', stable: 1, from: 0, ...more })
      const search = await algorithm.search(analyticContext({ protocol: { epochs: 12 } }), given)
      let epochs = 0
      while (search.ended === undefined && epochs < search.epochs) await search.epoch(epochs++)
      return { epochs, ended: search.ended }
    }
    const alone = await run({})
    expect(alone.epochs).toBeLessThan(12)
    const selected = await run({ select: 'perturbation', selectTune: '1' })
    expect(selected.epochs).toBe(alone.epochs + 5)
    expect(selected.ended).toMatch(/^the same order of α for 1 epoch; then the architecture was selected/)
  })
})
