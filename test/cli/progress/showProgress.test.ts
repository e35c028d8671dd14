import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { showProgress } from '../../../src/cli/progress/showProgress.ts'

let written: string
const stream = (isTTY: boolean) => ({
  isTTY,
  columns: 80,
  write: (text: string | Uint8Array) => {
    written += text
    return true
  },
})
const label = (id: string) => `drnas on shapes, seed ${id}`
/** What stands on the terminal after the last drawing, without colours. */
const screen = () =>
  (written.split('\u001b[0J').at(-1) ?? '').replace(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '')

beforeEach(() => {
  written = ''
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('on a terminal', () => {
  test('each running seed has a bar with epoch, loss, accuracy and the time that is left', () => {
    const progress = showProgress(stream(true), label)
    progress.event({ id: '0', kind: 'begun', epochs: 10, from: 0 })
    progress.event({ id: '1', kind: 'begun', epochs: 10, from: 0 })
    vi.advanceTimersByTime(10_000)
    progress.event({ id: '0', kind: 'epoch', epoch: 4, loss: 1.5, accuracyPct: 43.21 })
    vi.advanceTimersByTime(200)
    expect(screen()).toBe(
      'drnas on shapes, seed 0  ━━━━━━━━────────  epoch 5/10  ETA 10 s  loss 1.500  acc\n' +
        'drnas on shapes, seed 1  ────────────────  epoch 0/10\n',
    )
    progress.event({ id: '0', kind: 'finished' })
    vi.advanceTimersByTime(200)
    expect(screen()).toBe('drnas on shapes, seed 1  ────────────────  epoch 0/10\n')
    progress.end()
    expect(screen()).toBe('')
  })

  test('what was done by an earlier attempt does not count for the time that is left', () => {
    const progress = showProgress({ ...stream(true), columns: 200 }, label)
    progress.event({ id: '0', kind: 'begun', epochs: 10, from: 5 })
    vi.advanceTimersByTime(10_000)
    progress.event({ id: '0', kind: 'progress', share: 0.6 })
    vi.advanceTimersByTime(120)
    expect(screen()).toContain('epoch 5/10  ETA 40 s')
    progress.end()
  })

  test('a failure stays above the bars', () => {
    const progress = showProgress(stream(true), label)
    progress.event({ id: '0', kind: 'begun', epochs: 10, from: 0 })
    progress.event({ id: '0', kind: 'failed', message: 'out of luck', code: 'failed' })
    progress.end()
    expect(screen()).toContain('drnas on shapes, seed 0  out of luck\n')
  })
})

describe('elsewhere', () => {
  test('a line every few seconds, without signs that only a terminal knows', () => {
    const progress = showProgress(stream(false), label)
    progress.event({ id: '0', kind: 'begun', epochs: 4, from: 0 })
    for (const epoch of [0, 1, 2]) {
      vi.advanceTimersByTime(2000)
      progress.event({ id: '0', kind: 'epoch', epoch, loss: 2 - epoch / 2, accuracyPct: 10 * epoch })
    }
    progress.event({ id: '0', kind: 'finished' })
    progress.end()
    expect(written).toBe(
      'drnas on shapes, seed 0  epoch 1/4  ETA 6 s  loss 2.000  accuracy 0.0 %\n' +
        'drnas on shapes, seed 0  epoch 3/4  ETA 2 s  loss 1.000  accuracy 20.0 %\n',
    )
  })

  test('trainings that fill a table, and waiting for another process, are said', () => {
    const progress = showProgress(stream(false), label)
    progress.event({ id: '0', kind: 'waiting', pid: 42, host: 'node7' })
    progress.event({ id: '1', kind: 'training', genotype: '|x|', share: 0.25 })
    expect(written).toBe(
      'drnas on shapes, seed 0  waiting for process 42 on node7, which runs it\n' +
        'drnas on shapes, seed 1  training an architecture that the table lacks, 25 %\n',
    )
  })
})
