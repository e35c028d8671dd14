/** Commands on stores with enough runs for an index: the index changes their speed and nothing else. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { plotCommand } from '../../src/cli/commands/plot.ts'
import { reportCommand } from '../../src/cli/commands/report.ts'
import { statusCommand } from '../../src/cli/commands/status.ts'
import { tableCommand } from '../../src/cli/commands/table.ts'
import { runId } from '../../src/runner/plan/identity.ts'
import { Store } from '../../src/runner/store/store.ts'
import { fixtureRuns } from '../report/fixtureRuns.ts'
import { Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'

const place = new Workplace()
const store = join(place.folder, 'runs')
const cache = join(place.home, 'cache/stores')
const out = (ending: string) => join(place.folder, `out.${ending}`)

beforeAll(async () => {
  vi.stubEnv('NAS_BENCH_HOME', place.home)
  const names = ['drnas', 'darts-v1', 'rea']
  for (const { manifest, epochs, result } of names.flatMap((algorithm) => fixtureRuns(30, { algorithm }))) {
    const id = runId(manifest.job)
    const run = new Store(store).run(id)
    mkdirSync(run.path, { recursive: true })
    run.begin({ ...manifest, id })
    // Epochs with what probes measured are read from the records.
    run.appendEpochs(manifest.job.algorithm.name === 'drnas' ? epochs : epochs.map(({ probes: _, ...epoch }) => epoch))
    // Every fifth was interrupted.
    if (result && result.seed % 5 !== 4) run.finish({ ...result, id })
  }
  // What changed a moment ago is not indexed.
  await new Promise((resolve) => setTimeout(resolve, 2100))
})
afterAll(() => {
  vi.unstubAllEnvs()
  place.remove()
})

const commands: Readonly<Record<string, readonly [() => Command, ...string[]]>> = {
  table: [tableCommand, '--published', 'none', '--out', out('csv')],
  'table --tests': [tableCommand, '--published', 'none', '--tests', '--out', out('json')],
  status: [statusCommand, '--out', out('json')],
  plot: [plotCommand, 'anytime', '--quiet', '--out', out('svg')],
  report: [reportCommand, '--published', 'none', '--quiet', '--out', out('html')],
}

async function result([command, ...args]: (typeof commands)[string]): Promise<string> {
  await command().parseAsync([...args, '--store', store], { from: 'user' })
  const out = args.at(-1) as string
  expect(statSync(out).size).toBeGreaterThan(500)
  // A process numbers the clip paths of its pictures on and on, also of the gzipped ones that a page offers as files.
  const unpacked = readFileSync(out, 'utf8').replace(/\bH4sI[\w+/]+=*/g, (packed) =>
    gunzipSync(Buffer.from(packed, 'base64')).toString('latin1'),
  )
  return createHash('sha256')
    .update(unpacked.replace(/cl_\w+/g, 'clip'))
    .digest('hex')
}

// A page takes seconds, three times.
const quick = Object.entries(commands).filter(([name]) => full || name !== 'report')

describe.each(quick)('bench %s', (_, command) => {
  test('prints the same bytes without an index, while writing one and when reading it, and does not change the store', async () => {
    const before = bytesOf(store)
    rmSync(cache, { recursive: true, force: true })
    mkdirSync(join(place.home, 'cache'), { recursive: true })
    writeFileSync(cache, 'no folder')
    const without = await result(command)
    rmSync(cache)
    expect(await result(command)).toBe(without)
    const indexes = readdirSync(cache).map((name) => join(cache, name))
    expect(indexes.length).toBeGreaterThan(0)
    for (const index of indexes) utimesSync(index, 1000, 1000)
    expect(await result(command)).toBe(without)
    // Read, and not written again.
    for (const index of indexes) expect(statSync(index).mtimeMs).toBe(1_000_000)
    expect(bytesOf(store)).toEqual(before)
  })
})

test('four commands at the same time leave one valid index', async () => {
  rmSync(cache, { recursive: true, force: true })
  const table = ['table', '--published', 'none']
  const outputs = await Promise.all([0, 1, 2, 3].map(() => place.bench(...table)))
  expect(new Set(outputs.map(({ code, stderr }) => `${code}${stderr}`))).toEqual(new Set(['0']))
  expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1)
  expect(readdirSync(cache)).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.summaries$/)])
  expect(await place.bench(...table)).toEqual(outputs[0])
})

/** Returns bytes and times of every file. */
function bytesOf(path: string): readonly unknown[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => [file, readFileSync(file, 'base64'), statSync(file).mtimeMs])
}
