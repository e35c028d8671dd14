import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { plotCommand } from '../../src/cli/commands/plot.ts'
import { reportCommand } from '../../src/cli/commands/report.ts'
import { retrainCommand } from '../../src/cli/commands/retrain.ts'
import { statusCommand } from '../../src/cli/commands/status.ts'
import { tableCommand } from '../../src/cli/commands/table.ts'
import { verifyCommand } from '../../src/cli/commands/verify.ts'
import { runId } from '../../src/runner/plan/identity.ts'
import { Store } from '../../src/runner/store/store.ts'
import { type FixtureRun, failedRun, fixtureProtocol, fixtureRun, fixtureRuns } from '../report/fixtureRuns.ts'
import { full } from '../support/full.ts'

/** Reports have two kinds of figures, or all in `npm run test:full`. */
const FIGURES = full ? [] : ['--figures', 'hessian,cells']

let folder: string
let store: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'))
  store = join(folder, 'runs')
  keepUsualRuns()
})
afterEach(() => {
  rmSync(folder, { recursive: true })
  process.exitCode = undefined
  vi.restoreAllMocks()
})

/** Writes a run as the runner does, with the id of its job. */
function keep({ manifest, epochs, result, failure }: FixtureRun): void {
  const id = runId(manifest.job)
  mkdirSync(join(store, id), { recursive: true })
  const run = new Store(store).run(id)
  run.begin({ ...manifest, id })
  run.appendEpochs(epochs)
  if (result) run.finish({ ...result, id })
  if (failure) run.fail({ ...failure, id })
}

function keepUsualRuns(): void {
  for (const run of [...fixtureRuns(2), ...fixtureRuns(2, { algorithm: 'darts-v1' })]) keep(run)
}

/** Returns the output of a command. */
async function output(command: Command, ...args: readonly string[]): Promise<string> {
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  await command.parseAsync([...args], { from: 'user' })
  vi.restoreAllMocks()
  return written.join('')
}

const table = (...args: readonly string[]) => output(tableCommand(), '--store', store, ...args)

