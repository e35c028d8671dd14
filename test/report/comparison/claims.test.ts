import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { type Claims, claimsSchema, claimsTable, readClaims } from '../../../src/report/comparison/claims.ts'
import type { Cell } from '../../../src/report/formats/tabular.ts'
import { readExperimentFile } from '../../../src/runner/plan/experimentFile.ts'
import { type FixtureOptions, type FixtureRun, fixtureRun, protocolOnBoth, trainedRun } from '../fixtureRuns.ts'

/** Runs of one method with these test accuracies in %, one a seed. */
const withAccuracies = (algorithm: string, accuracies: readonly number[], options: FixtureOptions = {}) =>
  accuracies.map((accuracyPct, seed) => fixtureRun({ ...options, algorithm, seed, accuracyPct }))

/** Runs of one method whose dominant eigenvalue is 1 after the first epoch and these values after the last. */
const withEigenvalues = (algorithm: string, last: readonly number[]) =>
  last.map((value, seed): FixtureRun => {
    const run = fixtureRun({ algorithm, seed })
    const epochs = run.epochs.map((epoch, i) => ({
      ...epoch,
      probes: {
        hessian: { ...(epoch.probes?.hessian as object), dominantEigenvalue: i < run.epochs.length - 1 ? 1 : value },
      },
    }))
    return { ...run, epochs }
  })

const withSkips = (algorithm: string, counts: readonly number[]) =>
  counts.map((count, seed): FixtureRun => {
    const run = fixtureRun({ algorithm, seed })
    const [a, b, c, d, e, f] = Array.from({ length: 6 }, (_, i) => (i < count ? 'skip_connect' : 'nor_conv_3x3'))
    const genotype = `|${a}~0|+|${b}~0|${c}~1|+|${d}~0|${e}~1|${f}~2|`
    return { ...run, ...(run.result && { result: { ...run.result, genotype } }) }
  })

type Rule = Record<string, unknown>
const textOf = (cell: Cell) => (cell.kind === 'text' ? cell.text : '')

/** Returns verdict, finding and sentence of one rule. */
function judged(runs: readonly FixtureRun[], rule: Rule, references: readonly string[] = []) {
  const claims: Claims = claimsSchema.parse({
    rulesWritten: 'in a test',
    claims: [{ claim: 'a claim', source: 'a paper', rule }],
  })
  const [, , here, verdict, sentence] = claimsTable(runs, claims, new Set(references)).rows[0].map(textOf)
  return { verdict, here, sentence }
}

