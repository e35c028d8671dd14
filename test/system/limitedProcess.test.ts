import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { runLimited } from '../../src/system/limitedProcess.ts'
import { raiseLimit } from '../../src/system/limits.ts'
import { someOf } from '../support/full.ts'

const folder = mkdtempSync(join(tmpdir(), 'nas-bench-limited-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => delete process.env.NAS_BENCH_RAISED_LIMITS)

const built = (module: string) => pathToFileURL(join(import.meta.dirname, '../../dist/system', module)).href
let count = 0

/** A module that runs this text as the body of `(request, report) => …`. */
function moduleOf(body: string): string {
  const path = join(folder, `${count++}.mjs`)
  writeFileSync(
    path,
    `import { serveLimited } from '${built('limitedProcess.js')}'
import { BenchError } from '${built('../core/errors.js')}'
import { countWork } from '${built('workCounter.js')}'
serveLimited(async (request, report) => { ${body} })\n`,
  )
  return path
}

const run = (body: string, request: unknown = null, onProgress?: (progress: unknown) => void) =>
  runLimited({
    module: moduleOf(body),
    request,
    file: 'x.csv',
    memory: 'source-gib',
    seconds: 'source-seconds',
    onProgress,
  })

describe('a process under limits', () => {
  test('gives what its task returns, and its progress, with their types', async () => {
    const progress: unknown[] = []
    const result = await run(
      'report([1]); report([2]); return { twice: request.values.map((x) => 2 * x), map: new Map([[1, NaN]]) }',
      { values: Float64Array.of(1, 2) },
      (done) => progress.push(done),
    )
    expect(result).toEqual({ twice: Float64Array.of(2, 4), map: new Map([[1, Number.NaN]]) })
    expect(progress).toEqual([[1], [2]])
  })

  test('throws what its task throws, a fault with its stack', async () => {
    const refused = run("throw new BenchError('corrupt', 'no good')")
    await expect(refused).rejects.toMatchObject({ name: 'BenchError', code: 'corrupt', message: 'no good' })
    const fault = (await run('null.x').catch((error) => error)) as Error
    expect(fault).not.toBeInstanceOf(BenchError)
    expect(fault.stack).toContain('.mjs:4')
  })

  const allocations = [
    ['in buffers', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1))'],
    ['in objects', 'const all = []; for (;;) all.push({ n: all.length })'],
    ['in one allocation', 'const all = Array(1e8).fill(0).map((_, i) => [i]); return all.length'],
    ['in a map that cannot be enlarged', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, String(i))'],
  ]
  test.each(someOf(allocations, 2))('ends at the limit of memory, %s', async (_, body) => {
    raiseLimit('source-gib=0.25')
    await expect(run(body)).rejects.toThrow(
      'reading x.csv takes more than 0.25 GiB of memory; the limit is 0.25 GiB: raise it with --raise source-gib=0.5',
    )
  })

  const hangs = [
    ['in a loop', 'for (;;);'],
    ['in promises', 'for (;;) await null'],
    ['in a regular expression', "return /^(a+)+$/.test('a'.repeat(60) + 'b')"],
    [
      'in a thread of its own',
      "const { Worker } = await import('node:worker_threads'); new Worker('for (;;);', { eval: true }); await new Promise(() => {})",
    ],
  ]
  test.each(someOf(hangs, 2))('ends where it hangs %s', async (_, body) => {
    raiseLimit('source-seconds=1')
    const attempt = run(body)
    await expect(attempt).rejects.toThrow(
      '1 seconds of reading x.csv made no progress; the limit is 1 seconds: raise it',
    )
    await expect(attempt).rejects.toMatchObject({ code: 'bad-input' })
  })

  test('goes on as long as it counts work', async () => {
    raiseLimit('source-seconds=1')
    const long = 'const end = Date.now() + 2500; while (Date.now() < end) countWork(); return 7'
    await expect(run(long)).resolves.toBe(7)
  })

  test('goes on while it waits for a disk', async () => {
    raiseLimit('source-seconds=1')
    await expect(run('await new Promise((done) => setTimeout(done, 2500)); return 7')).resolves.toBe(7)
  })

  test('is reported as lost where it ends by itself', async () => {
    await expect(run('process.exit(3)')).rejects.toThrow('the process that read x.csv ended early (exit code 3)')
    await expect(run("process.kill(process.pid, 'SIGTERM')")).rejects.toThrow('ended early (SIGTERM)')
    await expect(run('await new Promise(() => {})')).rejects.toThrow('ended early')
  })

  test('ends when the one that waits for it is killed', async () => {
    const parent = join(folder, 'parent.mjs')
    const child = moduleOf('report(process.pid); for (;;) countWork()')
    writeFileSync(
      parent,
      `import { runLimited } from '${built('limitedProcess.js')}'
runLimited({ module: '${child}', request: null, file: 'x', memory: 'source-gib', seconds: 'source-seconds',
  onProgress: (pid) => console.log(pid) })\n`,
    )
    const waiting = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [printed] = (await once(waiting.stdout, 'data')) as [Buffer]
    waiting.kill('SIGKILL')
    const pid = Number(printed.toString())
    const isThere = () => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    for (let i = 0; i < 200 && isThere(); i++) await new Promise((done) => setTimeout(done, 50))
    expect(isThere()).toBe(false)
  })
})
