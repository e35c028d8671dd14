import { describe, expect, test } from 'vitest'
import { claimsSchema, claimsTable } from '../../../src/report/comparison/claims.ts'
import { compare } from '../../../src/report/comparison/comparison.ts'
import { comparisonTable } from '../../../src/report/comparison/comparisonTable.ts'
import { pairwiseMatrices } from '../../../src/report/comparison/pairwiseTable.ts'
import { retrainedTable } from '../../../src/report/comparison/retrainedTable.ts'
import { renderPage } from '../../../src/report/page/page.ts'
import { configurationsOf, runsTable } from '../../../src/report/page/reproducibility.ts'
import { summaryOf } from '../../../src/report/page/summary.ts'
import { claimsHtml } from '../../../src/report/page/tableHtml.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { failedRun, fixtureRun, fixtureRuns, trainedRun } from '../fixtureRuns.ts'

const REFERENCES = new Set(['optimal', 'resnet'])
const withAccuracies = (algorithm: string, accuracies: readonly number[]) =>
  accuracies.map((accuracyPct, seed) => fixtureRun({ algorithm, seed, accuracyPct }))
const answers = (...args: Parameters<typeof summaryOf>) =>
  Object.fromEntries(summaryOf(...args).map(([term, sentences]) => [term, sentences.join(' ')]))