describe('bench table', () => {
  test('compares the whole store', async () => {
    const { rows } = JSON.parse(await table('--json'))
    expect(rows.map(({ method }: { method: string }) => method).slice(0, 2)).toEqual(['darts-v1', 'drnas'])
  })
  test('narrows to an algorithm, and to a run by its id', async () => {
    const one = runId(fixtureRun().manifest.job)
    expect(JSON.parse(await table('--json', '--published', 'none', '--algo', 'drnas')).rows).toHaveLength(1)
    expect(JSON.parse(await table('--json', '--published', 'none', one)).rows[0]).toMatchObject({
      method: 'drnas',
      seeds: 1,
    })
  })
  test('counts a run that failed', async () => {
    keep(failedRun({ seed: 7 }))
    const { rows } = JSON.parse(await table('--json', '--algo', 'drnas', '--published', 'none'))
    expect(rows[0]).toMatchObject({ seeds: 2, failed: 1, unfinished: 0 })
  })
  test('an algorithm without runs is refused with the nearest name', async () => {
    await expect(table('--algo', 'drnass')).rejects.toThrow('did you mean "drnas"?')
  })
  test('runs of two protocols are refused, and shown marked with --mix', async () => {
    keep(fixtureRun({ seed: 3, protocol: { ...fixtureProtocol, batchSize: 16 } }))
    await expect(table()).rejects.toThrow('batchSize is 8 or 16')
    expect(await table('--mix', '--published', 'none')).toContain('not comparable')
    for (const tests of [['--tests'], ['--tests', 'against=drnas']]) {
      await expect(table('--mix', ...tests)).rejects.toThrow('choose with --protocol, and leave out --mix')
    }
  })
  test('an empty store is refused', async () => {
    mkdirSync(join(folder, 'empty'))
    await expect(output(tableCommand(), '--store', join(folder, 'empty'))).rejects.toThrow('there are no runs')
  })
  const trained = (...flags: readonly string[]) => [tableCommand, ['reports/darts-trial', ...flags]] as const
  const searched = (...flags: readonly string[]) => [tableCommand, ['reports/nb201-laptop', ...flags]] as const
  const reported = (...flags: readonly string[]) => [reportCommand, ['reports/darts-trial', ...flags]] as const
  test.each([
    [trained('--tests'), 'these are full trainings, which have one table of test errors; leave out --tests'],
    [trained('--summary', 'std'), 'which have one table of test errors; leave out --summary'],
    [trained('--mix'), 'which have one table of test errors; leave out --mix'],
    [searched('--epochs', '--summary', 'ci95'), '--epochs lists every epoch of each run; leave out --summary'],
    [searched('--epochs', '--published', 'auto'), 'leave out --published'],
    [searched('--claims', '--tests'), '--claims prints verdicts alone; leave out --tests'],
    [searched('--tests', '--summary', 'median'), '--tests compares the runs seed by seed; leave out --summary'],
    [searched('--format', 'optuna', '--summary', 'ci95'), '--format optuna writes no table; leave out --summary'],
    [[plotCommand, ['anytime', '--json', '--width', '85']] as const, '--width is for a picture'],
    [reported('--folder', 'x', '--out', 'x.html'), '--folder writes the page into the folder; leave out --out'],
    [reported('--folder', 'x', '--mix'), 'these are full trainings, which need no --mix; leave it out'],
    [reported('--checklist', 'nas', '--title', 'x'), '--checklist prints answers, no page; leave out --title'],
  ])('an option without effect is refused: %#', async ([command, args], message) => {
    await expect(output(command(), ...args)).rejects.toThrow(message)
  })

  test('paired tests of one search are refused', async () => {
    await expect(table('--tests', '--algo', 'drnas')).rejects.toThrow('paired tests need two searches')
  })
  test('runs without looked-up numbers are refused', async () => {
    keep(fixtureRun({ seed: 5, protocol: { ...fixtureProtocol, headline: {} } }))
    const id = runId(fixtureRun({ seed: 5, protocol: { ...fixtureProtocol, headline: {} } }).manifest.job)
    await expect(table(id)).rejects.toThrow('these runs have no looked-up numbers')
  })
  test('a published table without a common column is refused', async () => {
    await expect(table('--published', 'zen-darts-age')).rejects.toThrow('has none of the accuracies')
  })
  test('an unknown published table is refused while the options are read, before any training or figure', () => {
    const commands = [tableCommand(), reportCommand(), retrainCommand()]
    for (const command of commands) {
      expect(() => command.parseOptions(['--published', 'drnas-table-x'])).toThrow(
        'unknown published table "drnas-table-x"; did you mean',
      )
    }
  })
})

describe('bench plot', () => {
  test('writes every picture that is named', async () => {
    const files = ['a.png', 'b.svg', 'c.pdf'].map((name) => join(folder, name))
    await output(plotCommand(), 'hessian', '--store', store, ...files.flatMap((file) => ['--out', file]))
    expect(files.every((file) => readFileSync(file).length > 1000)).toBe(true)
  })
  test.each(['hessian', 'anytime', 'cells', 'scatter'])('runs on two spaces are refused: %s', async (kind) => {
    const { manifest, ...run } = fixtureRun({ seed: 9 })
    keep({ ...run, manifest: { ...manifest, job: { ...manifest.job, space: 'darts' } } })
    const drawn = output(plotCommand(), kind, '--store', store, '--out', join(folder, 'x.svg'))
    await expect(drawn).rejects.toThrow('cannot be compared; choose with --space')
  })
  test('all architectures of no table are refused', async () => {
    const { manifest, ...run } = fixtureRun({ seed: 9 })
    const { table: _, ...job } = manifest.job
    keep({ ...run, manifest: { ...manifest, job } })
    const drawn = output(plotCommand(), 'scatter', '--store', store, '--out', join(folder, 'x.svg'))
    await expect(drawn).rejects.toThrow('of one table; found fixture-table and none')
  })
  test('without --out says how to name a file', async () => {
    await expect(output(plotCommand(), 'hessian', '--store', store)).rejects.toThrow('--out hessian.svg writes one')
  })
})

