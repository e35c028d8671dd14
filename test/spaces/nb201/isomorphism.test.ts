import { expect, test } from 'vitest'
import {
  atIndex,
  functionalClasses,
  functionString,
  isConnected,
  nb201,
  uniqueString,
} from '../../../src/spaces/nb201/index.ts'

const all = Array.from({ length: 15_625 }, (_, index) => atIndex(index))

test('the benchmark’s string distinguishes 6,466 architectures', () => {
  expect(new Set(all.map(uniqueString)).size).toBe(6466)
})

test('there are 5,390 functions, and 341 architectures whose output is disconnected from the input', () => {
  const classes = functionalClasses()
  expect(classes).toHaveLength(5390)
  expect(classes.flat().sort((a, b) => a - b)).toEqual(all.map((_, index) => index))
  const disconnected = all.flatMap((genotype, index) => (isConnected(genotype) ? [] : [index]))
  expect(disconnected).toHaveLength(341)
  expect(classes).toContainEqual(disconnected)
})

test('equal strings of the benchmark are equal functions', () => {
  const functions = new Map(all.map((genotype) => [uniqueString(genotype), functionString(genotype)]))
  for (const genotype of all) expect(functionString(genotype)).toBe(functions.get(uniqueString(genotype)))
})

test('a dead branch does not change the function, but does change the benchmark string', () => {
  const plain = nb201.parse('|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|')
  const dead = nb201.parse('|none~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|nor_conv_1x1~1|skip_connect~2|')
  expect(functionString(dead)).toBe('(0)@nor_conv_3x3')
  expect(functionString(plain)).toBe('(0)@nor_conv_3x3')
  expect(uniqueString(plain)).not.toBe(uniqueString(dead))
})
