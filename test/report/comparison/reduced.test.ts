import { describe, expect, test } from 'vitest'
import type { Job } from '../../../src/core/result.ts'
import { presets, resolveProtocol } from '../../../src/protocols/index.ts'
import { compare } from '../../../src/report/comparison/comparison.ts'
import { comparisonTable } from '../../../src/report/comparison/comparisonTable.ts'
import { publishedBeside, reductionsOf } from '../../../src/report/comparison/published.ts'
import { retrainedTable } from '../../../src/report/comparison/retrainedTable.ts'
import { renderTable } from '../../../src/report/formats/renderTable.ts'
import { runsTable } from '../../../src/report/page/reproducibility.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { askingRun, fixtureRun, trainedRun } from '../fixtureRuns.ts'

/** A search on CIFAR-10 under a protocol that is named, as typed. */
function searched(protocol: string, algorithm = 'drnas', seed = 0, space = 'nb201'): RunRecord {
  const run = fixtureRun({ algorithm, seed })
  const job: Job = {
    ...run.manifest.job,
    space,
    protocol: resolveProtocol(protocol, { space, dataset: 'cifar10', algorithm }),
  }
  return { ...run, manifest: { ...run.manifest, job } }
}

const withImages = (run: RunRecord, train: number, test = 10_000): RunRecord => ({
  ...run,
  ...(run.result && { result: { ...run.result, images: { train, test, classes: 10 } } }),
})

describe('a reduction is found', () => {
  test.each(presets.filter(({ reduced }) => !reduced).map(({ name }) => name))(
    'not for the protocol of a paper: %s',
    (name) => {
      expect(reductionsOf([searched(name), searched(name, 'rsps'), searched(name, 'darts-v2')])).toEqual([])
    },
  )
  const micro =
    'C=4 N=1 (drnas-paper: C=16 N=5), images of 16×16 (32×32), at most 2,560 training images (all), 25 epochs (100)'
  test.each([
    ['micro', micro],
    ['laptop', 'C=4 N=1 (drnas-paper: C=16 N=5), images of 16×16 (32×32), 50 epochs (100)'],
    ['drnas-paper:epochs=5', '5 epochs (drnas-paper: 100)'],
    ['drnas-paper:network.channels=8', 'C=8 N=5 (drnas-paper: C=16 N=5)'],
    ['nb201-paper:network.depth=1', 'C=16 N=1 (nb201-paper: C=16 N=5)'],
    ['drnas-paper:data.limit=2560', 'at most 2,560 training images (drnas-paper: all)'],
    ['drnas-paper:data.imageSize=16', 'images of 16×16 (drnas-paper: 32×32)'],
  ])('for a search under %s, with what is smaller', (protocol, how) =>
    expect(reductionsOf([searched(protocol)])).toEqual([`searched under protocol ${protocol}: ${how}`]),
  )
  test('for a search on DARTS’ space, compared with DARTS’ paper', () =>
    expect(reductionsOf([searched('laptop', 'drnas', 0, 'darts')])).toEqual([
      'searched under protocol laptop: C=4, 5 cells (darts-paper: C=16, 8 cells), images of 16×16 (32×32)',
    ]))
  test('for a reduced protocol on a plugin’s space, of which no paper’s size is known', () =>
    expect(reductionsOf([searched('laptop', 'drnas', 0, 'mine')])).toEqual([
      'searched under protocol laptop: images of 16×16 (papers: 32×32)',
    ]))
  test('not for a larger search, or one with other settings', () =>
    expect(reductionsOf([searched('drnas-paper:epochs=200,batchSize=32,data.cutout=16')])).toEqual([]))

  const within = (budgetSeconds: number | undefined, usedSeconds = 10, changes: Partial<Job> = {}) => {
    const { manifest, ...run } = askingRun([{ genotype: '|x|', accuracyPct: 80, usedSeconds }])
    const { protocol } = searched('micro').manifest.job
    return { ...run, manifest: { ...manifest, job: { ...manifest.job, protocol, budgetSeconds, ...changes } } }
  }
  test('not for a black-box search within a published budget, or as long without one', () =>
    expect(reductionsOf([within(12_000), within(20_000), within(undefined, 12_000)])).toEqual([]))
  test('for black-box searches that ended earlier without a budget, in one phrase', () => {
    const searches = [within(undefined, 3000), within(undefined, 9412.3), within(undefined, 20_000)]
    const words = 'searched without a budget for at most 9,413 simulated seconds'
    expect(reductionsOf(searches)).toEqual([words])
    expect(publishedBeside(compare(searches.slice(1, 2)), 'drnas-table-4').caveat).toContain(words)
  })
  test('not for other runs that ask for accuracies without a budget', () => {
    const algorithm = { name: 'score-search', version: 1, options: { networks: 100, verify: 3 } }
    const imported = { content: 'x' }
    // A table without training times charges nothing.
    const others = [within(undefined, 10, { algorithm }), within(undefined, 10, { imported }), within(undefined, 0)]
    expect(reductionsOf(others)).toEqual([])
  })
  test('for a black-box search within a smaller budget', () =>
    expect(reductionsOf([within(1000)])).toEqual(['searched within 1,000 simulated seconds']))

  test.each([
    [{ preset: 'trial' }, 'trained with preset trial, 25 epochs'],
    [{ preset: 'drnas-paper', epochs: 2 }, 'trained with preset drnas-paper, 2 epochs'],
    [{ preset: 'darts-paper', channels: 8 }, 'trained with preset darts-paper, 600 epochs'],
    [{ preset: 'darts-paper', layers: 8 }, 'trained with preset darts-paper, 600 epochs'],
    [
      { preset: 'darts-paper', limit: 2000 },
      'trained with preset darts-paper, 600 epochs, at most 2000 training images',
    ],
  ])('for a full training with %o', (request, words) =>
    expect(reductionsOf([trainedRun({ request })])[0]).toMatch(new RegExp(`^${words.replace('25', '\\d+')}`)),
  )
  test('not for a full training of a paper, nor for an architecture that was not searched', () => {
    expect(
      reductionsOf(
        ['darts-paper', 'pcdarts-paper', 'drnas-paper'].map((preset) => trainedRun({ request: { preset } })),
      ),
    ).toEqual([])
  })
  test('for a dataset with missing images', () =>
    expect(reductionsOf([withImages(searched('drnas-paper'), 2000, 10_000)])).toEqual([
      'on CIFAR-10 with 2,000 of its 50,000 training images',
    ]))
})