describe('a difference of accuracies', () => {
  const rule = { measure: 'accuracy', of: 'drnas', exceeds: 'darts-v1' }
  const drnas = withAccuracies('drnas', [93, 94, 95])

  test.each([
    // Standard error of the difference: sqrt(1/3 + 1/3) = 0.816; two of them are 1.63.
    [[91, 92, 93], 'holds', '2.00 points [0.37, 3.63]'],
    [[95, 96, 97], 'does not hold', '-2.00 points [-3.63, -0.37]'],
    [[92, 93, 94], 'cannot be judged', '1.00 points [-0.63, 2.63]'],
  ])('darts-v1 at %j: %s', (accuracies, verdict, text) => {
    const found = judged([...drnas, ...withAccuracies('darts-v1', accuracies)], rule)
    expect(found.verdict).toBe(verdict)
    expect(found.here).toContain(text)
    expect(found.here).toContain('3 and 3 seeds')
  })

  test('must also exceed the margin of the rule', () => {
    const runs = [...drnas, ...withAccuracies('darts-v1', [81, 82, 83])]
    expect(judged(runs, { ...rule, by: 10 }).verdict).toBe('holds')
    expect(judged(runs, { ...rule, by: 12 }).verdict).toBe('cannot be judged')
    expect(judged(runs, { ...rule, by: 15 }).verdict).toBe('does not hold')
  })

  test('against all others is decided by the nearest one; references and variants of the method do not count', () => {
    const others = { ...rule, exceeds: 'others', of: { algorithm: 'drnas', options: { k: 1 } } }
    const runs = [
      ...withAccuracies('drnas', [93, 94, 95], { options: { k: 1 } }),
      ...withAccuracies('drnas', [99, 99, 99], { options: { k: 4 } }),
      ...withAccuracies('optimal', [99, 99, 99]),
      ...withAccuracies('gdas', [80, 81, 82]),
    ]
    expect(judged(runs, others, ['optimal']).verdict).toBe('holds')
    const found = judged([...runs, ...withAccuracies('snas', [93, 94, 95])], others, ['optimal'])
    expect(found).toMatchObject({ verdict: 'cannot be judged' })
    expect(found.here).toContain('nearest snas 94.00 %')
  })

  test('against all others counts those with the budget that the rule names', () => {
    const own = withAccuracies('rea', [90, 91, 92], { budgetSeconds: 12_000 })
    const others = { ...rule, of: { algorithm: 'rea', budget: 12_000 }, exceeds: 'others' }
    const runs = [...own, ...withAccuracies('bohb', [80, 81, 82], { budgetSeconds: 12_000 })]
    expect(judged([...runs, ...withAccuracies('gdas', [93, 94, 95], { budgetSeconds: 20_000 })], others).verdict).toBe(
      'holds',
    )
  })

  test('is not decided by a rival smaller than the paper’s', () => {
    const small = withAccuracies('darts-v1', [91, 92, 93], { budgetSeconds: 10 })
    const runs = [...withAccuracies('drnas', [93, 94, 95]), ...small]
    const { here } = judged(runs, { ...rule, paperSize: true })
    expect(here).toMatch(/smaller than there: searched within 10 simulated seconds$/)
  })

  test('is taken from full trainings if the architectures were trained', () => {
    const run = (algorithm: string, seed: number, accuracy: number) =>
      trainedRun({ algorithm, seed, accuracies: [accuracy - 0.1, accuracy + 0.1] })
    const runs = [0, 1, 2].flatMap((seed) => [run('drnas', seed, 97), run('darts-v1', seed, 96 + seed / 100)])
    expect(judged(runs, rule).here).toContain('drnas 97.00 %, darts-v1 96.01 %')
  })
})

describe('of searches on several datasets', () => {
  const on = (dataset: string, values: readonly number[], algorithm = 'drnas') =>
    withAccuracies(algorithm, values, { dataset, protocol: protocolOnBoth })
  const runs = [...on('cifar10', [93, 94, 95]), ...on('cifar100', [70, 71, 72])]
  const rule = { measure: 'accuracy', of: 'drnas', above: 90 }

  test('a rule names the dataset, since one mean of both says nothing', () => {
    expect(() => judged(runs, rule)).toThrow(/variants: drnas on CIFAR-10, drnas on CIFAR-100; .*searchedOn: …/)
    const named = (searchedOn: string) => judged(runs, { ...rule, of: { algorithm: 'drnas', searchedOn } })
    expect(named('cifar10')).toMatchObject({ verdict: 'holds', here: expect.stringContaining('94.00 %') })
    expect(named('cifar100')).toMatchObject({ verdict: 'does not hold', here: expect.stringContaining('71.00 %') })
    expect(named('cifar100').sentence).toContain('drnas (searched on cifar100)')
  })

  test('rivals are the searches on the same dataset', () => {
    const all = [...runs, ...on('cifar10', [80, 81, 82], 'gdas'), ...on('cifar100', [75, 76, 77], 'gdas')]
    for (const exceeds of ['gdas', 'others']) {
      const of = (searchedOn: string) => ({ algorithm: 'drnas', searchedOn })
      const against = { measure: 'accuracy', exceeds }
      expect(judged(all, { ...against, of: of('cifar10') }).verdict).toBe('holds')
      expect(judged(all, { ...against, of: of('cifar100') }).verdict).toBe('does not hold')
    }
  })
})

