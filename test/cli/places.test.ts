import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { plotCommand } from '../../src/cli/commands/plot.ts'
import { reportCommand } from '../../src/cli/commands/report.ts'
import { statusCommand } from '../../src/cli/commands/status.ts'
import { tableCommand } from '../../src/cli/commands/table.ts'
import { verifyCommand } from '../../src/cli/commands/verify.ts'
import { Workplace } from '../support/command.ts'
import { someOf } from '../support/full.ts'

const place = new Workplace()
const store = join(place.folder, 'runs')
const reports = join(place.folder, 'reports')
const picture = join(place.folder, 'x.svg')
const page = join(place.folder, 'x.html')
let id: string

/** Returns the output of a command. */
async function output(command: Command, ...args: readonly string[]): Promise<string> {
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  await command.parseAsync([...args, '--store', store], { from: 'user' }).finally(() => vi.restoreAllMocks())
  return written.join('')
}

const commands: Readonly<Record<string, (...args: readonly string[]) => Promise<string>>> = {
  table: (...args) => output(tableCommand(), '--json', '--published', 'none', ...args),
  status: (...args) => output(statusCommand(), '--json', ...args),
  plot: (...args) => output(plotCommand(), 'anytime', '--json', '--out', picture, ...args),
  report: async (...args) => {
    await output(reportCommand(), '--out', page, '--quiet', '--published', 'none', ...args)
    return readFileSync(page, 'utf8').match(/<table.*?<\/table>/s)?.[0] ?? ''
  },
}

/** All ways to name the one run. */
const places = () => [
  store,
  join(store, id),
  id,
  id.slice(0, -8),
  join(reports, 'whole'),
  join(reports, 'small'),
  reports,
]

beforeAll(async () => {
  vi.stubEnv('NAS_BENCH_HOME', place.home)
  await place.bench('run', '--algo', 'rea', '--dataset', 'cifar10', '--seeds', '1', '--budget', '2000', '--quiet')
  id = place.runs('runs')[0].slice(store.length + 1)
  await output(reportCommand(), '--folder', join(reports, 'whole'), '--published', 'none', '--quiet')
  await output(reportCommand(), '--folder', join(reports, 'small'), '--compact', '--published', 'none', '--quiet')
})
afterAll(() => {
  vi.unstubAllEnvs()
  place.remove()
})

describe('a store, a run, a report, a compact report, a folder of reports, a run id and its beginning give the same output', () => {
  test.each(Object.keys(commands))('by bench %s', async (name) => {
    const ofStore = await commands[name]()
    expect(ofStore.length).toBeGreaterThan(100)
    // Each page of a report takes seconds.
    for (const item of name === 'report' ? someOf(places(), 7) : places()) {
      expect(await commands[name](item), item).toBe(ofStore)
    }
  })

  test('by bench verify', async () => {
    for (const item of places()) expect(await output(verifyCommand(), item), item).toMatch(/^ok .* 1 run[ ;]/)
  })

  test('of a command with --store', async () => {
    const ofStore = await commands.table()
    const paths = places().filter((item) => !id.startsWith(item))
    for (const item of paths) expect(await commands.table('--store', item), item).toBe(ofStore)
  })

  test('a run that is named twice counts once', async () => {
    expect(await commands.table(store, id, reports)).toBe(await commands.table())
  })
})

describe('anything else is refused', () => {
  const all = { ...commands, verify: (...args: readonly string[]) => output(verifyCommand(), ...args) }

  test.each(Object.entries(all))('by bench %s', async (_, command) => {
    const [file, empty] = ['file', 'empty'].map((name) => join(place.folder, name))
    writeFileSync(file, '')
    mkdirSync(empty, { recursive: true })
    await expect(command(file)).rejects.toThrow(`${file} is a file that holds no runs; expected an experiment file`)
    await expect(command(id.replace('rea', 'rae'))).rejects.toThrow(
      /^unknown path or run of .*runs "rae-.*"; did you mean "rea-.*"\? \(known: rea-/,
    )
    mkdirSync(join(store, `${id}0`), { recursive: true })
    await expect(
      command(id.slice(0, -1)).finally(() => rmSync(join(store, `${id}0`), { recursive: true })),
    ).rejects.toThrow(`2 runs begin with ${id.slice(0, -1)}: ${id}, ${id}0; name one of them`)
    await expect(command(join('..', 'runs', id))).rejects.toThrow(/^unknown path or run of /)
    if (command !== commands.status) await expect(command(empty)).rejects.toThrow(`${empty}`)
  })
})

describe('a flag that changes an experiment file for bench run', () => {
  const file = join(place.folder, 'experiment.yaml')
  const changed = join(place.folder, 'changed')
  const rows = async (...flags: readonly string[]) => {
    const written: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
    const words = [file, '--store', changed, '--published', 'none', '--format', 'csv', ...flags]
    await tableCommand()
      .parseAsync(words, { from: 'user' })
      .finally(() => vi.restoreAllMocks())
    return written.join('')
  }

  test.each([
    ['--space', 'nb201-no-none'],
    ['--protocol', 'nb201-paper:headline=own'],
  ])('%s %s changes it in the same way for the commands that read runs', async (...flags) => {
    writeFileSync(file, 'algorithms: [rea, random]\nspace: nb201\ndatasets: cifar10\nbudget: 2000\nseeds: 2\n')
    await place.bench('run', file, '--store', changed, '--algo', 'rea', '--quiet', ...flags)
    const printed = await rows(...flags)
    expect(printed).toMatch(/^rea,2,/m)
    const told = `2 of the 4 runs of ${file} ${flags.join(' ')} were never begun; `
    expect(printed).toContain(`${told}\`bench run ${file} ${flags.join(' ')} --store ${changed}\` runs them`)
    await expect(rows()).rejects.toThrow('there are no runs in')
  })

  test('--algo selects the runs with the settings of the file, and those of an algorithm that the file lacks', async () => {
    writeFileSync(
      file,
      'algorithms: [{ name: rea, options: { population: 5 } }, random]\ndatasets: cifar10\nbudget: 2000\nseeds: 1\n',
    )
    const algo = ['--algo', 'rea,reinforce']
    await place.bench('run', file, '--store', changed, '--quiet', ...algo)
    expect(await rows('--algo', 'rea')).toMatch(/^rea,1,/m)
    const both = await rows(...algo)
    expect(both).toMatch(/^rea,1,/m)
    expect(both).toMatch(/^reinforce,1,/m)
    expect(both).not.toContain('never begun')
    await expect(rows('--algo', 'reax')).rejects.toThrow('unknown algo among these runs "reax"')
  })
})