describe('bench report and bench verify', () => {
  const committed = () => join(folder, 'reports', 'one')
  let written: string
  beforeAll(async () => {
    written = mkdtempSync(join(tmpdir(), 'bench-'))
    store = join(written, 'runs')
    keepUsualRuns()
    const target = join(written, 'one')
    await output(reportCommand(), '--store', store, '--folder', target, '--published', 'none', ...FIGURES)
  })
  afterAll(() => rmSync(written, { recursive: true }))
  beforeEach(() => cpSync(join(written, 'one'), committed(), { recursive: true }))

  test('a report is verified from its own folder only', async () => {
    rmSync(store, { recursive: true })
    expect(await output(verifyCommand(), join(folder, 'reports'))).toMatch(
      /^ok .* files recomputed from 4 runs; table not here/,
    )
    expect(process.exitCode).toBeUndefined()
  })

  test('a report that replaces an earlier one has its own runs only', async () => {
    const [id] = readdirSync(store)
    rmSync(join(store, id), { recursive: true })
    await output(reportCommand(), '--store', store, '--folder', committed(), '--published', 'none', ...FIGURES)
    expect(readdirSync(join(committed(), 'runs'))).not.toContain(id)
    expect(await output(verifyCommand(), committed())).toMatch(/^ok .* files recomputed from 3 runs/)
  })

  test('a report made of a report, or over one, keeps what that one shows', async () => {
    const settings = { title: 'Four searches', published: 'drnas-table-4', mix: true }
    const shown = (name: string) => JSON.parse(readFileSync(join(folder, 'reports', name, 'report.json'), 'utf8'))
    const flags = ['--title', settings.title, '--published', settings.published, '--mix', ...FIGURES]
    await output(reportCommand(), '--store', store, '--folder', committed(), ...flags)
    await output(reportCommand(), committed(), '--folder', join(folder, 'reports', 'two'), ...FIGURES)
    await output(reportCommand(), '--store', store, '--folder', committed(), ...FIGURES)
    for (const name of ['one', 'two']) expect(shown(name)).toMatchObject(settings)
    expect(await output(tableCommand(), committed())).toContain('Published')
    await output(reportCommand(), committed(), '--out', join(folder, 'page.html'))
    expect(readFileSync(join(folder, 'page.html'), 'utf8')).toContain('<title>Four searches')
    await output(reportCommand(), committed(), '--folder', committed(), '--title', 'Other', ...FIGURES)
    expect(shown('one')).toMatchObject({ ...settings, title: 'Other' })
  })

  test('a changed number fails with a diff', async () => {
    const path = join(committed(), 'table.md')
    writeFileSync(path, readFileSync(path, 'utf8').replace(/\d\d\.\d\d/, '99.99'))
    const text = await output(verifyCommand(), committed())
    expect(text).toMatch(/^FAIL/)
    expect(text).toMatch(/table\.md\n {4}- .*99\.99/)
    expect(process.exitCode).toBe(1)
  })

  test('--update recreates the report from its records, byte for byte', async () => {
    const files = ['table.md', 'hessian.json', 'hessian.png', 'index.html', 'report.json'].map((name) =>
      join(committed(), name),
    )
    const before = files.map((path) => readFileSync(path))
    for (const path of files.slice(0, -1)) writeFileSync(path, 'spoilt')
    expect(await output(verifyCommand(), committed(), '--update')).toMatch(/^ok/)
    for (const [i, path] of files.entries()) expect(readFileSync(path).equals(before[i]), path).toBe(true)
  })

  test.each([
    ['a cell of its table', /(data-value="[^"]*">)\d\d\.\d\d/, '$199.99'],
    ['a point of a figure', /("flat":\[[^\]]*?)\d+(\.\d+)?\]/, '$199.99]'],
  ])('a changed page fails: %s', async (_, number, other) => {
    const path = join(committed(), 'index.html')
    writeFileSync(path, readFileSync(path, 'utf8').replace(number, other))
    expect(await output(verifyCommand(), committed())).toMatch(/^FAIL .*\n {2}index\.html\n {4}- .*99\.99/)
    expect(process.exitCode).toBe(1)
  })

  test('a page with another style is the same report', async () => {
    const path = join(committed(), 'index.html')
    writeFileSync(
      path,
      readFileSync(path, 'utf8')
        .replace(/<style>.*?<\/style>/s, '')
        .replace('class="scroll"', ''),
    )
    expect(await output(verifyCommand(), committed())).toMatch(/^ok/)
  })

  test('a result that does not belong to its job fails', async () => {
    const [id] = readdirSync(join(committed(), 'runs'))
    const path = join(committed(), 'runs', id, 'result.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"seed": \d+/, '"seed": 77'))
    expect(await output(verifyCommand(), committed())).toMatch(/runs\/.*\/result\.json\n {4}- .* 77\n/)
  })

  test('a changed job no longer matches its run id', async () => {
    const [id] = readdirSync(join(committed(), 'runs'))
    const path = join(committed(), 'runs', id, 'run.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"batchSize": 8', '"batchSize": 9'))
    await expect(output(verifyCommand(), committed())).rejects.toThrow('batchSize is')
  })

  test('a folder without a report and without runs is refused', async () => {
    mkdirSync(join(folder, 'empty'))
    await expect(output(verifyCommand(), join(folder, 'empty'))).rejects.toThrow('holds neither a report nor runs')
  })

  test('records of a store are checked like those of a report', async () => {
    expect(await output(verifyCommand(), store)).toMatch(/^ok .*: records of 4 runs checked/)
    const [id] = readdirSync(store)
    const path = join(store, id, 'result.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"seed": \d+/, '"seed": 77'))
    expect(await output(verifyCommand(), join(store, id))).toMatch(
      /^FAIL .*\n {2}\S+-[0-9a-f]{16}\/result\.json\n {4}- .* 77\n/,
    )
    expect(process.exitCode).toBe(1)
  })

  test('--update writes nothing if one of the folders is not a report', async () => {
    const path = join(committed(), 'table.md')
    writeFileSync(path, 'spoilt')
    const updated = output(verifyCommand(), committed(), store, '--update')
    await expect(updated).rejects.toThrow(`--update writes reports again, and ${store} is not a report`)
    expect(readFileSync(path, 'utf8')).toBe('spoilt')
  })
})

describe('bench status', () => {
  const status = async (...args: readonly string[]) =>
    JSON.parse(await output(statusCommand(), '--store', store, '--json', ...args)).rows

  test('narrows as bench table does', async () => {
    const { manifest, epochs } = fixtureRun({ seed: 7 })
    keep({ epochs, manifest: { ...manifest, job: { ...manifest.job, dataset: { name: 'cifar100' } } } })
    expect(await status('--dataset', 'cifar100')).toMatchObject([{ seed: 7, dataset: 'cifar100' }])
    expect(await status(store, '--algo', 'darts-v1')).toHaveLength(2)
    await expect(status('--dataset', 'cifar101')).rejects.toThrow('unknown dataset among these runs "cifar101"')
  })

  test.each([
    '--seeds 4',
    '--budget 100',
    '--backend wasm',
    '--early-stop eigenvalue',
    '--select perturbation',
    '--metric balanced',
    '--fast-math',
  ])('refuses %s where no experiment is named', async (line) => {
    await expect(status(...line.split(' '))).rejects.toThrow(`${line.split(' ')[0]} describes an experiment`)
  })
})

describe('a record with control characters or markup', () => {
  const hostile = '\u001b]0;x\u0007\u009b2J\u202e\r<img src=x onerror=alert(1)>'
  const raw = /[^\P{Cc}\n\t]|\p{Bidi_Control}|(?<!\\)<img src=x/u

  beforeEach(() => {
    const { manifest, ...run } = fixtureRun({ seed: 3, options: { note: hostile } })
    keep({ ...run, manifest: { ...manifest, environment: { ...manifest.environment, cpu: hostile } } })
    const { failure, ...lost } = failedRun({ seed: 4 })
    keep({ ...lost, ...(failure && { failure: { ...failure, message: hostile } }) })
  })

  const none = ['--published', 'none']
  test.each([
    ['text', tableCommand, none],
    ['CSV', tableCommand, [...none, '--format', 'csv']],
    ['JSON', tableCommand, [...none, '--format', 'json']],
    ['LaTeX', tableCommand, [...none, '--format', 'latex']],
    ['the state of runs', statusCommand, []],
    ['the state of runs in JSON', statusCommand, ['--json']],
    ['the data of a figure', plotCommand, ['hessian', '--json']],
  ])('does nothing in %s', async (_, command, args) => {
    const text = await output(command(), '--store', store, ...args)
    expect(text).toContain('u009b2J')
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
  })
  test('is harmless in page, tables, figures and copied records of a report', async () => {
    const report = join(folder, 'report')
    await output(reportCommand(), '--store', store, '--folder', report, '--published', 'none')
    const names = readdirSync(report, { recursive: true, encoding: 'utf8' })
    const texts = names.filter((name) => /\.(md|csv|tex|json|jsonl|html)$/.test(name))
    expect(texts.length).toBeGreaterThan(20)
    for (const name of texts) {
      const text = readFileSync(join(report, name), 'utf8').replace(/<script>.*?<\/script>/gs, '')
      expect(/\.(md|html)$/.test(name) ? raw.exec(text) : /[^\P{Cc}\n\t]|\p{Bidi_Control}/u.exec(text), name).toBeNull()
    }
  })
})

test('all output goes through the one function that escapes control characters', () => {
  const source = join(import.meta.dirname, '../../src')
  const writers = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => /std(out|err)\.write\(|console\.\w+\(/.test(readFileSync(join(source, name), 'utf8')))
  expect(writers).toEqual([join('cli', 'output.ts')])
})

describe('no command changes a run that it did not write', () => {
  /** Path ↦ content of every file below a folder. */
  const contents = (root: string): ReadonlyMap<string, string> =>
    new Map(
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
        .map((path) => [path, readFileSync(path, 'hex')]),
    )
  const report = (...args: readonly string[]) => output(reportCommand(), '--store', store, ...FIGURES, ...args)

  test.each([
    ['the folder that contains the store', () => folder],
    ['the store itself', () => store],
    ['a folder inside the store', () => join(store, 'report')],
    ['a run', () => join(store, readdirSync(store)[0])],
    [
      'a link to the folder that contains the store',
      () => {
        const link = join(mkdtempSync(join(tmpdir(), 'bench-')), 'link')
        symlinkSync(folder, link)
        return link
      },
    ],
  ])('a report is not written into %s', async (_, place) => {
    const target = place()
    const before = contents(folder)
    await expect(report('--folder', target, '--algo', 'drnas')).rejects.toThrow('name another folder')
    expect(contents(folder)).toEqual(before)
  })

  test('a report does not replace runs or files that no earlier report.json lists', async () => {
    const target = join(folder, 'report')
    const other = join(target, 'runs', 'mine')
    mkdirSync(other, { recursive: true })
    writeFileSync(join(other, 'run.json'), '{}')
    await expect(report('--folder', target)).rejects.toThrow('is a run that no report.json there lists')
    rmSync(join(target, 'runs'), { recursive: true })
    writeFileSync(join(target, 'table.md'), 'my notes')
    await expect(report('--folder', target)).rejects.toThrow('table.md is there, and no report.json lists it')
    expect(readFileSync(join(target, 'table.md'), 'utf8')).toBe('my notes')
  })

  test.each(['file', join('file', 'report')])('a report folder cannot be at the path of a file: %s', async (path) => {
    writeFileSync(join(folder, 'file'), 'mine')
    await expect(report('--folder', join(folder, path))).rejects.toMatchObject({
      name: 'BenchError',
      code: 'bad-input',
    })
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('mine')
  })

  test('an earlier report is replaced, and its outdated files are deleted', async () => {
    const target = join(folder, 'report')
    await report('--folder', target)
    writeFileSync(join(target, 'notes.txt'), 'mine')
    await report('--folder', target, '--algo', 'drnas')
    const kept = readdirSync(join(target, 'runs'))
    expect(kept).toHaveLength(2)
    expect(kept.every((name) => name.startsWith('drnas-'))).toBe(true)
    expect(readFileSync(join(target, 'notes.txt'), 'utf8')).toBe('mine')
  })

  test('report, table, plot, status and verify do not change a byte of the store', async () => {
    const before = contents(store)
    const out = join(folder, 'out')
    mkdirSync(out)
    await report('--out', join(out, 'page.html'))
    await report('--folder', join(out, 'report'))
    await table('--json')
    await output(plotCommand(), 'anytime', '--store', store, '--out', join(out, 'figure.svg'))
    await output(statusCommand(), '--store', store)
    await output(verifyCommand(), join(out, 'report'))
    expect(contents(store)).toEqual(before)
  })

  test('verify --update writes the files of a report and none of its records', async () => {
    const target = join(folder, 'report')
    await report('--folder', target)
    const before = contents(join(target, 'runs'))
    writeFileSync(join(target, 'table.md'), 'stale')
    await output(verifyCommand(), '--update', target)
    expect(readFileSync(join(target, 'table.md'), 'utf8')).not.toBe('stale')
    expect(contents(join(target, 'runs'))).toEqual(before)
  })
})

describe('the arrangement of a table', () => {
  beforeEach(() => {
    for (const accuracyPct of [70, 71]) keep(fixtureRun({ algorithm: 'gdas', seed: accuracyPct - 70, accuracyPct }))
  })
  const methods = async (...args: string[]) => {
    const { rows } = JSON.parse(await table('--json', '--published', 'none', ...args))
    return rows.map(({ method }: { method: string }) => method)
  }

  test('--sort sorts by a mean or a name', async () => {
    expect((await methods('--sort', 'cifar10 test')).at(-1)).toBe('gdas')
    expect(await methods('--sort', 'method')).toEqual(['darts-v1', 'drnas', 'gdas'])
  })
  test('--columns chooses columns by title or key, in that order', async () => {
    const csv = await table('--format', 'csv', '--published', 'none', '--columns', 'CIFAR-10 TEST,seeds')
    expect(csv.split('\n')[0]).toBe('method,cifar10 test mean,cifar10 test std,cifar10 test n,seeds')
  })
  test('--tests against=NAME compares with one search, with interval and effect size', async () => {
    const { rows } = JSON.parse(await table('--json', '--tests', 'against=gdas'))
    const [first] = rows
    expect(rows.map(({ other }: { other: string }) => other).slice(0, 2)).toEqual(['darts-v1', 'drnas'])
    expect(first).toMatchObject({ seeds: 2, wilcoxonP: null })
    expect(first.difference).toBeLessThan(0)
    expect(first.interval).toMatch(/^\[-?\d+\.\d\d, -?\d+\.\d\d\]$/)
    expect(Math.sign(first.effectSize)).toBe(-1)
  })
  test.each([
    [['--sort', 'cifar11 test'], 'did you mean "CIFAR-10 test"?'],
    [['--columns', 'sedes'], 'did you mean "Seeds"?'],
    [['--tests', 'against=gdass'], 'did you mean "gdas"?'],
    [['--tests', 'gdas'], 'expected --tests, or --tests against=NAME'],
  ])('%j is refused', async (args, message) => {
    await expect(table(...args)).rejects.toThrow(message)
  })
})

describe('claims of papers', () => {
  const rules = (above: number) =>
    `rulesWritten: before\nclaims:\n  - { claim: DrNAS is good, source: Table 4, rule: { measure: accuracy, of: drnas, above: ${above}, seeds: 2 } }\n`
  const claimsFile = (above: number) => {
    writeFileSync(join(folder, 'claims.yaml'), rules(above))
    return join(folder, 'claims.yaml')
  }

  test('stand with their verdicts in a report, which verifies, and in the table of that report', async () => {
    const report = join(folder, 'report')
    const write = (...args: string[]) => output(reportCommand(), '--folder', report, '--compact', '--quiet', ...args)
    await write('--store', store, '--claims', claimsFile(50))
    const verdict = () =>
      /(holds|does not hold|cannot be judged)/.exec(readFileSync(join(report, 'claims.md'), 'utf8'))?.[0]
    expect(verdict()).toBe('holds')
    await output(verifyCommand(), report)
    expect(process.exitCode).toBeUndefined()
    const { rows } = JSON.parse(await output(tableCommand(), report, '--claims', '--json'))
    expect(rows).toMatchObject([{ claim: 'DrNAS is good', verdict: 'holds' }])
    await output(reportCommand(), report, '--folder', report, '--claims', claimsFile(99))
    expect(verdict()).toBe('does not hold')
    writeFileSync(
      join(report, 'claims.md'),
      readFileSync(join(report, 'claims.md'), 'utf8').replace('does not hold', 'holds'),
    )
    await output(verifyCommand(), report)
    expect(process.exitCode).toBe(1)
  })

  test('that are missing or damaged are refused, and nothing is written', async () => {
    await expect(table('--claims')).rejects.toThrow('name their file with --claims FILE')
    await expect(table('--claims', join(folder, 'no.yaml'))).rejects.toThrow('cannot read the file of claims')
    writeFileSync(join(folder, 'claims.yaml'), 'claims: 5')
    const out = join(folder, 'page.html')
    await expect(
      output(reportCommand(), '--store', store, '--claims', join(folder, 'claims.yaml'), '--out', out),
    ).rejects.toThrow('claims.yaml: rulesWritten')
    expect(readdirSync(folder)).not.toContain('page.html')
  })
})

describe('a paper kit', () => {
  const write = (...args: string[]) => output(reportCommand(), '--quiet', ...args)

  test('stands beside a report, which verifies, also where it is added later', async () => {
    const report = join(folder, 'report')
    await write('--store', store, '--folder', report, '--compact')
    expect(readdirSync(report)).not.toContain('compute.md')
    keep(failedRun({ seed: 5 }))
    await write('--store', store, '--folder', report, '--compact', '--kit', '--preliminary', store)
    for (const name of [
      'checklist-neurips.md',
      'checklist-nas.md',
      'compute.tex',
      'hyperparameters.csv',
      'reproduce.sh',
      'CITATION.cff',
      'package-lock.json',
    ]) {
      expect(readdirSync(report)).toContain(name)
    }
    expect(readFileSync(join(report, 'checklist-nas.md'), 'utf8')).toContain('1 run failed: drnas seed 5')
    await output(verifyCommand(), report)
    expect(process.exitCode).toBeUndefined()
    await write(report, '--folder', report, '--title', 'again')
    expect(readdirSync(report)).toContain('compute.md')
    writeFileSync(join(report, 'compute.md'), 'no compute')
    await output(verifyCommand(), report)
    expect(process.exitCode).toBe(1)
  })

  test('is added to a report from its own records', async () => {
    const report = join(folder, 'report')
    await write('--store', store, '--folder', report, '--compact')
    await write(report, '--folder', report, '--kit')
    expect(readdirSync(report)).toContain('checklist-neurips.md')
    await output(verifyCommand(), report)
    expect(process.exitCode).toBeUndefined()
  })

  test('states the compute of each of several reports, and verifies', async () => {
    const [one, two, both] = ['one', 'two', 'both'].map((name) => join(folder, name))
    await write('--store', store, '--folder', one, '--compact')
    keep(fixtureRun({ seed: 7 }))
    await write('--store', store, '--folder', two, '--compact')
    await write(one, two, '--folder', both, '--compact', '--kit')
    const rows = readFileSync(join(both, 'compute.csv'), 'utf8').split('\n')
    const runsOf = (name: string) => Number(rows.find((row) => row.startsWith(`${name},`))?.split(',')[1])
    expect(runsOf('two')).toBe(runsOf('one') + 1)
    expect(runsOf('total')).toBe(runsOf('two'))
    await output(verifyCommand(), both)
    expect(process.exitCode).toBeUndefined()
  })

  test('prints the answers to a checklist as Markdown and JSON', async () => {
    const text = await output(reportCommand(), '--store', store, '--checklist', 'neurips')
    expect(text).toMatch(/^# NeurIPS paper checklist/)
    const json = JSON.parse(await output(reportCommand(), '--store', store, '--checklist', 'neurips,nas', '--json'))
    expect(Object.keys(json)).toEqual(['neurips', 'nas'])
  })

  test.each([
    [['--checklist', 'neurip'], 'did you mean "neurips"?'],
    [['--checklist', 'nas', '--folder', 'x'], '--folder writes them with --kit'],
    [['--checklist', 'nas', '--out', 'x.html'], 'html'],
    [['--kit'], 'name it with --folder'],
    [['--compact'], 'name it with --folder'],
    [['--checklist', 'nas', '--preliminary', 'nowhere'], 'nowhere'],
  ])('%j is refused', async (args, message) => {
    await expect(output(reportCommand(), '--store', store, ...args)).rejects.toThrow(message)
  })
})