describe('the growth of the eigenvalue', () => {
  const within = { measure: 'eigenvalue-growth', of: 'darts-v1', within: [5, 20] }
  test('is below or above a bound', () => {
    const growth = { measure: 'eigenvalue-growth', of: 'darts-v1' }
    const runs = withEigenvalues('darts-v1', [0.9, 1, 1.1])
    expect(judged(runs, { ...growth, below: 2 }).verdict).toBe('holds')
    expect(judged(runs, { ...growth, below: 0.5 }).verdict).toBe('does not hold')
    expect(judged(runs, { ...growth, above: 0.5 }).verdict).toBe('holds')
    expect(judged(runs, { ...growth, above: 2 }).verdict).toBe('does not hold')
  })

  test('is the geometric mean of the seeds’ ratios, with the interval of its logarithm', () => {
    // Logarithms ln 8, ln 10, ln 12.5: mean ln 10, std 0.2231, two standard errors 0.2577.
    const { verdict, here } = judged(withEigenvalues('darts-v1', [8, 10, 12.5]), within)
    expect({ verdict, here }).toEqual({ verdict: 'holds', here: '10.0-fold [7.73, 12.9], 3 seeds' })
  })

  test.each([
    [[2, 2.2, 2.4], 'does not hold'],
    [[30, 40, 50], 'does not hold'],
    [[3, 6, 12], 'cannot be judged'],
  ])('%j: %s', (values, verdict) => {
    expect(judged(withEigenvalues('darts-v1', values), within).verdict).toBe(verdict)
  })

  test('is compared between methods by its ratio', () => {
    const runs = [...withEigenvalues('darts-v1', [8, 10, 12.5]), ...withEigenvalues('drnas', [1, 1, 1])]
    const rule = { measure: 'eigenvalue', of: 'darts-v1', exceeds: 'drnas', by: 5 }
    expect(judged(runs, rule)).toMatchObject({ verdict: 'holds', here: expect.stringContaining('ratio 10.0 [') })
  })

  test.each([
    [60.2863, '60.3'],
    [1234.2, '1234'],
    [0.023456, '0.0235'],
    [0.99951, '1.00'],
    [1e-9, '1.00e-9'],
  ])('of %d is printed with three significant digits', (value, text) => {
    const runs = withEigenvalues('darts-v1', [value, value, value])
    const found = judged(runs, { measure: 'eigenvalue', of: 'darts-v1', above: 0 })
    expect(found.here).toBe(`${text} [${text}, ${text}], 3 seeds`)
  })

  test('that is not positive leaves the claim open', () => {
    expect(judged(withEigenvalues('darts-v1', [-1, 10, 12]), within).verdict).toBe('cannot be judged')
  })
})

/** Runs of one method whose sampled accuracies have these widths after the first and the last epoch, and this lead. */
const withSamples = (algorithm: string, widths: readonly (readonly [number, number])[], lead: number) =>
  widths.map(([first, last], seed): FixtureRun => {
    const run = fixtureRun({ algorithm, seed })
    const range = (width: number) => ({
      accuracyPct: {
        'cifar10/ori-test/200/mean': {
          ...{ min: 10, mean: 60, max: 90 + lead, derived: 90 },
          quantiles: { p10: 50, p25: 50, p75: 50, p90: 50 + width },
        },
      },
    })
    const epochs = run.epochs.map((epoch, i) => ({
      ...epoch,
      probes: { range: range(i < run.epochs.length - 1 ? first : last) },
    }))
    return { ...run, epochs }
  })

// Differences of 18, 18 and 24: mean 20, std 3.46, two standard errors 4.
describe('sampled architectures', () => {
  const narrower = { measure: 'sampled-width-change', of: 'drnas', below: 0 }
  test.each([
    [[20, 2], [22, 4], [24, 0], 'holds', '-20.00 points [-24.00, -16.00], 3 seeds'],
    [[2, 20], [4, 22], [0, 24], 'does not hold', '20.00 points [16.00, 24.00], 3 seeds'],
  ] as const)('widths of %j, %j and %j: narrowing %s', (a, b, c, verdict, here) => {
    expect(judged(withSamples('drnas', [a, b, c], 0), narrower)).toMatchObject({ verdict, here })
  })

  test('the best is ahead of the derived architecture by a number of points', () => {
    const runs = withSamples(
      'drnas',
      [
        [9, 9],
        [9, 9],
        [9, 9],
      ],
      0.25,
    )
    const found = judged(runs, { measure: 'sampled-lead', of: 'drnas', below: 0.5 })
    expect(found).toMatchObject({ verdict: 'holds', here: '0.25 points [0.25, 0.25], 3 seeds' })
  })

  test('of a dataset that was not looked up leave the claim open', () => {
    const runs = withSamples(
      'drnas',
      [
        [9, 9],
        [9, 9],
        [9, 9],
      ],
      0,
    )
    expect(judged(runs, { ...narrower, dataset: 'cifar100' }).here).toContain('3 finished seeds without this measure')
  })
})

