import { describe, expect, test } from 'vitest'
import { budgetsByDataset, parseSeedList, parseSeeds } from '../../../src/runner/plan/experiment.ts'

describe('seeds', () => {
  test.each([
    ['4', [0, 1, 2, 3]],
    ['0-3,777', [0, 1, 2, 3, 777]],
    ['777,', [777]],
    ['2,1,1-2', [1, 2]],
    ['5-5', [5]],
  ])('%s', (text, seeds) => {
    expect(parseSeeds(text)).toEqual(seeds)
  })

  test.each([
    ['0', '--seeds 0 asks for no seed at all; --seeds 4 means the seeds 0 to 3'],
    ['', '--seeds  asks for no seed at all; --seeds 4 means the seeds 0 to 3'],
    ['3-1', '--seeds 3-1: the range 3-1 is empty or too long'],
    ['1-99999999', '--seeds 1-99999999: the range 1-99999999 is empty or too long'],
    ['0-99999,100000', '--seeds asks for 100001 seeds, more than 100000'],
    ['four', '--seeds four: "four" is neither a seed nor a range; write 4, 0-3 or 0-3,777'],
    ['-1', '--seeds -1: "-1" is neither a seed nor a range; write 4, 0-3 or 0-3,777'],
    ['1,,2', '--seeds 1,,2: "" is neither a seed nor a range; write 4, 0-3 or 0-3,777'],
    ['200000', '--seeds 200000 is more than 100000; for one seed write "200000,"'],
  ])('%j is refused', (text, message) => {
    expect(() => parseSeeds(text)).toThrow(message)
  })
})

describe('seeds chosen from a list', () => {
  test.each([
    ['777', [777]],
    ['888,777', [777, 888]],
    ['0-2', [0, 1, 2]],
  ])('%s', (text, seeds) => {
    expect(parseSeedList(text)).toEqual(seeds)
  })

  test('an empty list is refused', () => {
    expect(() => parseSeedList('')).toThrow('--seeds  names no seed; write 777 or 0-3,777')
  })
})

describe('the budget of a dataset', () => {
  test('is the same for all datasets if one number is given', () =>
    expect(budgetsByDataset(['cifar10', 'cifar100'], 12_000)('cifar100')).toBe(12_000))

  test('is looked up by dataset name, ignoring case', () => {
    const budgetOn = budgetsByDataset(['cifar10', 'ImageNet16-120'], { CIFAR10: 20_000, 'imagenet16-120': 120_000 })
    expect([budgetOn('cifar10'), budgetOn('ImageNet16-120')]).toEqual([20_000, 120_000])
  })

  test('may be given for datasets that are not searched on', () =>
    expect(budgetsByDataset(['cifar10'], { cifar10: 20_000, cifar100: 40_000 })('cifar10')).toBe(20_000))

  test('is undefined if no budget is given', () =>
    expect(budgetsByDataset(['cifar10'], undefined)('cifar10')).toBeUndefined())

  test('is required for every dataset if one has a budget', () =>
    expect(() => budgetsByDataset(['cifar10', 'cifar100'], { cifar10: 20_000 })).toThrow(
      'there is no budget for cifar100; give seconds for every dataset, or one number',
    ))
})
