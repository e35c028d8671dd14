import { describe, expect, it } from 'vitest'
import { adamStart } from '../../src/algorithms/adam.ts'
import {
  type ControllerShape,
  controllerStart,
  logProbabilityGradient,
  sampleController,
} from '../../src/algorithms/enas/controller.ts'
import { controllerStep } from '../../src/algorithms/enas.ts'
import type { Matrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'

const shape: ControllerShape = { cardinalities: [3, 2, 3], size: 4, layers: 2, temperature: 5, tanhConstant: 2.5 }
/** Larger than at the start, so that nothing is nearly linear. */
const parameters = controllerStart(shape, random(1, 'controller')).map((row) => row.map((value) => 20 * value))
const sampleAt = (at: Matrix) => sampleController(shape, at, random(2, 'sample'))

describe("ENAS' controller", () => {
  it('makes each decision within its values, the same for the same stream', () => {
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

  it('compares each reward with a moving average that has seen it, and averages over the samples', () => {
    const learn = { learningRate: 0.01, baselineDecay: 0.75, clipNorm: 1000 }
    const state = adamStart(parameters)
    const rewards = [0.8, 0.4]
    const samples = rewards.map((reward, n) => ({
      reward,
      sample: sampleController(shape, parameters, random(8, n)),
    }))
    const after = controllerStep(shape, { parameters, adam: state, baseline: 0.4 }, samples, learn)
    // 0.4 + (0.8 − 0.4) / 4, then 0.5 + (0.4 − 0.5) / 4.
    const baselines = [0.5, 0.475]
    expect(after.baseline).toBeCloseTo(baselines[1], 12)
    const gradients = samples.map(({ sample }) => logProbabilityGradient(shape, parameters, sample))
    // Adam's running mean is the gradient itself, since β₁ is 0.
    for (const [row, values] of after.adam.mean.entries()) {
      for (const [at, value] of values.entries()) {
        const ascent = rewards.reduce((sum, r, n) => sum + ((r - baselines[n]) * gradients[n][row][at]) / 2, 0)
        expect(value).toBeCloseTo(-ascent, 12)
      }
    }
  })

  it('learns to make the decisions that are rewarded', () => {
    const options = { learningRate: 0.01, baselineDecay: 0.9, clipNorm: 5 }
    const start = controllerStart(shape, random(5, 'controller'))
    let controller = { parameters: start, adam: adamStart(start), baseline: 0 }
    const reward = (decisions: readonly number[]) => (decisions[0] === 2 ? 0.5 : 0) + (decisions[2] === 1 ? 0.5 : 0)
    for (let step = 0; step < 250; step++) {
      const samples = Array.from({ length: 8 }, (_, n) => {
        const sample = sampleController(shape, controller.parameters, random(6, step, n))
        return { sample, reward: reward(sample.decisions) }
      })
      controller = controllerStep(shape, controller, samples, options)
    }
    const found = Array.from({ length: 50 }, (_, n) =>
      reward(sampleController(shape, controller.parameters, random(7, n)).decisions),
    )
    expect(found.reduce((sum, value) => sum + value, 0) / 50).toBeGreaterThan(0.7)
  })

  it('clips its gradient', () => {
    const samples = [{ reward: 1, sample: sampleController(shape, parameters, random(8, 0)) }]
    const options = { learningRate: 0.01, baselineDecay: 0.9, clipNorm: 1e-3 }
    const { adam } = controllerStep(shape, { parameters, adam: adamStart(parameters), baseline: 0 }, samples, options)
    expect(Math.hypot(...adam.mean.flat())).toBeCloseTo(1e-3, 5)
  })
})