test('one bound is enough: above and below', () => {
  const runs = withAccuracies('enas', [54, 54.3, 54.6])
  expect(judged(runs, { measure: 'accuracy', of: 'enas', below: 55 }).verdict).toBe('holds')
  expect(judged(runs, { measure: 'accuracy', of: 'enas', above: 55 }).verdict).toBe('does not hold')
  expect(judged(runs, { measure: 'accuracy', of: 'enas', above: 54.2 }).verdict).toBe('cannot be judged')
})

test('a share of the seeds must reach a value', () => {
  const rule = { measure: 'skip-connections', of: 'darts-v1', reaches: 4, inShareOfSeeds: 0.5 }
  expect(judged(withSkips('darts-v1', [6, 4, 1, 0]), rule)).toMatchObject({
    verdict: 'holds',
    here: '2 of 4 seeds (6, 4, 1, 0)',
  })
  expect(judged(withSkips('darts-v1', [6, 3, 1, 0]), rule).verdict).toBe('does not hold')
})

test('no interval of a mean goes beyond what its measure can be', () => {
  const wide = { of: 'drnas', within: [50, 60], seeds: 2, standardErrors: 12.7 }
  expect(judged(withAccuracies('drnas', [1, 99]), { measure: 'accuracy', ...wide }).here).toBe(
    '50.00 % [0.00, 100.00], 2 seeds',
  )
  expect(judged(withSkips('drnas', [0, 4]), { measure: 'skip-connections', ...wide }).here).toBe(
    '2.0 [0.0, 27.4], 2 seeds',
  )
})

test('a share of the seeds is listed with the decimals by which it is decided', () => {
  const rule = { measure: 'accuracy', of: 'drnas', reaches: 93.8, inShareOfSeeds: 1 }
  expect(judged(withAccuracies('drnas', [93.76, 94, 95]), rule)).toMatchObject({
    verdict: 'does not hold',
    here: '2 of 3 seeds (93.76, 94.00, 95.00)',
  })
})

test('all seeds must end with the same architecture', () => {
  const rule = { of: 'drnas', sameArchitecture: true }
  expect(judged(withSkips('drnas', [2, 2, 2]), rule).verdict).toBe('holds')
  expect(judged(withSkips('drnas', [2, 2, 3]), rule)).toMatchObject({
    verdict: 'does not hold',
    here: '2 architectures from 3 seeds',
  })
  expect(judged(withSkips('drnas', [2, 2]), rule).here).toBe('drnas: 2 of the 3 seeds that the rule needs')
  expect(judged(withSkips('drnas', [2, 3]), rule).verdict).toBe('does not hold')
})

describe('runs that are not enough leave a claim open, with the reason', () => {
  const rule = { measure: 'accuracy', of: 'drnas', above: 90 }
  test('too few seeds', () => {
    expect(judged(withAccuracies('drnas', [93, 94]), rule)).toMatchObject({
      verdict: 'cannot be judged',
      here: 'drnas: 2 of the 3 seeds that the rule needs',
    })
  })
  test('no run of a method or of its rival', () => {
    const runs = withAccuracies('drnas', [93, 94, 95])
    expect(judged(runs, { ...rule, of: 'gdas' }).here).toBe('no run of gdas')
    expect(judged(runs, { measure: 'accuracy', of: 'drnas', exceeds: 'gdas' }).here).toBe('no run of gdas')
  })
  test('finished seeds that were not measured', () => {
    const runs = withAccuracies('drnas', [1, 2, 3]).map((run) => ({ ...run, epochs: [] }))
    expect(judged(runs, { measure: 'eigenvalue', of: 'drnas', below: 1 }).here).toContain('3 finished seeds without')
  })
  test('runs of another size than the paper’s, which still show their number', () => {
    const runs = withAccuracies('drnas', [93, 94, 95]).map((run) => {
      const { job } = run.manifest
      const data = { ...job.protocol.data, limit: 100 }
      return { ...run, manifest: { ...run.manifest, job: { ...job, protocol: { ...job.protocol, data } } } }
    })
    const found = judged(runs, { ...rule, paperSize: true })
    expect(found.verdict).toBe('cannot be judged')
    expect(found.here).toMatch(
      /^94\.00 % \[.*\], 3 seeds; smaller than there: searched under protocol fixture: at most 100 training images \(papers: all\)$/,
    )
  })
})

