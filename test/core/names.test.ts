import { describe, expect, it, test } from 'vitest'
import { isFileName, nearestName, unknownName } from '../../src/core/names.ts'
import { datasetFolder } from '../../src/data/datasetNames.ts'

const known = ['darts-v1', 'darts-v2', 'drnas', 'pc-darts', 'random']

describe('an unknown name', () => {
  it.each([
    ['drnass', 'drnas'],
    ['DrNAS', 'drnas'],
    ['dart-v2', 'darts-v2'],
    ['radnom', 'random'],
  ])('"%s" suggests "%s"', (typed, near) => {
    expect(nearestName(typed, known)).toBe(near)
  })

  it.each([
    ['darts', '"darts-v1" or "darts-v2"'],
    ['DARTS-', '"darts-v1" or "darts-v2"'],
    ['pc-', '"pc-darts"'],
    ['ran', '"random"'],
    ['drnass', '"drnas"'],
  ])('"%s" is answered with the names that begin so, else with the nearest: %s', (typed, hint) => {
    expect(unknownName('algorithm', typed, known).message).toContain(`; did you mean ${hint}? (`)
  })
  it('is not answered with all that begin with it where they are many', () => {
    const columns = Array.from({ length: 9 }, (_, i) => `cifar10/x-valid/${i}`)
    expect(unknownName('column', 'cifar10', columns).message).not.toContain('did you mean')
  })

  it('suggests nothing where no name is near', () => {
    expect(nearestName('evolution', known)).toBeUndefined()
  })

  it('is reported with the suggestion and everything that is known', () => {
    expect(unknownName('algorithm', 'drnass', known).message).toBe(
      'unknown algorithm "drnass"; did you mean "drnas"? (known: darts-v1, darts-v2, drnas, pc-darts, random)',
    )
  })
  it('is reported with some of what is known where that is much', () => {
    const columns = Array.from({ length: 300 }, (_, i) => `c${i}`)
    expect(unknownName('column', 'nope', columns).message).toMatch(
      /^unknown column "nope" \(known: c0, .*, c29, … \(300\)\)$/,
    )
  })
  it('is reported with the command that lists the known names only where they are many', () => {
    const many = Array.from({ length: 33 }, (_, i) => `DARTS_${i}`)
    expect(unknownName('genotype', 'DARTS_3x', many, 'bench list genotypes').message).toBe(
      'unknown genotype "DARTS_3x"; did you mean "DARTS_3"? (`bench list genotypes` lists all 33)',
    )
    expect(unknownName('algorithm', 'nope', ['random'], 'bench list algos').message).toBe(
      'unknown algorithm "nope" (known: random)',
    )
  })
})

describe('a name that may become that of a file', () => {
  test.each(['drnas-cifar10-seed0-0123456789abcdef', 'a.b', '...', '.hidden', 'ä ö', 'con'])('is %j', (name) =>
    expect(isFileName(name)).toBe(true),
  )
  test.each(['', '.', '..', '../x', 'a/b', '/etc', 'a\\b', 'a\0'])('is not %j', (name) =>
    expect(isFileName(name)).toBe(false),
  )
  test.each(['../x', '/etc', '..'])(
    'nor is %j the name of a dataset, to be looked for in a folder of its name',
    (name) =>
      expect(() => datasetFolder(name)).toThrow('is not the name of a dataset; give a name without / and its folder'),
  )
})
