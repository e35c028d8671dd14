import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { RunManifest } from '../../src/core/result.ts'
import { TrainingFolder } from '../../src/retrain/trainingFolder.ts'
import { Store } from '../../src/runner/store/store.ts'
import { type Lock, type LockTiming, lock, lockHolder, tryLock } from '../../src/system/lock.ts'
import { livenessOf, type ProcessIdentity, thisProcess } from '../../src/system/processes.ts'
import { fixtureRun } from '../report/fixtureRuns.ts'
import { until } from '../support/command.ts'

const newPath = () => join(mkdtempSync(join(tmpdir(), 'lock-')), 'lock')
/** Far below the real one, and far above what a busy machine delays a heartbeat by. */
const timing: LockTiming = { beatMs: 100, staleMs: 2000, pollMs: 50 }
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const isLock = (taken: Lock | ProcessIdentity): taken is Lock => 'requireHeld' in taken

async function taken(path: string): Promise<Lock> {
  const found = await tryLock(path, timing)
  if (isLock(found)) return found
  throw new Error(`held by process ${found.pid}`)
}

const LOCK_MODULE = fileURLToPath(new URL('../../dist/system/lock.js', import.meta.url))
const IN_OTHER_NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child']
/** Needs root or user namespaces; its own `/proc`, or that of the namespace outside. */
const hasNamespaces = spawnSync(IN_OTHER_NAMESPACE[0], [...IN_OTHER_NAMESPACE.slice(1), 'true']).status === 0
if (!hasNamespaces) console.warn('no second PID namespace can be made here: the tests that need one are skipped')

const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** Starts a process that calls `lock` or `tryLock` and prints what it got. → its output, line by line */
function locking(path: string, code: string, prefix: readonly string[] = []) {
  const script = `import { lock, tryLock } from ${JSON.stringify(LOCK_MODULE)}
    const [path, timing] = ${JSON.stringify([path, timing])}
    const say = (value) => console.log(typeof value === 'string' ? value : JSON.stringify(value))
    ${code}`
  const [command, ...args] = [...prefix, process.execPath, '--input-type=module', '-e', script]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  return { child, lines: () => output.split('\n').slice(0, -1) }
}

const HOLD = `await lock(path, () => {}, timing); say('held'); setInterval(() => {}, 1000)`