describe('published rows', () => {
  const beside = (runs: readonly RunRecord[], wanted: string) => publishedBeside(compare(runs), wanted)
  /** Reports on the dataset that the published table has, and nothing else. */
  const own = (protocol: string) => `${protocol}${protocol.includes(':') ? ',' : ':'}headline=own`
  const textOf = (runs: readonly RunRecord[], wanted: string, summary?: 'median') =>
    renderTable(comparisonTable(compare(runs), { published: beside(runs, wanted), summary }), 'md')

  test('are shown by default beside a search of a paper’s size', () => {
    const text = textOf([searched(own('drnas-paper'))], 'auto')
    expect(text).toContain('| DrNAS † |')
    expect(text).not.toContain('Not comparable')
  })
  test('are left out beside a reduced search, with a note that says how to show them', () => {
    const text = textOf([searched(own('micro'))], 'auto')
    expect(text).not.toContain('†')
    expect(text).toMatch(
      /Published rows \(drnas-table-\d\) are left out, since ours are reduced: searched under protocol micro/,
    )
    expect(text).toMatch(/--published drnas-table-\d shows them/)
  })
  test('that the user names beside a reduced search have a caveat', () =>
    expect(textOf([searched('micro')], 'drnas-table-4')).toContain(
      'Not comparable: our rows are reduced (searched under protocol micro: C=4 N=1 (drnas-paper: C=16 N=5), images of 16×16 (32×32), at most 2,560 training images (all), 25 epochs (100)), those marked † are not.',
    ))
  test('stay as printed whatever the summary of our rows, and the note says so', () => {
    const text = textOf([searched('drnas-paper')], 'drnas-table-4', 'median')
    expect(text).toContain('Median and interquartile range over the seeds')
    expect(text).toMatch(/\| DrNAS † \| 4 \|.* ± /)
    expect(text).toMatch(/† Published, not run here: .*; mean ± standard deviation, as printed there\./)
  })
  test('are left out beside reduced full trainings, and have a caveat where the user names them', () => {
    const runs = [trainedRun({ request: { preset: 'trial' } })]
    expect(renderTable(retrainedTable(runs, 'auto'), 'md')).toMatch(/^(?!.*\| DrNAS †).*are left out, since ours/s)
    expect(renderTable(retrainedTable(runs, 'drnas-table-2'), 'md')).toMatch(/\| DrNAS † .*Not comparable: our rows/s)
  })
})

test('a dataset with missing images is named with their number in every table', () => {
  const words = 'CIFAR-10 (2,000 of its 50,000 training images and 1,000 of its 10,000 test images)'
  const search = withImages(searched('drnas-paper'), 2000, 1000)
  expect(renderTable(comparisonTable(compare([search])), 'md')).toContain(`searched on ${words};`)
  const training = withImages(trainedRun({}), 2000, 1000)
  expect(renderTable(retrainedTable([training], 'none'), 'md')).toContain(`on ${words}.`)
  expect(runsTable([search]).rows).toHaveLength(1)
})

describe('runs under several protocols', () => {
  const protocolsOf = (runs: readonly RunRecord[]) => {
    const { columns, rows } = comparisonTable(compare(runs, { mix: true }))
    const at = columns.findIndex(({ key }) => key === 'protocol')
    return at < 0 ? [] : rows.map((row) => (row[at].kind === 'text' ? row[at].text : ''))
  }
  test('are named in each row', () =>
    expect(protocolsOf([searched('micro'), searched('drnas-paper', 'gdas')])).toEqual(['micro', 'drnas-paper']))
  test('of one name are told apart by the settings that differ', () => {
    const [base, other] = [fixtureRun(), fixtureRun({ algorithm: 'gdas' })]
    const protocol = { ...base.manifest.job.protocol, batchSize: 16, epochs: 3 }
    const changed = { ...other, manifest: { ...other.manifest, job: { ...other.manifest.job, protocol } } }
    expect(protocolsOf([base, changed])).toEqual(['fixture epochs=10, batchSize=8', 'fixture epochs=3, batchSize=16'])
  })
  test('have no row marked as the best', () => {
    const { rows } = comparisonTable(compare([searched('micro'), searched('drnas-paper', 'gdas')], { mix: true }))
    expect(rows.flat().some((cell) => cell.kind === 'statistic' && cell.best)).toBe(false)
  })
  test('have no column of protocols where there is only one', () =>
    expect(protocolsOf([searched('micro'), searched('micro', 'gdas')])).toEqual([]))
})
