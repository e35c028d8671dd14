import { describe, expect, test } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { runCommand } from '../../../src/cli/commands/run.ts'
import type { ExperimentFlags } from '../../../src/cli/experimentFlags.ts'
import { resolveExperiment } from '../../../src/cli/resolveExperiment.ts'
import { parseQualifier } from '../../../src/core/metric.ts'
import { compacted } from '../../../src/report/committed/records.ts'
import type { Cell, Tabular } from '../../../src/report/formats/tabular.ts'
import { checklistText } from '../../../src/report/kit/checklist/index.ts'
import { hyperparameterTable } from '../../../src/report/kit/hyperparameters.ts'
import { improvementTable, tableMeans } from '../../../src/report/kit/improvement.ts'
import { computeOf, ledgerTable } from '../../../src/report/kit/ledger.ts'
import { reproduceScript, runCommands } from '../../../src/report/kit/reproduce.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { runId } from '../../../src/runner/plan/identity.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { openTable } from '../../../src/tables/openTable.ts'
import { wordsOf } from '../../support/shell.ts'
import { type FixtureRun, failedRun, fixtureProtocol, fixtureRun, fixtureRuns, trainedRun } from '../fixtureRuns.ts'

const NONE = new Set<string>()
const named = <Run extends FixtureRun>(run: Run): Run => {
  const id = runId(run.manifest.job)
  return { ...run, manifest: { ...run.manifest, id }, ...(run.result && { result: { ...run.result, id } }) }
}
const plain = (cell: Cell) => (cell.kind === 'text' ? cell.text : cell.kind === 'number' ? cell.value : cell)
const rowsOf = ({ rows }: Tabular) => rows.map((row) => row.map(plain))

/** Parses a printed `bench run` command as the program does, and returns the ids of the runs that it would make. */
async function plannedIds(line: string): Promise<string[]> {
  const [, , ...argv] = wordsOf(line)
  let flags: ExperimentFlags = {}
  const command = runCommand()
  command.action((_, given) => {
    flags = given
  })
  await command.parseAsync(argv, { from: 'user' })
  const { experiment, registered } = await resolveExperiment(builtins, flags, undefined)
  return (await makePlan(experiment, registered)).jobs.map(({ id }) => id)
}

/** Runs as the given flags of `bench run` would make them. */
async function runsOf(...argv: string[]): Promise<RunRecord[]> {
  const command = runCommand()
  let flags: ExperimentFlags = {}
  command.action((_, given) => {
    flags = given
  })
  await command.parseAsync(argv, { from: 'user' })
  const { experiment, registered } = await resolveExperiment(builtins, flags, undefined)
  const { jobs } = await makePlan(experiment, registered)
  const { environment } = fixtureRun().manifest
  return jobs.map(({ id, job }) => ({ manifest: { schema: 1, id, job, environment }, epochs: [] }))
}