describe('a lock', () => {
  test('is held by one, and named to the others', async () => {
    const path = newPath()
    const held = await taken(path)
    expect(await tryLock(path)).toEqual(thisProcess())
    expect(lockHolder(path)?.pid).toBe(process.pid)
    held.requireHeld()
    held.release()
    expect(lockHolder(path)).toBeUndefined()
    expect(existsSync(path)).toBe(false)
  })

  test('is waited for', async () => {
    const path = newPath()
    const first = await taken(path)
    const waited: number[] = []
    const second = lock(path, ({ pid }) => waited.push(pid))
    setTimeout(() => first.release(), 50)
    ;(await second).release()
    expect(waited).toEqual([process.pid])
  })

  test('goes to one of many that want a dead holder’s at once, and nothing else is left behind', async () => {
    const path = newPath()
    writeFileSync(path, JSON.stringify({ ...thisProcess(), startedTicks: '1', pid: 2 ** 22 + 1 }))
    const rivals = Array.from({ length: 6 }, () =>
      locking(
        path,
        `const t = await tryLock(path, timing); say('release' in t ? 'held' : t); setInterval(() => {}, 1000)`,
      ),
    )
    await until(() => rivals.every(({ lines }) => lines().length === 1), 'all rivals')
    const first = rivals.map(({ lines }) => lines()[0])
    expect(first.filter((line) => line === 'held')).toHaveLength(1)
    expect(readdirSync(join(path, '..'))).toEqual(['lock'])
  })

  test('of a process whose number another process has now is taken over at once', async () => {
    if (thisProcess().startedTicks === null) return
    expect(livenessOf(thisProcess())).toBe('alive')
    expect(livenessOf({ ...thisProcess(), startedTicks: '1' })).toBe('dead')
    const path = newPath()
    writeFileSync(path, JSON.stringify({ ...thisProcess(), startedTicks: '1' }))
    ;(await taken(path)).release()
  })

  test.each([
    ['machine', { host: 'another-machine' }],
    ['boot', { boot: 'another-boot' }],
    ['PID namespace', { pidNamespace: 'pid:[1]' }],
  ])('of another %s is not judged by process numbers of this one', (_, elsewhere) => {
    for (const pid of [process.pid, 2 ** 22 + 1]) {
      expect(livenessOf({ ...thisProcess(), pid, ...elsewhere })).toBe('unknown')
    }
  })

  test('of a live process of this machine is its own, whatever the time of its file', async () => {
    if (thisProcess().startedTicks === null) return
    const path = newPath()
    const held = await taken(path)
    for (const days of [-400, 400]) {
      const skewed = new Date(Date.now() + days * 86_400_000)
      utimesSync(path, skewed, skewed)
      expect(await tryLock(path, timing)).toEqual(thisProcess())
    }
    held.release()
  })

  test('that another process has made its own stays with that, and is no longer written under', async () => {
    const path = newPath()
    const held = await taken(path)
    writeFileSync(`${path}.theirs`, JSON.stringify({ ...thisProcess(), host: 'another-machine', pid: 4711 }))
    renameSync(`${path}.theirs`, path)
    expect(() => held.requireHeld()).toThrow(
      /lock was taken over by process 4711 on another-machine while this one did not respond; nothing more is written here$/,
    )
    held.release()
    expect(lockHolder(path)?.host).toBe('another-machine')
  })

  test('that was lost keeps a run from writing anything', async () => {
    const run = new Store(mkdtempSync(join(tmpdir(), 'lock-store-'))).run('run')
    const held = await run.lock(() => {})
    writeFileSync(join(run.path, 'lock'), JSON.stringify({ ...thisProcess(), host: 'another-machine' }))
    const epoch = { epoch: 0, genotype: '|x|', metrics: [], seconds: 0 }
    expect(() => run.appendEpochs([epoch])).toThrow(/taken over/)
    expect(() => run.fail({ schema: 1, id: 'run', epoch: 0, message: 'x' })).toThrow(/taken over/)
    expect(readdirSync(run.path)).toEqual(['lock'])
    held.release()
  })

  const manifest: RunManifest = { ...fixtureRun().manifest, id: 'run' }
  test.each<[string, (store: string) => unknown]>([
    ['a run begins', (store) => new Store(store).run('run').begin(manifest)],
    ['a run is tidied', (store) => new Store(store).run('run').tidy()],
    ['a lost run is recorded', (store) => new Store(store).run('run').recordLoss(manifest, 'lost')],
    ['a training begins', async (store) => (await new TrainingFolder(store, 'run').lock(() => {})).release()],
  ])('keeps the files with which other processes try to take it when %s', async (_, act) => {
    const store = mkdtempSync(join(tmpdir(), 'lock-store-'))
    const folder = new Store(store).run('run').path
    mkdirSync(folder)
    // An id that the kernel cannot know: of a process on another machine.
    const waiting = ['lock.4711-12-0123abcd.tmp', 'lock.stale.4711-12-0123abcd.tmp']
    const leftover = 'checkpoint.4711-12-0123abcd.tmp'
    for (const name of [...waiting, leftover]) writeFileSync(join(folder, name), '')
    await act(store)
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(waiting))
    expect(readdirSync(folder)).not.toContain(leftover)
  })

  test('that cannot be written says where', async () => {
    await expect(tryLock('/nowhere/lock')).rejects.toThrow('cannot write /nowhere/lock: ENOENT')
  })

  test.each(['', 'null', '[]', '7', '{"pid":0}', '{"pid":-1,"host":{}}', '{"pid":1e99}', 'a\0b', '{"pid":1'])(
    'with content %j has no known holder, and is taken over once nobody has written to it for long',
    async (content) => {
      const path = newPath()
      writeFileSync(path, content)
      expect(lockHolder(path)).toMatchObject({ boot: null })
      const quick = { ...timing, staleMs: 300 }
      const found = await tryLock(path, quick)
      expect(isLock(found)).toBe(true)
      if (isLock(found)) found.release()
    },
  )

  test('of another machine is its holder’s while something changes, and free when nothing does', async () => {
    const path = newPath()
    const elsewhere = { ...thisProcess(), host: 'another-machine', boot: 'b' }
    writeFileSync(path, JSON.stringify({ ...elsewhere, beat: 0 }))
    const begun = performance.now()
    const waiting = tryLock(path, timing)
    setTimeout(() => writeFileSync(path, JSON.stringify({ ...elsewhere, beat: 1 })), 500)
    expect(await waiting).toEqual(elsewhere)
    ;(await taken(path)).release()
    expect(performance.now() - begun).toBeGreaterThan(timing.staleMs)
  })
})

