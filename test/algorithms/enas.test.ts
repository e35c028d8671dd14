import { describe, expect, it } from 'vitest'
import { controllerStep, enas } from '../../src/algorithms/enas.ts'
import {
  type ControllerShape,
  controllerStart,
  logProbabilityGradient,
  sampleController,
} from '../../src/algorithms/enasController.ts'
import { adamStart } from '../../src/algorithms/shared/adam.ts'
import type { Mode } from '../../src/core/executor.ts'
import type { Matrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import type { Supernet } from '../../src/core/supernet.ts'
import { analyticContext } from './analyticSupernet.ts'

const shape: ControllerShape = { cardinalities: [3, 2, 3], size: 4, layers: 2, temperature: 5, tanhConstant: 2.5 }
/** Larger than at the start, so that nothing is nearly linear. */
const parameters = controllerStart(shape, random(1, 'controller')).map((row) => row.map((value) => 20 * value))
const sampleAt = (at: Matrix) => sampleController(shape, at, random(2, 'sample'))

describe("ENAS' controller", () => {
  it('samples values within the cardinalities, and the same values for the same stream', () => {
    const { decisions } = sampleAt(parameters)
    expect(decisions).toHaveLength(3)
    decisions.forEach((value, i) => {
      expect(value).toBeLessThan(shape.cardinalities[i])
    })
    expect(sampleAt(parameters).decisions).toEqual(decisions)
  })

  it('starts nearly uniform', () => {
    const { entropy } = sampleController(shape, controllerStart(shape, random(1, 'controller')), random(3, 'sample'))
    expect(entropy).toBeCloseTo(Math.log(18), 2)
  })

  it('has the gradient of the log-probability of its sample, through the whole sequence', () => {
    const sample = sampleAt(parameters)
    const gradient = logProbabilityGradient(shape, parameters, sample)
    const checked = random(4, 'entries')
    for (let n = 0; n < 150; n++) {
      const row = checked.integer(parameters.length)
      const at = checked.integer(parameters[row].length)
      const moved = (by: number) => parameters.map((r, i) => (i === row ? r.map((v, j) => (j === at ? v + by : v)) : r))
      const [above, below] = [sampleAt(moved(1e-5)), sampleAt(moved(-1e-5))]
      expect(above.decisions).toEqual(sample.decisions)
      expect(gradient[row][at]).toBeCloseTo((above.logProbability - below.logProbability) / 2e-5, 7)
    }
  })

  it('weights each sample by its reward minus its baseline, and averages over the samples', () => {
    const learn = { learningRate: 0.01, clipNorm: 1000 }
    const state = adamStart(parameters)
    const [rewards, baselines] = [
      [0.8, 0.4],
      [0.5, 0.475],
    ]
    const trials = rewards.map((reward, n) => ({
      ...{ reward, baseline: baselines[n] },
      sample: sampleController(shape, parameters, random(8, n)),
    }))
    const after = controllerStep(shape, { parameters, adam: state }, trials, learn)
    const gradients = trials.map(({ sample }) => logProbabilityGradient(shape, parameters, sample))
    // Adam's running mean is the gradient itself, since β₁ is 0.
    for (const [row, values] of after.adam.mean.entries()) {
      for (const [at, value] of values.entries()) {
        const ascent = rewards.reduce((sum, r, n) => sum + ((r - baselines[n]) * gradients[n][row][at]) / 2, 0)
        expect(value).toBeCloseTo(-ascent, 12)
      }
    }
  })

  it('learns to make rewarded decisions', () => {
    const options = { learningRate: 0.01, clipNorm: 5 }
    const start = controllerStart(shape, random(5, 'controller'))
    let controller = { parameters: start, adam: adamStart(start) }
    let baseline = 0
    const reward = (decisions: readonly number[]) => (decisions[0] === 2 ? 0.5 : 0) + (decisions[2] === 1 ? 0.5 : 0)
    for (let step = 0; step < 250; step++) {
      const samples = Array.from({ length: 8 }, (_, n) => {
        const sample = sampleController(shape, controller.parameters, random(6, step, n))
        baseline += 0.1 * (reward(sample.decisions) - baseline)
        return { sample, baseline, reward: reward(sample.decisions) }
      })
      controller = controllerStep(shape, controller, samples, options)
    }
    const found = Array.from({ length: 50 }, (_, n) =>
      reward(sampleController(shape, controller.parameters, random(7, n)).decisions),
    )
    expect(found.reduce((sum, value) => sum + value, 0) / 50).toBeGreaterThan(0.7)
  })

  it('clips its gradient', () => {
    const trials = [{ reward: 1, baseline: 0.9, sample: sampleController(shape, parameters, random(8, 0)) }]
    const options = { learningRate: 0.01, clipNorm: 1e-3 }
    const { adam } = controllerStep(shape, { parameters, adam: adamStart(parameters) }, trials, options)
    expect(Math.hypot(...adam.mean.flat())).toBeCloseTo(1e-3, 5)
  })
})

describe('ENAS as NAS-Bench-201 runs it', () => {
  const [steps, samples] = [3, 4]
  /**
   * Accuracy, mode and number of batches of every evaluation, by epoch; what each epoch reported; the controller after
   * it.
   */
  async function run(epochs: number, given: object = {}) {
    const evaluations: { accuracy: number; mode: Mode | undefined; epoch: number }[] = []
    let epoch = 0
    const context = analyticContext({ protocol: { epochs } })
    const watched = {
      ...context,
      async supernet() {
        const network = await context.supernet()
        const evaluate: Supernet['evaluate'] = async (batches, mixing, mode) => {
          const tally = await network.evaluate(batches, mixing)
          evaluations.push({ accuracy: tally.correct / tally.samples, mode, epoch })
          return tally
        }
        return { ...network, evaluate }
      },
    }
    const options = { controllerSteps: steps, samplesPerStep: samples, candidates: 25, rankingImages: 1, ...given }
    const search = await enas.search(watched, enas.options.parse(options))
    const controllers: unknown[] = [(await search.save()).controller]
    const baselines: number[] = []
    for (; epoch < epochs; epoch++) {
      baselines.push((await search.epoch(epoch)).extra?.baseline ?? Number.NaN)
      controllers.push((await search.save()).controller)
    }
    const accuracies = (of: number) => evaluations.filter((each) => each.epoch === of).map(({ accuracy }) => accuracy)
    return { evaluations, accuracies, baselines, controllers: controllers as { parameters: Matrix }[] }
  }

  it('compares rewards with the baseline of the previous epoch, and in the first epoch with the accuracies themselves', async () => {
    const { accuracies, baselines, controllers } = await run(3, { entropyWeight: 0, baselineDecay: 0.9 })
    const lastReward = (epoch: number) => accuracies(epoch)[steps * samples - 1]
    const first = lastReward(0)
    const second = 0.9 * first + 0.1 * lastReward(1)
    expect(baselines[0]).toBe(first)
    expect(baselines[1]).toBeCloseTo(second, 14)
    expect(baselines[2]).toBeCloseTo(0.9 * second + 0.1 * lastReward(2), 14)
    expect(controllers[1].parameters).toEqual(controllers[0].parameters)
    expect(controllers[2].parameters).not.toEqual(controllers[1].parameters)
  })

  it('learns from the entropy alone in the first epoch', async () => {
    const { controllers } = await run(1, { entropyWeight: 1 })
    expect(controllers[1].parameters).not.toEqual(controllers[0].parameters)
  })

  it('ranks 10 architectures after each epoch and all candidates after the last, in evaluation mode as its rewards', async () => {
    const { evaluations, accuracies } = await run(2)
    expect(accuracies(0)).toHaveLength(steps * samples + 10)
    expect(accuracies(1)).toHaveLength(steps * samples + 25)
    expect(new Set(evaluations.map(({ mode }) => mode))).toEqual(new Set(['eval']))
    const few = await run(2, { candidates: 3 })
    expect(few.accuracies(0)).toHaveLength(steps * samples + 3)
  })
})
