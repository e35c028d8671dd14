/**
 * How long `bench status`, `table` and `report` take on a store of many runs, and how much memory they need.
 *
 *     npm run build
 *     npx jiti benchmarks/store/scale.ts --runs 10000 [--program FOLDER …] [--store FOLDER] [--only status,table]
 *
 * The store holds copies of a small real search: the records of eight algorithms over eight seeds, under other seeds,
 * whose job, id and folder agree. It is made once and kept where --store says (100,000 runs take 4 GB). Each command
 * runs without an index, and then with the index that the first call left; the cache folder is the benchmark's own.
 * With --program the built packages in the given folders are measured in turn, so that one run compares versions.
 * Printed are wall time, processor time (user and system) and peak memory.
 *
 * On two cores that did nothing else (Node 20), the second calls took, with 10,000 runs, `status` 0.4 s and 105 MB, `table`
 * 0.9 s and 124 MB, `report` 3.3 s and 310 MB; with 100,000 runs, `report` 22 s and 780 MB. The first `table` of 100,000 runs reads all
 * records, in 35 s and 770 MB; the first `report` after it reads all epochs, in 55 s.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { random } from '../../src/core/random.ts'
import type { ResultRecord, RunManifest } from '../../src/core/result.ts'
import { runId } from '../../src/runner/plan/identity.ts'
import { recordText } from '../../src/system/json.ts'

const ALGORITHMS = ['darts-v1', 'drnas', 'gdas', 'pc-darts', 'rea', 'random', 'local-search', 'bohb']
const BASE_SEEDS = 8
const PROTOCOL = 'micro:epochs=10,data.limit=256'

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    program: { type: 'string', multiple: true },
    store: { type: 'string' },
    only: { type: 'string', default: 'status,table,tests,report,folder' },
  },
})
const here = fileURLToPath(new URL('../..', import.meta.url))
const runs = Number(flags.runs)
const scratch = mkdtempSync(join(tmpdir(), 'scale-'))
const store = resolve(flags.store ?? join(scratch, 'store'))
const commands: Readonly<Record<string, readonly string[]>> = {
  status: ['status', '--out', join(scratch, 'status.txt')],
  table: ['table', '--out', join(scratch, 'table.txt')],
  tests: ['table', '--tests', '--out', join(scratch, 'tests.txt')],
  report: ['report', '--out', join(scratch, 'report.html'), '--quiet'],
  folder: ['report', '--folder', join(scratch, 'folder'), '--quiet'],
}

try {
  if (!existsSync(store)) makeStore()
  console.log(`${cpus()[0].model}, ${availableParallelism()} cores; Node ${process.versions.node}; ${runs} runs`)
  console.log(`${'command'.padEnd(34)}   wall s    CPU s  peak MB`)
  for (const name of flags.only.split(',')) {
    for (const program of flags.program ?? [here]) {
      const cache = mkdtempSync(join(scratch, 'cache-'))
      for (const call of ['first call', 'second call']) {
        const label = `${name}, ${call}${flags.program ? ` (${program})` : ''}`
        console.log(`${label.padEnd(34)} ${measured(program, commands[name], cache)}`)
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Runs the command in a process of its own, which says at its end what it used. */
function measured(program: string, args: readonly string[], cache: string): string {
  const usage = join(scratch, 'usage.json')
  const teller = `
    import { readFileSync, writeFileSync } from 'node:fs'
    process.on('exit', () => {
      const { user, system } = process.cpuUsage()
      const peak = /VmHWM:\\s*(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]
      writeFileSync(${JSON.stringify(usage)}, JSON.stringify({ cpu: (user + system) / 1e6, peak: peak / 1024 }))
    })`
  const began = performance.now()
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(teller)}`,
      join(program, 'dist/cli/main.js'),
      ...args,
      '--store',
      store,
    ],
    { encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: cache } },
  )
  const wall = (performance.now() - began) / 1000
  if (status !== 0) return `${number(wall)}  failed (${signal ?? status}): ${stderr.trim().split('\n').at(-1)}`
  const { cpu, peak } = JSON.parse(readFileSync(usage, 'utf8'))
  return `${number(wall)} ${number(cpu)} ${peak.toFixed(0).padStart(8)}`
}

function number(value: number): string {
  return value.toFixed(2).padStart(8)
}

/** Every copy is of a base run of its algorithm, drawn at random. */
function makeStore(): void {
  const base = join(scratch, 'base')
  const search = ['run', '--algo', ALGORITHMS.join(','), '--seeds', String(BASE_SEEDS), '--protocol', PROTOCOL]
  const main = join(here, 'dist/cli/main.js')
  const { status, stderr } = spawnSync(process.execPath, [main, ...search, '--store', base], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the base search failed: ${stderr}`)
  const originals = readdirSync(base)
    .filter((id) => existsSync(join(base, id, 'result.json')))
    .map((id) => {
      const read = (name: string) => readFileSync(join(base, id, name), 'utf8')
      const manifest = JSON.parse(read('run.json')) as RunManifest
      return { manifest, result: JSON.parse(read('result.json')) as ResultRecord, epochs: read('epochs.jsonl') }
    })
  const stream = random(0, 'scale')
  for (let i = 0; i < runs; i++) {
    const algorithm = ALGORITHMS[i % ALGORITHMS.length]
    const { manifest, result, epochs } = stream.choice(
      originals.filter((original) => original.result.algorithm === algorithm),
    )
    const job = { ...manifest.job, seed: Math.floor(i / ALGORITHMS.length) }
    const id = runId(job)
    const folder = join(store, id)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'run.json'), recordText({ ...manifest, id, job }))
    writeFileSync(join(folder, 'epochs.jsonl'), epochs)
    writeFileSync(join(folder, 'result.json'), recordText({ ...result, id, seed: job.seed }))
  }
}
