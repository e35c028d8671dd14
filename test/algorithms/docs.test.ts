import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { rules } from '../../src/algorithms/contract/rules.ts'
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import type { Algorithm } from '../../src/core/algorithm.ts'
import { optionNames } from '../../src/runner/plan/algorithmOptions.ts'

const text = readFileSync(new URL('../../docs/algorithms.md', import.meta.url), 'utf8')

describe('docs/algorithms.md', () => {
  it('names every built-in algorithm', () => {
    for (const name of Object.keys(builtinAlgorithms)) expect(text).toContain(`\`${name}\``)
  })

  it('names every rule of the contract suite', () => {
    for (const { name } of rules) expect(text).toContain(`. ${name}\n`)
  })
})

test('a file of more than 120 lines in src/algorithms says in its header why', () => {
  const folder = new URL('../../src/algorithms/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  const long = files.flatMap((name) => {
    const content = readFileSync(new URL(name, folder), 'utf8')
    return content.split('\n').length > 121 ? [{ name, header: content.slice(0, content.indexOf('*/')) }] : []
  })
  expect(long.length).toBeGreaterThan(5)
  const silent = long.filter(({ header }) => !/120\s+(?:\* )?lines|longer than/.test(header))
  expect(silent.map(({ name }) => name)).toEqual([])
})

describe('the built-in algorithms', () => {
  it('are registered under their own names, each with a description, a source and options that explain themselves', () => {
    for (const [key, algorithm] of Object.entries(builtinAlgorithms as Record<string, Algorithm>)) {
      expect(algorithm.name).toBe(key)
      expect(algorithm.description.length).toBeLessThanOrEqual(100)
      expect(algorithm.source).not.toBe('')
      expect(algorithm.options.parse({})).toBeDefined()
      const { shape } = algorithm.options as unknown as { shape: Record<string, { description?: string }> }
      for (const option of optionNames(algorithm)) expect(shape[option].description, `${key}.${option}`).toBeTruthy()
    }
  })
})
