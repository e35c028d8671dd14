import { describe, expect, test } from 'vitest'
import { renderTable } from '../../../src/report/formats/renderTable.ts'
import { distinguishingSettings } from '../../../src/report/listings/distinguishingSettings.ts'
import { statusTable } from '../../../src/report/listings/statusTable.ts'
import type { RunStatus } from '../../../src/runner/status.ts'
import { type FixtureOptions, fixtureRun } from '../fixtureRuns.ts'

function planned(algorithm: string, options: FixtureOptions['options'], budgetSeconds?: number): RunStatus {
  const { id, job } = fixtureRun({ algorithm, ...(options && { options }) }).manifest
  const own = `${id}-${JSON.stringify(options)}-${budgetSeconds}`
  return { id: own, job: { ...job, ...(budgetSeconds && { budgetSeconds }) }, state: 'missing', epochs: 0 }
}
const job = { ...planned('drnas', {}).job, probes: [] }
const images = (letter: string) => ({ dataset: { name: job.dataset.name, contentHash: letter.repeat(64) } })
const optionsIn = (runs: readonly RunStatus[]) =>
  JSON.parse(renderTable(statusTable(runs), 'json')).rows.map((row: { options?: string }) => row.options ?? '')

describe('the list of runs', () => {
  test('shows by which options and budgets the variants of an algorithm differ, and nothing of other algorithms', () => {
    const runs = [
      planned('drnas', { lambda: 0.001, progressive: false }),
      planned('drnas', { lambda: 0.001, progressive: true }),
      planned('drnas', { lambda: 0.001, progressive: false, partialChannels: [4, 2] }),
      planned('pc-darts', { k: 4 }),
      planned('rea', { population: 10 }, 2000),
      planned('rea', { population: 10 }, 12_000),
    ]
    expect(optionsIn(runs)).toEqual([
      'progressive=false',
      'progressive=true',
      'progressive=false, partialChannels=4,2',
      '',
      'budget=2000',
      'budget=12000',
    ])
  })

  test('has no column of options where no algorithm has variants', () => {
    const runs = [planned('drnas', { lambda: 0.001 }), planned('pc-darts', { k: 4 })]
    expect(statusTable(runs).columns.map(({ key }) => key)).not.toContain('options')
  })

  test.each<[string, ...Partial<RunStatus['job']>[]]>([
    ['probes=none | probes=hessian:every=2,skip', {}, { probes: ['hessian:every=2', 'skip'] }],
    ['space=nb201 | space=darts', {}, { space: 'darts', protocol: { ...job.protocol, epochs: 9 } }],
    ['table=none | table=own', { table: undefined }, { table: { name: 'own', sha256: 'ab'.repeat(32) } }],
    ['arithmetic=fused | arithmetic=device', { arithmetic: 'fused' }, { arithmetic: 'device' }],
    ['dataset.contentHash=aaaaaaaa | dataset.contentHash=bbbbbbbb', images('a'), images('b')],
    [
      'probes=none, space=nb201 | probes=none, space=darts | probes=skip, space=darts',
      ...[{}, { space: 'darts' }, { space: 'darts', probes: ['skip'] }],
    ],
  ])('shows what differs between runs that would look the same: %s', (texts, ...changes) => {
    const runs = changes.map((change, i) => ({
      ...planned('drnas', {}),
      id: `run${i}`,
      job: { ...job, ...change } as RunStatus['job'],
    }))
    expect(optionsIn(runs).join(' | ')).toBe(texts)
    const others = runs.map((run, seed) => ({ ...run, job: { ...run.job, seed } }))
    expect(optionsIn(others).join('')).toBe('')
    const [first] = optionsIn([...runs, { ...runs[0], id: 'other', job: { ...runs[0].job, seed: 9 } }]).slice(-1)
    expect(first, 'the same settings with another seed').toBe(texts.split(' | ')[0])
    const several = [...runs, ...[1, 2].map((lambda) => planned('drnas', { lambda }))]
    expect(optionsIn(several).slice(0, runs.length).join(' | ')).toBe(texts)
  })

  test('shows the protocol where the list has no column for it', () => {
    const runs = ['micro', 'laptop'].map((name) => ({
      ...planned('drnas', {}),
      id: name,
      job: { ...job, protocol: { ...job.protocol, name } },
    }))
    expect(optionsIn(runs)).toEqual(['', ''])
    expect([...distinguishingSettings(runs).values()]).toEqual(['protocol=micro', 'protocol=laptop'])
  })

  test('cuts the text of a long architecture, and tells those apart that begin alike', () => {
    const long = '|nor_conv_3x3~0|'.repeat(9)
    const runs = [long, `${long}+`, '|none~0|'].map((genotype) => planned('genotype', { genotype }))
    const [one, other] = optionsIn(runs)
    expect(one).toMatch(/^genotype=.{40}… [0-9a-f]{8}$/)
    expect(other).not.toBe(one)
  })
})
