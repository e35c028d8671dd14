import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
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

  test('of a process that slept or computed for long is still its own', () => {
    if (thisProcess().startedTicks === null) return
    const path = newPath()
    const held = tryLock(path)
    const past = new Date(Date.now() - 180_000)
    utimesSync(path, past, past)
    expect(tryLock(path)).toEqual(thisProcess())
    if ('release' in held) held.release()
  })

  test('of which another machine has made its own stays with that', () => {
    const path = newPath()
    const held = tryLock(path)
    writeFileSync(`${path}.theirs`, JSON.stringify({ pid: 1, host: 'another-machine', startedTicks: null }))
    renameSync(`${path}.theirs`, path)
    if ('release' in held) held.release()
    expect(lockHolder(path)?.host).toBe('another-machine')
  })

  test('that a power cut emptied is taken over once nobody renews it', () => {
    const path = newPath()
    writeFileSync(path, '')
    expect(tryLock(path)).toMatchObject({ host: 'unknown' })
    const past = new Date(Date.now() - 180_000)
    utimesSync(path, past, past)
    expect('release' in tryLock(path)).toBe(true)
  })

  test('that cannot be written says where', () => {
    expect(() => tryLock('/nowhere/lock')).toThrow('cannot write /nowhere/lock: ENOENT')
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