describe('a method with several variants', () => {
  const rule = { measure: 'accuracy', above: 92 }
  const verdictOf = (runs: readonly FixtureRun[], of: unknown) => judged(runs, { ...rule, of }).verdict

  test('is chosen by its options; a name alone is the variant with the defaults, recorded or not', () => {
    const runs = [
      ...withAccuracies('drnas', [93, 94, 95], { options: { progressive: false, lambda: 0.001 } }),
      ...withAccuracies('drnas', [90, 90, 90], { options: { progressive: true, lambda: 0.001 } }),
      ...withAccuracies('drnas', [90, 90, 90], { options: { progressive: false, lambda: 0.1 } }),
      ...withAccuracies('drnas', [89, 90, 91], {
        options: { progressive: false, lambda: 0.001, partialChannels: [2] },
      }),
    ]
    const verdict = (options?: object) => verdictOf(runs, options ? { algorithm: 'drnas', options } : 'drnas')
    expect(verdict()).toBe('holds')
    expect(verdict({ progressive: false })).toBe('holds')
    expect(verdict({ partialChannels: null, lambda: 0.001 })).toBe('holds')
    for (const options of [{ progressive: true }, { lambda: 0.1 }, { partialChannels: [2] }, { partialChannels: 2 }]) {
      expect(verdict(options)).toBe('does not hold')
    }
    const chosen = judged(runs, { ...rule, of: { algorithm: 'drnas', options: { progressive: true } } })
    expect(chosen.sentence).toContain('of drnas (progressive) ')
  })

  test('none of which has the defaults must be chosen, and the message says by what', () => {
    const other = { options: { lambda: 0.1 } }
    const runs = [
      ...withAccuracies('drnas', [93, 94, 95], other),
      ...withAccuracies('drnas', [90, 90, 90], { options: { lambda: 1 } }),
    ]
    expect(() => verdictOf(runs, 'drnas')).toThrow(
      "variants: drnas (lambda=0.1), drnas (lambda=1); give the claim's method as { algorithm: drnas, options: { … } }",
    )
  })

  test('is chosen by its protocol, to which the other searches then belong, too', () => {
    const under = (name: string, runs: readonly FixtureRun[]) =>
      runs.map((run): FixtureRun => {
        const { job } = run.manifest
        const protocol = { ...job.protocol, name, epochs: name === 'laptop' ? 50 : 100 }
        return { ...run, manifest: { ...run.manifest, job: { ...job, protocol } } }
      })
    const runs = [
      ...under('laptop', [...withAccuracies('drnas', [93, 94, 95]), ...withAccuracies('gdas', [80, 80, 81])]),
      ...under('laptop:epochs=100', [
        ...withAccuracies('drnas', [90, 90, 90]),
        ...withAccuracies('gdas', [97, 97, 97.1]),
      ]),
    ]
    const at = (protocol: string) => ({ algorithm: 'drnas', protocol })
    expect(verdictOf(runs, at('laptop'))).toBe('holds')
    expect(verdictOf(runs, at('laptop:epochs=100'))).toBe('does not hold')
    expect(judged(runs, { ...rule, of: at('micro') }).here).toBe('no run of drnas (protocol=micro)')
    expect(() => verdictOf(runs, 'drnas')).toThrow('{ algorithm: drnas, protocol: … }')
    const others = { measure: 'accuracy', exceeds: 'others' }
    expect(judged(runs, { ...others, of: at('laptop') }).verdict).toBe('holds')
    expect(judged(runs, { ...others, of: at('laptop:epochs=100') }).verdict).toBe('does not hold')
  })

  test('is chosen by its budget and its space', () => {
    const within = (budgetSeconds: number, runs: readonly FixtureRun[]) =>
      runs.map((run) => ({
        ...run,
        manifest: { ...run.manifest, job: { ...run.manifest.job, budgetSeconds } },
      }))
    const runs = [
      ...within(12_000, withAccuracies('rea', [93, 94, 95])),
      ...within(2000, withAccuracies('rea', [90, 90, 90])),
    ]
    expect(verdictOf(runs, { algorithm: 'rea', budget: 12_000 })).toBe('holds')
    expect(verdictOf(runs, { algorithm: 'rea', budget: 2000 })).toBe('does not hold')
    expect(() => verdictOf(runs, 'rea')).toThrow('{ algorithm: rea, budget: … }')
    expect(judged(runs, { ...rule, of: { algorithm: 'rea', space: 'darts' } }).here).toBe('no run of rea (space=darts)')
  })
})