describe('the answers at the top of the page', () => {
  const runs = [
    ...withAccuracies('drnas', [93, 94, 95, 96]),
    ...withAccuracies('darts-v1', [92, 93, 94]),
    ...withAccuracies('random', [90, 90, 90, 90]),
    ...withAccuracies('optimal', [97]),
  ]

  test('name the best search, its lead with the interval of paired differences, and its distance from the optimum', () => {
    // Paired differences on the three common seeds are all 1; those to random search are 3, 4, 5 and 6.
    const { Best } = answers(runs, REFERENCES)
    expect(Best).toContain('drnas: 94.50 % CIFAR-10 test accuracy [92.45, 96.55]')
    expect(Best).toContain('1.00 points [1.00, 1.00] ahead of darts-v1')
    expect(Best).toContain('4.50 points [2.45, 6.55] ahead of random search')
    expect(Best).toContain('2.50 points below optimal')
  })

  test('say one epoch, and not 1 epochs', () => {
    const { manifest, ...run } = runs[0]
    const { protocol } = manifest.job
    const short = { ...run, manifest: { ...manifest, job: { ...manifest.job, protocol: { ...protocol, epochs: 1 } } } }
    expect(Object.values(answers([short], REFERENCES)).join(' ')).toMatch(/: 1 epoch, batch/)
  })

  test('call random sampling by its name, apart from random search', () => {
    const sampled = [80, 81, 82, 83].map((accuracyPct, seed) =>
      fixtureRun({ algorithm: 'random', options: { evaluations: 1 }, seed, accuracyPct }),
    )
    const { Best } = answers([...runs, ...sampled], REFERENCES)
    expect(Best).toContain(
      '4.50 points [2.45, 6.55] ahead of random search; 13.00 points [13.00, 13.00] ahead of random sampling;',
    )
    const alone = answers(
      [...runs.filter((run) => run.manifest.job.algorithm.name !== 'random'), ...sampled],
      REFERENCES,
    )
    expect(alone.Best).toContain('ahead of random sampling')
    expect(alone.Best).not.toContain('random search')
  })

  test('do not call a search of one seed the best, or the next, but name it', () => {
    const lucky = [...runs, ...withAccuracies('pc-darts', [99]), ...withAccuracies('gdas', [94])]
    const { Best } = answers(lucky, REFERENCES)
    expect(Best).toMatch(/^drnas: 94\.50 %.* ahead of darts-v1, the next search;/)
    expect(Best).toContain('Not ranked, of one seed: pc-darts, 99.00 %.')
    const { rows, notes } = comparisonTable(compare(lucky), { references: REFERENCES })
    const best = rows.filter((row) => row.some((cell) => cell.kind === 'statistic' && cell.best))
    expect(best.map(([method]) => method)).toEqual([{ kind: 'text', text: 'drnas' }])
    expect(notes.at(-1)).toBe('Not marked as the best, since there is one seed only: pc-darts.')
    const single = answers([...withAccuracies('drnas', [93]), ...withAccuracies('gdas', [92])], REFERENCES)
    expect(single.Best).toBe(
      'drnas (1 seed): 93.00 % CIFAR-10 test accuracy; 1.00 points ahead of gdas (1 seed), the next search.',
    )
  })

  test('name the best of the searches that ask no table apart from those that do', () => {
    const asking = [0, 1].map((seed) => {
      const { manifest, ...run } = fixtureRun({ algorithm: 'rea', seed, accuracyPct: 96 + seed })
      const { executor: _, ...job } = manifest.job
      return { ...run, manifest: { ...manifest, job } }
    })
    const { Best } = answers([...runs, ...asking], REFERENCES)
    expect(Best).toMatch(/^rea: 96\.50 %/)
    expect(Best).toContain('Best of the searches that ask no table for accuracies: drnas: 94.50 %')
    expect(answers(runs, REFERENCES).Best).not.toContain('ask no table')
  })

  test('of full trainings of one seed are not the best beside those of several', () => {
    const trained = [
      trainedRun({ algorithm: 'darts-v1', seed: 0, accuracies: [96] }),
      trainedRun({ algorithm: 'darts-v1', seed: 1, accuracies: [96.5] }),
      trainedRun({ algorithm: 'drnas', accuracies: [98] }),
    ]
    const marked = (runs: typeof trained) =>
      retrainedTable(runs, 'none').rows.map((row) => row.some((cell) => cell.kind === 'statistic' && cell.best))
    const others = [0, 1].map((seed) => trainedRun({ algorithm: 'gdas', seed, accuracies: [95 + seed] }))
    expect(answers([...trained, ...others], REFERENCES).Best).toMatch(/^darts-v1: 3\.75 % .* ahead of gdas/)
    expect(marked([...trained, ...others])).toEqual([true, false, false])
    expect(answers(trained, REFERENCES).Best).toBe(
      'No method is called the best, since only darts-v1 has several seeds: darts-v1, 3.75 %; drnas, 2.00 %.',
    )
    expect(marked(trained)).toEqual([false, false])
  })

  test('call no method the best where the trainings differ in a setting, even one that notes do not print', () => {
    const trained = ['drnas', 'gdas'].flatMap((algorithm) =>
      [0, 1].map((seed) => {
        const request = { preset: 'drnas-paper', ...(algorithm === 'gdas' && { auxiliary: false }) } as const
        return trainedRun({ algorithm, seed, accuracies: [96 + seed], request })
      }),
    )
    expect(answers(trained, REFERENCES).Best).toBe(
      'The trainings on CIFAR-10 differ in their settings, so no method is the best.',
    )
  })

  test('call no search the best where only one has several seeds', () => {
    const two = [...withAccuracies('drnas', [93, 94]), ...withAccuracies('gdas', [99])]
    expect(answers(two, REFERENCES).Best).toBe(
      'No method is called the best, since only drnas has several seeds: gdas, 99.00 %; drnas, 93.50 %.',
    )
    expect(
      comparisonTable(compare(two))
        .rows.flat()
        .filter((cell) => cell.kind === 'statistic' && cell.best),
    ).toEqual([])
  })

  test('give no interval beyond 0 to 100 %, where no mean can lie', () => {
    const { Best } = answers([...withAccuracies('drnas', [80, 90]), ...withAccuracies('gdas', [70, 75])], REFERENCES)
    expect(Best).toMatch(/^drnas: 85\.00 % CIFAR-10 test accuracy \[21\.47, 100\.00\]/)
    const [row] = comparisonTable(compare(withAccuracies('drnas', [1, 90])), { summary: 'ci95' }).rows
    expect(row.some((cell) => cell.kind === 'text' && cell.text === '45.50 [0.00, 100.00]')).toBe(true)
  })

  test('give the difference of means where the common seeds are too few, or speak for the other', () => {
    const lead = (seeds: readonly number[]) => {
      const other = seeds.map((seed) => fixtureRun({ algorithm: 'gdas', seed, accuracyPct: 95 }))
      return answers([...withAccuracies('drnas', [93, 94, 98, 99]), ...other], REFERENCES).Best
    }
    expect(lead([3, 4])).toContain('1.00 points ahead of gdas')
    expect(lead([0, 1])).toContain('1.00 points ahead of gdas')
  })

  test('say what was compared, and which methods have fewer seeds', () => {
    const { Compared, Seeds, Failed } = answers(runs, REFERENCES)
    expect(Compared).toBe('3 searches, beside the fixed architectures optimal.')
    expect(Seeds).toBe('4 seeds a method (0–3); fewer of darts-v1 (3), optimal (1).')
    expect(Failed).toBe('None of 12 runs.')
  })

  test('name failed and unfinished runs', () => {
    const { failure: _, ...unfinished } = failedRun({ algorithm: 'gdas', seed: 1 })
    const found = answers([...runs, failedRun({ algorithm: 'gdas', seed: 7 }), unfinished], REFERENCES)
    expect(found.Failed).toBe('1 of 14 runs: gdas, seed 7 (fixture failure).')
    expect(found['Missing or reduced']).toContain('1 run not finished.')
  })

  test('name variants of one algorithm apart, as the lists of runs and configurations do', () => {
    const variants = [4, 1].map((k) => failedRun({ options: { k } }))
    expect(answers(variants, REFERENCES).Failed).toMatch(/: drnas \(k=4\), seed 0 \(.*\); drnas \(k=1\), seed 0 \(/)
    const { columns, rows } = runsTable(variants)
    expect(columns[0].title).toBe('Method')
    expect(rows.map(([method]) => method)).toEqual([4, 1].map((k) => ({ kind: 'text', text: `drnas (k=${k})` })))
    expect(configurationsOf(variants).map(({ title }) => title)).toEqual(
      [4, 1].map((k) => `drnas (k=${k}) on cifar10, seeds 0`),
    )
  })

  test('say that nothing is missing only of finished runs of this program', () => {
    const missing = (more: readonly RunRecord[]) => answers([...runs, ...more], REFERENCES)['Missing or reduced']
    expect(missing([])).toBe('Nothing: every run is finished, and no protocol or budget is below the papers’.')
    expect(missing([failedRun({ algorithm: 'gdas' })])).toBe('1 run failed.')
    const { manifest, ...other } = fixtureRun({ algorithm: 'gdas' })
    const job = { ...manifest.job, imported: { content: 'x' } }
    expect(missing([{ ...other, manifest: { ...manifest, job } }])).toBe(
      'Of unknown size: 1 run imported from other programs.',
    )
  })

  test('count the claims that hold', () => {
    const rule = { measure: 'accuracy', of: 'drnas', above: 50 }
    const claims = claimsSchema.parse({ rulesWritten: 'before', claims: [{ claim: 'a', source: 'b', rule }] })
    const table = claimsTable(runs, claims, REFERENCES)
    expect(answers(runs, REFERENCES, { claims: table }).Claims).toBe(
      'Claims that hold: 1 of 1; that do not hold: 0; that these runs cannot judge: 0.',
    )
  })

  test('of full trainings name the smallest test error', () => {
    const trained = [96, 97].map((accuracy, i) =>
      trainedRun({ algorithm: i === 0 ? 'darts-v1' : 'drnas', accuracies: [accuracy] }),
    )
    expect(answers(trained, REFERENCES).Best).toBe(
      'drnas (1 seed): 3.00 % CIFAR-10 test error; 1.00 points ahead of darts-v1 (1 seed), the next one.',
    )
  })

  test('need no finished run', () => {
    expect(answers([failedRun()], REFERENCES).Failed).toContain('1 of 1 run')
  })
})

describe('the section of claims', () => {
  const runs = withAccuracies('drnas', [93, 94, 95]).map((run) => {
    const { job } = run.manifest
    const protocol = { ...job.protocol, data: { ...job.protocol.data, limit: 100 } }
    return { ...run, manifest: { ...run.manifest, job: { ...job, protocol } } }
  })
  const rules = [
    [{ measure: 'accuracy', of: 'drnas', above: 50 }, 'holds'],
    [{ measure: 'accuracy', of: 'drnas', below: 50 }, 'does not hold'],
    [{ measure: 'accuracy', of: 'drnas', above: 94 }, 'undecided'],
    [{ measure: 'accuracy', of: 'drnas', above: 50, paperSize: true }, 'not at this size'],
    [{ measure: 'accuracy', of: 'gdas', above: 50 }, 'not run yet'],
    [{ measure: 'accuracy', of: 'drnas', exceeds: 'gdas' }, 'not run yet'],
    [{ measure: 'accuracy', of: 'drnas', above: 50, seeds: 4 }, 'not run yet'],
    [{ measure: 'eigenvalue-growth', of: 'drnas', above: 50 }, 'not measured'],
  ] as const
  const unmeasured = runs.map((run) => ({ ...run, epochs: run.epochs.map(({ probes: _, ...epoch }) => epoch) }))
  const claims = claimsSchema.parse({
    rulesWritten: 'before',
    claims: rules.map(([rule]) => ({ claim: 'a', source: 'b', rule })),
  })
  const table = claimsTable(unmeasured, claims, REFERENCES)

  test('says why a claim cannot be judged', () => {
    const shown = [...claimsHtml(table, 'claims').matchAll(/<summary class="\w+">([^<]*)</g)].map(([, text]) => text)
    expect(shown).toEqual(rules.map(([, verdict]) => verdict))
  })

  test('stands behind the figures', () => {
    const figure = (name: string) => ({ title: name, figure: { name, caption: '', columns: 1, panels: [] } })
    const html = renderPage({
      ...{ title: 'a', runs: unmeasured, figures: ['accuracies', 'hessian', 'skips'].map(figure) },
      tables: [
        { name: 'claims', title: 'Claims', table },
        { name: 'table', title: 'Accuracy', table },
      ],
    })
    const order = [...html.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id)
    expect(order.slice(0, 6)).toEqual(['summary', 'accuracies', 'hessian', 'skips', 'claims', 'table'])
  })
})

describe('the matrix of paired differences', () => {
  const matrix = (seeds: number, accuracies: Readonly<Record<string, number>>) => {
    const runs = Object.entries(accuracies).flatMap(([algorithm, mean]) =>
      Array.from({ length: seeds }, (_, seed) =>
        fixtureRun({ algorithm, seed, accuracyPct: mean + (seed % 3) / 10 + (algorithm.length * seed) / 1000 }),
      ),
    )
    return pairwiseMatrices(compare(runs), REFERENCES)[0]
  }

  test('is antisymmetric, best search first, without fixed architectures', () => {
    const { labels, cells } = matrix(4, { gdas: 80, drnas: 90, optimal: 99, snas: 85 })
    expect(labels).toEqual(['drnas', 'snas', 'gdas'])
    for (const [i, row] of cells.entries()) {
      expect(row[i]).toBeUndefined()
      for (const [j, cell] of row.entries()) {
        if (cell) expect(cell.difference).toBeCloseTo(-(cells[j][i]?.difference ?? Number.NaN))
      }
    }
    expect(cells[0][2]?.difference).toBeCloseTo(10, 1)
  })

  test.each([
    [2, 'too few for a p-value, which takes 3'],
    [4, 'With 4 seeds no pair can be significant at 5 %: the smallest possible p-value is 0.125'],
    [6, 'With 6 seeds and 3 pairs no single pair can be significant at 5 % after Holm'],
    [10, 'Of 3 pairs 3 differ significantly at 5 %'],
  ])('of %i seeds says: %s', (seeds, sentence) => {
    expect(matrix(seeds, { gdas: 80, drnas: 90, snas: 85 }).sentence).toContain(sentence)
  })
})

test('every search is in the answers only once if its runs are repeated in several reports', () => {
  const twice = [...fixtureRuns(2), ...fixtureRuns(2)]
  expect(answers(twice, REFERENCES).Seeds).toContain('2 seeds a method')
})
