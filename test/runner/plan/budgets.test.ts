import { describe, expect, test } from 'vitest'
import { budgetsByDataset } from '../../../src/runner/plan/experiment.ts'

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
