import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  LOG_FILES,
  LOG_FORMATS,
  type LogEntry,
  maskedCrc32c,
  ProgressLog,
  parseLogFormats,
} from '../../src/system/progressLog.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const entry = (step: number): LogEntry => ({
  step,
  scalars: { 'loss/train': 1 / (step + 1), 'loss/validation': undefined, 'learning rate': 0.1 },
  histograms: { alpha: [0, 0.25, 0.5, 1].map((value) => value * step) },
})
const entries = (count: number) => Array.from({ length: count }, (_, step) => entry(step))
const bytesOf = (name: string) => readFileSync(join(folder, name))

/** The contents of the records of an event file, found by their lengths alone. */
function records(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at))
    found.push(bytes.subarray(at + 12, at + 12 + length))
    at += length + 16
  }
  return found
}

describe('a progress log', () => {
  test('has a line of JSON for each epoch, and a record with a step, scalars and a histogram for TensorBoard', () => {
    const log = new ProgressLog(folder, LOG_FORMATS, [])
    for (const each of entries(3)) log.add(each)
    const lines = bytesOf(LOG_FILES.jsonl).toString().trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { step: 0, 'loss/train': 1, 'learning rate': 0.1, alpha: [0, 0, 0, 0] },
      { step: 1, 'loss/train': 0.5 },
      { step: 2, alpha: [0, 0.5, 1, 2] },
    ])
    const [version, ...events] = records(bytesOf(LOG_FILES.tensorboard))
    expect(version.toString('latin1')).toContain('brain.Event:2')
    expect(events).toHaveLength(3)
    for (const event of events) expect(event.toString('latin1')).toMatch(/loss\/train.*learning rate.*alpha/s)
  })

  test.each(LOG_FORMATS)('of %s is cut back to a checkpoint, so that a resumed run writes no step twice', (format) => {
    const name = LOG_FILES[format]
    const log = new ProgressLog(folder, [format], [])
    for (const each of entries(2)) log.add(each)
    const atCheckpoint = bytesOf(name)
    for (const each of entries(5).slice(2)) log.add(each)
    appendFileSync(join(folder, name), 'a part of a re')
    new ProgressLog(folder, [format], entries(2))
    expect(bytesOf(name)).toEqual(atCheckpoint)
  })

  test.each(LOG_FORMATS)('of %s that is damaged, foreign or lacks earlier epochs is written anew', (format) => {
    const name = LOG_FILES[format]
    const open = (earlier: readonly LogEntry[]) => new ProgressLog(folder, [format], earlier)
    open(entries(3))
    const whole = bytesOf(name)
    const lengths = (bytes: Buffer) => (format === 'jsonl' ? bytes.toString().split('\n') : records(bytes)).length
    const damaged = Buffer.from(whole)
    damaged[format === 'jsonl' ? 0 : whole.length - 6] ^= 255
    for (const content of [damaged, Buffer.from('something else\n'), whole.subarray(0, whole.length - 1)]) {
      writeFileSync(join(folder, name), content)
      open(entries(3))
      expect(bytesOf(name).length).toBe(whole.length)
      expect(lengths(bytesOf(name))).toBe(lengths(whole))
    }
    open(entries(5))
    expect(lengths(bytesOf(name))).toBe(lengths(whole) + 2)
  })

  test.each(LOG_FORMATS)('of %s leaves out epochs without a number, and is no file without any', (format) => {
    const name = LOG_FILES[format]
    const empty: LogEntry = { step: 0, scalars: { 'loss/train': undefined } }
    const log = new ProgressLog(folder, [format], [])
    log.add(empty)
    expect(readdirSync(folder)).toEqual([])
    log.add(entry(1))
    const once = bytesOf(name)
    log.add(entry(2))
    new ProgressLog(folder, [format], [empty, entry(1)])
    expect(bytesOf(name)).toEqual(once)
    new ProgressLog(folder, [format], [empty])
    expect(readdirSync(folder)).toEqual([])
  })

  test('has TFRecords with masked CRC-32C checksums', () => {
    // RFC 3720, B.4: 32 bytes of zeros have the CRC-32C 8a9136aa.
    const crc = 0x8a9136aa
    expect(maskedCrc32c(new Uint8Array(32))).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
  })

  test('is refused in an unknown format, with the nearest name', () => {
    expect(parseLogFormats(['jsonl', 'tensorboard', 'jsonl'])).toEqual(['jsonl', 'tensorboard'])
    expect(() => parseLogFormats(['tensorbord'])).toThrow(/tensorboard/)
  })
})
