import { describe, expect, test } from 'vitest'
import { parseSeedList, parseSeeds } from '../../../src/runner/plan/experiment.ts'

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
