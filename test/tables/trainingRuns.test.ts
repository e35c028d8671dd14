/** The numbers of a table row, computed from the curves of an architecture's trainings. */
import { describe, expect, test } from 'vitest'
import { columnOrder, numbersOf, seedsOf, type TrainingRun } from '../../src/tables/importers/trainingRuns.ts'

/** A training of two epochs, with some members replaced. */
const training = (seed: number, changes: Partial<Record<'train' | 'test', Partial<Record<string, number[]>>>> = {}) => {
  const curves = (split: 'train' | 'test') => ({
    split,
    accuracyPct: Float64Array.from(changes[split]?.accuracyPct ?? [50, 60 + seed]),
    loss: Float64Array.from(changes[split]?.loss ?? [2, 1]),
    seconds: Float64Array.from(changes[split]?.seconds ?? [3, 5]),
  })
  return { dataset: 'cifar10', epochs: 2, seed, splits: [curves('train'), curves('test')] } satisfies TrainingRun
}
const numbers = (...runs: TrainingRun[]) => numbersOf({ index: 0, arch: '', runs })

describe('the numbers of an architecture', () => {
  test('are those after the last epoch for each seed and in the mean, with the seconds of all epochs', () => {
    expect(numbers(training(1), training(5))).toEqual({
      'cifar10/train/2/1': 61,
      'cifar10/train/2/5': 65,
      'cifar10/train/2/mean': 63,
      'cifar10/test/2/1': 61,
      'cifar10/test/2/5': 65,
      'cifar10/test/2/mean': 63,
      'loss:cifar10/train/2/1': 1,
      'loss:cifar10/train/2/5': 1,
      'loss:cifar10/train/2/mean': 1,
      'loss:cifar10/test/2/1': 1,
      'loss:cifar10/test/2/5': 1,
      'loss:cifar10/test/2/mean': 1,
      'train-seconds:cifar10/2': 8,
      'eval-seconds:cifar10/test/2': 4,
    })
  })

  test('have no seconds of training where an epoch was not measured, of this seed or of all', () => {
    const partly = training(1, { train: { seconds: [3, Number.NaN] } })
    const never = training(2, { train: { seconds: [Number.NaN, Number.NaN] } })
    expect(numbers(partly)).not.toHaveProperty('train-seconds:cifar10/2')
    expect(numbers(never, training(3, { train: { seconds: [] } }))).not.toHaveProperty('train-seconds:cifar10/2')
    expect(numbers(partly, training(5))['train-seconds:cifar10/2']).toBe(8)
  })

  test('average the seconds of a pass over a split over the epochs that were measured', () => {
    const partly = training(1, { test: { seconds: [Number.NaN, 7] } })
    expect(numbers(partly)['eval-seconds:cifar10/test/2']).toBe(7)
    expect(numbers(partly, training(5))['eval-seconds:cifar10/test/2']).toBe(5.5)
  })

  test('leave out an accuracy or a loss that was not measured after the last epoch', () => {
    const found = numbers(training(1, { test: { accuracyPct: [50, Number.NaN], loss: [1, Infinity] } }), training(5))
    expect(found).not.toHaveProperty('cifar10/test/2/1')
    expect(found).not.toHaveProperty('loss:cifar10/test/2/1')
    expect([found['cifar10/test/2/mean'], found['loss:cifar10/test/2/mean']]).toEqual([65, 1])
  })

  test('take parameters and FLOPs of seed 888 where the seeds differ, else the mean of all', () => {
    const sized = (seed: number, parametersM?: number) => ({ ...training(seed), parametersM, latencySeconds: seed })
    const params = (...runs: TrainingRun[]) => numbers(...runs)['params-M:cifar10']
    expect(params(sized(777, 1), sized(888, 5), sized(999, 3))).toBe(5)
    expect(params(sized(777, 1), sized(999, 3))).toBe(2)
    expect(params(sized(777, 1.000001), sized(888, 1.000003))).toBeCloseTo(1.000002, 12)
    expect(params(sized(777), sized(888, 4))).toBe(4)
    expect(params(sized(777))).toBeUndefined()
    expect(numbers(sized(3), sized(5))['latency-seconds:cifar10']).toBe(4)
  })
})

test('the seeds of a mean are those with a column of their own at the same place', () => {
  const names = ['a/test/12/777', 'a/test/12/888', 'a/test/12/mean', 'a/test/120/999', 'b/test/12/777', 'params-M:a']
  expect(seedsOf('a/test/12/mean', names)).toEqual({ seeds: [777, 888] })
  expect(seedsOf('a/test/12/777', names)).toEqual({})
})

test('accuracies come before other quantities, each by dataset, split, epochs and seed', () => {
  const ordered = ['a/test/12/777', 'a/test/200/777', 'b/test/12/777', 'loss:a/test/12/777', 'params-M:a']
  expect(ordered.toReversed().sort(columnOrder)).toEqual(ordered)
})