describe('reproduce.sh', () => {
  test.each([
    [
      'a search with options and probes',
      '--algo drnas --option progressive=true --option lambda=0.01 --probe hessian:every=2 --probe skip --seeds 3',
    ],
    ['several searches, seeds that are not the first ones', '--algo darts-v1,darts-v2,gdas --seeds 3,7,777'],
    ['a single seed that is not 0', '--algo pc-darts --seeds 5,'],
    ['a black-box search with a budget', '--algo random,rea --budget 500.5 --seeds 2'],
    [
      'a changed protocol',
      '--algo darts-v1 --protocol micro:epochs=3,network.channels=8,weights.learningRate=0.05 --seeds 1',
    ],
    ['a reference', '--algo optimal,resnet --seeds 1'],
  ])('names every setting of the identity: %s', async (_, words) => {
    const runs = await runsOf(...words.split(' '), '--dataset', 'shapes')
    const ids = (await Promise.all(runCommands(runs).map(plannedIds))).flat()
    expect(ids.sort()).toEqual(runs.map(({ manifest }) => manifest.id).sort())
  })

  test('is a script with one command for the seeds of each configuration', () => {
    const script = reproduceScript([...fixtureRuns(3), ...fixtureRuns(2, { algorithm: 'gdas' })])
    expect(script.match(/^bench run /gm)).toHaveLength(2)
    expect(script).toContain('--seeds 0,1,2')
    expect(script).toContain('--data "$IMAGES"/cifar10')
    expect(script).toMatch(/IMAGES=\$\{1:/)
    expect(script).toContain('bench report reproduced')
  })

  test('says so where a plugin is needed', () => {
    const run = fixtureRun()
    const { job } = run.manifest
    const foreign = {
      ...run,
      manifest: { ...run.manifest, job: { ...job, algorithm: { ...job.algorithm, plugin: 'x' } } },
    }
    expect(runCommands([foreign])[0]).toMatch(/^# drnas, seed 0, is of a plugin/)
  })
})

describe('the ledger of compute', () => {
  const gpu = (run: FixtureRun): FixtureRun => ({
    ...run,
    manifest: { ...run.manifest, job: { ...run.manifest.job, arithmetic: 'device' } },
  })

  test('counts finished, failed and interrupted runs, on CPUs and GPUs', () => {
    const { failure: _, ...interrupted } = failedRun({ seed: 2 })
    // Finished: 12.5 s. Failed and interrupted: ten epochs of 1.25 s each.
    const runs = [fixtureRun({ seed: 0 }), failedRun({ seed: 1 }), interrupted, gpu(fixtureRun({ seed: 3 }))]
    expect(computeOf(runs)).toEqual({
      ...{ runs: 4, failed: 1, unfinished: 1, untimed: 0 },
      ...{ cpuHours: (3 * 12.5) / 3600, gpuHours: 12.5 / 3600 },
    })
  })

  test('counts a run once, and keeps the times of failed runs in compact records', () => {
    const failed = failedRun()
    expect(computeOf([failed, failed]).runs).toBe(1)
    expect(computeOf([compacted(failed)])).toEqual(computeOf([failed]))
  })

  test('says how many runs have no recorded time', () => {
    const untimed = { ...failedRun(), epochs: failedRun().epochs.map(({ seconds: _, ...epoch }) => epoch) }
    expect(ledgerTable([untimed]).notes.join(' ')).toContain('Not counted: 1 run without a result')
  })

  const measured = (run: FixtureRun, processorSeconds: number): FixtureRun => ({
    ...run,
    ...(run.result && { result: { ...run.result, timing: { ...run.result.timing, processorSeconds } } }),
  })
  const headOf = ({ columns }: Tabular) => columns.map(({ title }) => title)

  test('has core hours from the processor time, and says which runs have none', () => {
    const runs = [measured(fixtureRun({ seed: 0 }), 7200), fixtureRun({ seed: 1 }), failedRun({ seed: 2 })]
    const table = ledgerTable(runs)
    expect(headOf(table)).toContain('Core hours')
    expect(rowsOf(table).at(-1)).toEqual(['total', 3, 1, 0, 2, (3 * 12.5) / 3600, 0])
    expect(table.notes.join(' ')).toContain('Not recorded for 2 runs')
  })

  test('calls wall time wall time where no processor time was recorded', () => {
    const table = ledgerTable(fixtureRuns(2))
    expect(headOf(table)).not.toContain('Core hours')
    expect(headOf(table)).toContain('Wall hours on CPUs')
    expect(table.notes.join(' ')).toContain('Processor time was not recorded')
  })

  test('does not count imported runs as runs that took no time', () => {
    const run = fixtureRun({ algorithm: 'mine' })
    const foreign = { ...run, manifest: { ...run.manifest, job: { ...run.manifest.job, imported: { content: 'x' } } } }
    const table = ledgerTable([fixtureRun(), foreign])
    expect(rowsOf(table).map((row) => row.slice(-2))).toEqual([
      [12.5 / 3600, 0],
      [{ kind: 'absent' }, { kind: 'absent' }],
      [12.5 / 3600, 0],
    ])
    expect(table.notes.join(' ')).toContain('Not counted: 1 imported run,')
  })

  test('has a row for each of several experiments, and counts a run of both once in the total', () => {
    const runs = fixtureRuns(3)
    const [a, b, c] = runs.map(({ manifest }) => manifest.id)
    const experiments = [
      { name: 'one', runs: [a, b] },
      { name: 'two', runs: [b, c] },
    ]
    const rows = rowsOf(ledgerTable(runs, { experiments }))
    expect(rows.map(([name, count]) => [name, count])).toEqual([
      ['drnas', 3],
      ['one', 2],
      ['two', 2],
      ['total', 3],
    ])
    expect(rowsOf(ledgerTable(runs, { experiments: experiments.slice(1) }))).toHaveLength(2)
  })

  test('adds preliminary runs to the total', () => {
    const trial = { name: 'trials', runs: 9, failed: 2, unfinished: 1, cpuHours: 5, gpuHours: 7, untimed: 0 }
    const rows = rowsOf(ledgerTable(fixtureRuns(2), { preliminary: [trial] }))
    expect(rows.map(([name]) => name)).toEqual(['drnas', 'preliminary: trials', 'total'])
    expect(rows[2]).toEqual(['total', 11, 2, 1, 25 / 3600 + 5, 7])
  })
})

describe('the relative improvement over a random baseline', () => {
  const fixed = (algorithm: string, accuracies: readonly number[], options: Readonly<Record<string, unknown>> = {}) =>
    accuracies.map((accuracyPct, seed) => fixtureRun({ algorithm, seed, accuracyPct, options }))
  const search = fixed('random', [80, 80], { evaluations: 100 })
  const sampled = fixed('random', [60, 60], { evaluations: 1 })
  const drnas = fixed('drnas', [84, 92])
  const means = fixtureProtocol.headline.cifar10.map(({ test }) => ({
    ...{ table: 'fixture-table', sha256: 'x', qualifier: test, architectures: 15625, accuracyPct: 50 },
  }))
  const NAMES = new Set(['optimal'])
  const improvements = (runs: readonly RunRecord[], known: typeof means = []) => {
    const table = improvementTable(runs, NAMES, known)
    const rows = (table?.rows ?? []).map(([method, cell]) => [plain(method), cell.kind === 'statistic' && cell.mean])
    return { rows, note: table?.notes.join(' ') }
  }

  test('is the difference of the means over the baseline’s mean, in %', () => {
    const runs = [...search, ...drnas, ...fixed('optimal', [99])]
    // (84 - 80) / 80 = 5 %, (92 - 80) / 80 = 15 %.
    expect(improvements(runs).rows).toEqual([['drnas', 10]])
    expect(improvements(runs).note).toContain('over random search (random')
  })
  test('is taken over randomly sampled architectures where runs have them, whatever the order', () => {
    for (const runs of [
      [...search, ...sampled, ...drnas],
      [...sampled, ...drnas, ...search],
    ]) {
      const { rows, note } = improvements(runs, means)
      expect(rows.find(([method]) => method === 'drnas')?.[1]).toBeCloseTo((100 * (88 - 60)) / 60, 10)
      expect(rows).toHaveLength(2)
      expect(note).toContain('over randomly sampled architectures (random (evaluations=1), one for each of 2 seeds)')
    }
  })
  test('is taken over the mean of the table, and of random search too, where its means are known', () => {
    const { rows, note } = improvements([...search, ...drnas], means)
    expect(rows).toEqual([
      ['random', 60],
      ['drnas', 76],
    ])
    expect(note).toContain('the mean of all 15625 architectures of the table fixture-table')
    expect(improvements([...search, ...drnas], means.slice(1)).note).toContain('over random search')
  })
  test('takes of several variants of random search the one with the most seeds, and names the others', () => {
    const { note } = improvements([...fixed('random', [70], { evaluations: 10 }), ...search, ...drnas])
    expect(note).toContain('random search (random (evaluations=100), no budget; not over random (evaluations=10))')
  })
  test('needs a baseline', () => expect(improvementTable(fixtureRuns(2), NONE)).toBeUndefined())
  test('of a table at hand is the mean over all its architectures', async () => {
    const [run] = await runsOf('--algo', 'random', '--dataset', 'shapes', '--seeds', '1')
    const found = await tableMeans([run])
    expect(found.map(({ qualifier, architectures }) => [qualifier, architectures])).toEqual([
      ['shapes/x-test/4/mean', 15625],
    ])
    const table = await openTable('nb201-micro')
    const qualifier = parseQualifier('shapes/x-test/4/mean')
    const sum = Array.from({ length: 15625 }, (_, i) => table.value(i, qualifier) ?? Number.NaN).reduce((a, b) => a + b)
    expect(found[0].accuracyPct).toBeCloseTo(sum / 15625, 8)
    const job = { ...run.manifest.job, table: { name: 'nb201-micro', sha256: 'another' } }
    expect(await tableMeans([{ ...run, manifest: { ...run.manifest, job } }])).toEqual([])
  })
})

describe('the sources of hyper-parameters', () => {
  test('are those of the preset, and changed values are named as set for these runs', async () => {
    const runs = await runsOf(
      '--algo',
      'darts-v1',
      '--dataset',
      'shapes',
      '--protocol',
      'micro:epochs=7',
      '--seeds',
      '1',
    )
    const rows = rowsOf(hyperparameterTable(runs))
    const source = (setting: string) => rows.find(([name]) => name === setting)?.[3]
    expect(source('epochs')).toContain('set for these runs')
    expect(source('weights.momentum')).toContain('DrNAS')
    expect(source('weights.momentum')).not.toContain('set for these runs')
    for (const row of rows) expect(String(row[3]).length).toBeGreaterThan(5)
  })
})

describe('a checklist', () => {
  const full = [...fixtureRuns(3), ...fixtureRuns(3, { algorithm: 'random' })].map(named)

  test.each(['neurips', 'nas'] as const)('has an answer and its evidence for every question: %s', (name) => {
    const text = checklistText(name, { runs: full, references: NONE })
    const items = text.split(/^\d+\. /m).slice(1)
    expect(items.length).toBeGreaterThan(10)
    for (const item of items) expect(item).toMatch(/\n {3}(Yes|No|Partly|Not applicable|For the authors)\. \S/)
    expect(text).not.toContain('Before these answers are used')
  })

  test('gives a plain no where there is no evidence', () => {
    const one = [named(fixtureRun())]
    expect(checklistText('neurips', { runs: one, references: NONE })).toMatch(/error bars.*\n +No\. 1 finished seed/)
    const nas = checklistText('nas', { runs: one, references: NONE })
    expect(nas).toMatch(/random search.*\n +No\. /)
    expect(nas).toMatch(/several runs.*\n +No\. /)
    expect(nas).toMatch(/ablations.*\n +No\. /)
  })

  test('says yes where the runs have it', () => {
    const nas = checklistText('nas', { runs: full, references: NONE })
    expect(nas).toMatch(/random search.*\n +Yes\. /)
    expect(nas).toMatch(/several runs.*\n +Yes\. 3 finished seeds of every search \(0–2\)/)
  })

  const foreignPlugin = (run: FixtureRun): FixtureRun => {
    const { job } = run.manifest
    return named({
      ...run,
      manifest: { ...run.manifest, job: { ...job, algorithm: { ...job.algorithm, name: 'mine', plugin: 'abc' } } },
    })
  }
  const otherTable = fixtureRun({ seed: 8, table: { name: 'other', sha256: 'fedcba' } })
  const { failure: _, ...interrupted } = named(failedRun({ seed: 9 }))
  test.each([
    ['a failed run', named(failedRun({ seed: 9 })), '1 run failed: drnas seed 9'],
    ['an unfinished run', interrupted, '1 run did not finish: drnas seed 9'],
    [
      'an edited record',
      { ...named(fixtureRun({ seed: 9 })), manifest: { ...named(fixtureRun({ seed: 9 })).manifest, id: 'drnas-x' } },
      'is not the hash of its job',
    ],
    ['a plugin', foreignPlugin(fixtureRun({ seed: 9 })), 'mine is of plugins'],
    [
      'another protocol',
      named(fixtureRun({ seed: 9, protocol: { ...fixtureRun().manifest.job.protocol, name: 'other' } })),
      'The runs follow 2 protocols',
    ],
    ['another table', named(otherTable), 'not all looked up in the same table'],
  ] as const)('says before its answers that there is %s', (_, run, sentence) => {
    for (const name of ['neurips', 'nas'] as const) {
      const text = checklistText(name, { runs: [...full, run], references: NONE })
      expect(text.slice(0, text.indexOf('1. **'))).toContain(sentence)
    }
  })

  /** Returns the answers of a checklist by their number. */
  const answersOf = (name: 'neurips' | 'nas', runs: readonly RunRecord[], files?: ReadonlySet<string>) =>
    checklistText(name, { runs, references: NONE, ...(files && { files }) })
      .split(/^\d+\. /m)
      .map((item) => item.split('\n   ')[1])

  const mine = fixtureRun({ algorithm: 'mine', seed: 9 })
  const imported = named({
    ...mine,
    manifest: { ...mine.manifest, job: { ...mine.manifest.job, imported: { content: 'x' } } },
  } as FixtureRun)
  const edited: FixtureRun = { ...fixtureRun({ seed: 9 }), manifest: { ...fixtureRun({ seed: 9 }).manifest, id: 'x' } }
  test.each([
    ['failed', named(failedRun({ seed: 9 })), [7], [8], 'failed run (drnas seed 9)'],
    ['unfinished', interrupted, [7], [8], 'unfinished run (drnas seed 9)'],
    ['edited', edited, [4, 6, 7, 8, 13], [1, 3, 4, 8, 10, 11, 12], 'changed or comes from elsewhere (drnas seed 9)'],
    [
      'imported',
      imported,
      [4, 5, 6, 7, 8, 12],
      [2, 3, 4, 10, 11, 12],
      'imported from other programs (mine (imported) seed 9)',
    ],
    [
      'plugin',
      foreignPlugin(fixtureRun({ seed: 9 })),
      [4, 5, 6, 12, 13],
      [2, 3, 4, 10, 12],
      'of plugins (mine seed 9)',
    ],
  ] as const)('answers no plain yes to what a run does not have: %s', (_, run, neurips, nas, words) => {
    for (const [name, questions] of [
      ['neurips', neurips],
      ['nas', nas],
    ] as const) {
      const answers = answersOf(name, [...full, run])
      for (const question of questions) {
        expect(answers[question], `${name} ${question}`).toMatch(/^(Partly|No)\. /)
        expect(answers[question], `${name} ${question}`).toContain(words)
      }
    }
  })

  test('answers no where it holds for no run', () => {
    const neurips = answersOf('neurips', [imported])
    for (const question of [4, 5, 6, 8]) expect(neurips[question]).toMatch(/^No\. /)
    const nas = answersOf('nas', [imported])
    for (const question of [2, 4, 5, 8, 11, 12]) expect(nas[question]).toMatch(/^No\. /)
  })

  test('counts neither imported runs as variants nor failed ones as random search', () => {
    const nas = answersOf('nas', [...fixtureRuns(2).map(named), imported, named(failedRun({ algorithm: 'random' }))])
    expect(nas[5]).toMatch(/^No\. /)
    expect(nas[7]).toMatch(/^No\. /)
  })

  test('counts random sampling neither as random search nor as its variant', () => {
    const sampled = fixtureRuns(3, { algorithm: 'random', options: { evaluations: 1 } }).map(named)
    const alone = answersOf('nas', [...fixtureRuns(3).map(named), ...sampled])
    expect(alone[7]).toMatch(/^No\. .* only random sampling \(evaluations=1\)\.\s*$/)
    const both = answersOf('nas', [...full, ...sampled])
    expect(both[5]).toMatch(/^No\. /)
    expect(both[7]).toMatch(/^Yes\. random/)
  })

  test('names the searches with a single seed among others', () => {
    const runs = [...full, named(fixtureRun({ algorithm: 'gdas' }))]
    expect(answersOf('neurips', runs)[7]).toMatch(/^Partly\. Not for gdas \(1\)/)
    expect(answersOf('nas', runs)[8]).toMatch(/^Partly\. Not for gdas \(1\)/)
  })

  test('mentions plugins only where there are some, and preliminary runs where none were named', () => {
    expect(answersOf('neurips', full).join(' ')).not.toContain('plugin')
    expect(answersOf('neurips', full)[8]).toMatch(/^Partly\. No preliminary runs were named/)
  })

  test('cites only files that lie beside it', () => {
    const cited = /(?<!writes )\b(compute|hyperparameters|improvement|claims)\.md|(?<!writes )reproduce\.sh/
    for (const name of ['neurips', 'nas'] as const) {
      expect(answersOf(name, full).join('\n')).not.toMatch(cited)
      expect(answersOf(name, full, new Set(['compute.md'])).join('\n')).toMatch(/(?<!writes )compute\.md/)
    }
  })

  test('of full trainings names them', () => {
    const text = checklistText('nas', { runs: [named(trainedRun({}))], references: NONE })
    expect(text).toContain('Architectures were trained in full')
  })
})