test('an option that is null chooses the variant without it', () => {
  const runs = [
    ...withAccuracies('darts-v1', [93, 94, 95]),
    ...withAccuracies('darts-v1', [90, 90, 90], { options: { earlyStop: 'eigenvalue' } }),
  ]
  const whole = { algorithm: 'darts-v1', options: { earlyStop: null } }
  const found = judged(runs, { measure: 'accuracy', above: 92, of: whole })
  expect(found.verdict).toBe('holds')
  expect(found.sentence).toContain('test accuracy of darts-v1 lies above 92')
  expect(judged(runs.slice(3), { measure: 'accuracy', above: 92, of: whole }).here).toBe('no run of darts-v1')
})

describe('files of claims', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'claims-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const names = Object.values(builtinAlgorithms).map(({ name }) => name)
  const configs = fileURLToPath(new URL('../../../configs/', import.meta.url))

  test('that come with the package are valid, and experiments name them', () => {
    const files = readdirSync(join(configs, 'claims')).map((name) => join(configs, 'claims', name))
    const named = readdirSync(configs)
      .filter((name) => name.endsWith('.yaml') && !['datasets.yaml'].includes(name))
      .flatMap((name) => readExperimentFile(join(configs, name)).claims ?? [])
    expect(named.toSorted()).toEqual(files.toSorted())
    for (const file of files) expect(readClaims(file, names).claims.length).toBeGreaterThan(0)
  })

  test.each([
    ['{ measure: accuracy, of: drnas }', 'exactly one of within'],
    ['{ measure: accuracy, of: drnas, above: 1, below: 2 }', 'exactly one of within'],
    ['{ measure: accurracy, of: drnas, above: 1 }', 'unknown claims.0.rule.measure in '],
    ['{ measure: accuracy, of: drnass, above: 1 }', 'did you mean "drnas"?'],
    ['{ measure: accuracy, of: drnas, exceeds: dart-v1 }', 'did you mean "darts-v1"?'],
    ['{ of: drnas, above: 1 }', 'expected a measure'],
    ['{ measure: accuracy, of: drnas, reaches: 1 }', 'reaches and inShareOfSeeds'],
    ['{ measure: accuracy, of: drnas, above: 1, by: 2 }', 'by belongs to exceeds'],
    ['{ measure: accuracy, of: drnas, above: 1, seed: 2 }', 'line 3: "seed"; did you mean "seeds"?'],
    ['{ measure: accuracy, of: drnas, above: 1, seeds: 1 }', 'claims.0.rule.seeds'],
  ])('with the rule %s are refused', (rule, message) => {
    const path = join(folder, 'claims.yaml')
    writeFileSync(path, `rulesWritten: before\nclaims:\n  - { claim: a, source: b, rule: ${rule} }\n`)
    expect(() => readClaims(path, names)).toThrow(message)
  })
})