describe.skipIf(!hasNamespaces)('a lock shared with another PID namespace', { concurrent: true }, () => {
  const ownProc = [...IN_OTHER_NAMESPACE, '--mount-proc']

  test.each([
    ['its own /proc', ownProc],
    ['the /proc of this one', IN_OTHER_NAMESPACE],
  ])('is not taken from a live process here, by one there with %s', async (_, prefix) => {
    const path = newPath()
    const held = await taken(path)
    const there = locking(path, `const t = await tryLock(path, timing); say('release' in t ? 'held' : t)`, prefix)
    const [line] = await until(there.lines, 'an answer')
    expect(JSON.parse(line)).toEqual(thisProcess())
    held.requireHeld()
    held.release()
  })

  test.each([
    ['its own /proc', ownProc],
    ['the /proc of this one', IN_OTHER_NAMESPACE],
  ])(
    'is not taken from a live process there with %s, however its clock is set, and is free once that is killed',
    {
      timeout: 60_000,
    },
    async (_, prefix) => {
      const path = newPath()
      const there = locking(path, HOLD, prefix)
      await until(there.lines, 'the lock')
      const holder = JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity
      expect(holder.pid).toBeLessThan(10)
      expect(holder.startedTicks).not.toBeNull()
      let got: Lock | undefined
      const waiting = lock(path, () => {}, timing).then((mine) => {
        got = mine
      })
      for (const end = performance.now() + 2 * timing.staleMs, days = [-400, 400]; performance.now() < end; ) {
        const skewed = new Date(Date.now() + days[Math.round(end / 7) % 2] * 86_400_000)
        utimesSync(path, skewed, skewed)
        await pause(timing.staleMs / 5)
        days.reverse()
      }
      expect(got).toBeUndefined()
      there.child.kill('SIGKILL')
      const future = new Date(Date.now() + 400 * 86_400_000)
      await pause(200)
      if (existsSync(path)) utimesSync(path, future, future)
      await waiting
      got?.requireHeld()
      got?.release()
    },
  )

  test('stays with a holder whose main thread computes without a pause', { timeout: 60_000 }, async () => {
    const path = newPath()
    const busy = `await lock(path, () => {}, timing); say('held'); setTimeout(() => {
      for (const end = Date.now() + ${3 * timing.staleMs}; Date.now() < end; );
      say('done'); process.exit() }, 300)`
    const there = locking(path, busy, ownProc)
    await until(there.lines, 'the lock')
    await lock(path, () => {}, timing)
    expect(there.lines()).toEqual(['held', 'done'])
  })

  test('stays with its holder when both were stopped for long, as by a suspended machine', {
    timeout: 60_000,
  }, async () => {
    const path = newPath()
    const there = locking(path, HOLD, ownProc)
    await until(there.lines, 'the lock')
    const here = locking(path, `await lock(path, () => say('waits'), timing); say('held')`)
    await until(here.lines, 'the wait')
    const inside = Number(
      readFileSync(`/proc/${there.child.pid}/task/${there.child.pid}/children`, 'utf8').trim().split(' ')[0],
    )
    await pause(500)
    for (const pid of [here.child.pid ?? 0, inside]) process.kill(pid, 'SIGSTOP')
    await pause(1.5 * timing.staleMs)
    process.kill(here.child.pid ?? 0, 'SIGCONT')
    await pause(500)
    process.kill(inside, 'SIGCONT')
    await pause(timing.staleMs)
    expect(here.lines()).toEqual(['waits'])
  })

  test('of two processes there is taken over as soon as the first is killed', { timeout: 60_000 }, async () => {
    const path = newPath()
    const node = JSON.stringify(process.execPath)
    const hold = JSON.stringify(
      `import { lock } from ${JSON.stringify(LOCK_MODULE)}; await lock(${JSON.stringify(path)}, () => {}); process.kill(process.pid, 'SIGKILL')`,
    )
    const both = `const { spawnSync } = await import('node:child_process')
      spawnSync(${node}, ['--input-type=module', '-e', ${hold}])
      const begun = Date.now()
      await lock(path, () => say('waits'))
      say(Date.now() - begun < 20_000 ? 'held' : 'late')`
    const there = locking(path, both, ownProc)
    await until(() => there.lines().length > 0, 'the second')
    expect(there.lines()).toEqual(['held'])
    expect(statSync(path).size).toBeGreaterThan(0)
  })
})
