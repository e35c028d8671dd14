import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lock, lockHolder, tryLock } from '../../src/core/lock.ts'
import { mayBeAlive, thisProcess } from '../../src/core/processes.ts'

const newPath = () => join(mkdtempSync(join(tmpdir(), 'lock-')), 'lock')

describe('the lock of a run', () => {
  test('is held by one, and named to the others', () => {
    const path = newPath()
    const held = tryLock(path)
    expect('release' in held).toBe(true)
    expect(tryLock(path)).toEqual(thisProcess())
    expect(lockHolder(path)?.pid).toBe(process.pid)
    if ('release' in held) held.release()
    expect(lockHolder(path)).toBeUndefined()
    expect(existsSync(path)).toBe(false)
  })

  test('is waited for', async () => {
    const path = newPath()
    const first = tryLock(path)
    const waited: number[] = []
    const second = lock(path, ({ pid }) => waited.push(pid))
    setTimeout(() => 'release' in first && first.release(), 50)
    ;(await second).release()
    expect(waited).toEqual([process.pid])
  })

  test('of a dead process is taken over, and nothing else is left behind', async () => {
    const path = newPath()
    const child = spawn(process.execPath, ['-e', ''])
    const dead = { pid: child.pid, host: hostname(), startedTicks: null }
    await new Promise((resolve) => child.on('close', resolve))
    writeFileSync(path, JSON.stringify(dead))
    expect(lockHolder(path)).toBeUndefined()
    expect('release' in tryLock(path)).toBe(true)
    expect(JSON.parse(readFileSync(path, 'utf8')).pid).toBe(process.pid)
    expect(readdirSync(join(path, '..'))).toEqual(['lock'])
  })

  test('of a process whose number another process has now is taken over', () => {
    if (thisProcess().startedTicks === null) return
    expect(mayBeAlive(thisProcess())).toBe(true)
    expect(mayBeAlive({ ...thisProcess(), startedTicks: '1' })).toBe(false)
  })

  test('of another machine counts for as long as it is renewed', () => {
    const path = newPath()
    const elsewhere = { pid: 1, host: 'another-machine', startedTicks: null }
    writeFileSync(path, JSON.stringify(elsewhere))
    expect(tryLock(path)).toEqual(elsewhere)
    const past = new Date(Date.now() - 180_000)
    utimesSync(path, past, past)
    expect('release' in tryLock(path)).toBe(true)
  })
})
