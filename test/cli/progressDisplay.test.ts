import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { showProgress } from '../../src/cli/progressDisplay.ts'
import type { RunEvent } from '../../src/runner/run/messages.ts'

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
/** Returns the content of the terminal after the last redraw, without colours. */
const screen = () =>
  (written.split('\u001b[0J').at(-1) ?? '').replace(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '')

beforeEach(() => {
  written = ''
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('on a terminal', () => {
  test('each running seed has a bar with epoch, loss, accuracy and time left', () => {
    const progress = showProgress(stream(true), label)
    progress.event({ id: '0', kind: 'begun', epochs: 10, from: 0 })
    progress.event({ id: '1', kind: 'begun', epochs: 10, from: 0 })
    vi.advanceTimersByTime(10_000)
    progress.event({ id: '0', kind: 'epoch', epoch: 4, isSaved: true, loss: 1.5, accuracyPct: 43.21 })
    vi.advanceTimersByTime(200)
    expect(screen()).toBe(
      'drnas on shapes, seed 0  ━━──  epoch 5/10  accuracy 43.2 %  loss 1.500  ETA 10 s\n' +
        'drnas on shapes, seed 1  ────────────────  epoch 0/10\n',
    )
    progress.event({ id: '0', kind: 'finished' })
    vi.advanceTimersByTime(200)
    expect(screen()).toBe('drnas on shapes, seed 1  ────────────────  epoch 0/10\n')
    progress.end()
    expect(screen()).toBe('')
  })

  test('epochs of an earlier attempt do not count for the time left', () => {
    const progress = showProgress({ ...stream(true), columns: 200 }, label)
    progress.event({ id: '0', kind: 'begun', epochs: 10, from: 5 })
    vi.advanceTimersByTime(10_000)
    progress.event({ id: '0', kind: 'progress', share: 0.6 })
    vi.advanceTimersByTime(120)
    expect(screen()).toContain('epoch 5/10  ETA 40 s')
    progress.end()
  })

  test('a failure message stays above the bars', () => {
    const progress = showProgress(stream(true), label)
    progress.event({ id: '0', kind: 'begun', epochs: 10, from: 0 })
    progress.event({ id: '0', kind: 'failed', message: 'out of luck', code: 'failed' })
    progress.end()
    expect(screen()).toContain('drnas on shapes, seed 0  out of luck\n')
  })
})

/** Returns the line of one seed after these events, on a terminal of that width. */
function drawn(columns: number, name: string, events: readonly DistributiveOmit<RunEvent, 'id'>[]): string {
  const progress = showProgress({ ...stream(true), columns }, () => name)
  for (const event of events) {
    progress.event({ id: '0', ...event } as RunEvent)
    vi.advanceTimersByTime(60_000)
  }
  const line = screen().slice(0, -1)
  progress.end()
  return line
}
type DistributiveOmit<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never

const NAMES = [
  'rea on shapes, seed 0',
  'multi-darts on ImageNet16-120, seed 777',
  'my-search-with-a-long-name-of-its-own on my-photographs-of-animals, seed 99999',
]
const STATES: Readonly<Record<string, readonly DistributiveOmit<RunEvent, 'id'>[]>> = {
  'a search': [
    { kind: 'begun', epochs: 1000, from: 0 },
    { kind: 'epoch', epoch: 122, isSaved: true, loss: 12.3456, accuracyPct: 98.76 },
  ],
  'a black-box search': [
    { kind: 'begun', epochs: 1, from: 0, inEpochs: false },
    { kind: 'evaluations', count: 0, usedSeconds: 0, budgetSeconds: 2e6 },
    { kind: 'evaluations', count: 12_345, usedSeconds: 1_234_567.8, budgetSeconds: 2e6, bestPct: 91.26 },
  ],
  'a full training': [
    { kind: 'begun', epochs: 1, from: 0, inEpochs: false },
    { kind: 'retraining', seed: 0, share: 0, epochs: 600, epoch: 0 },
    { kind: 'retraining', seed: 0, share: 0.2, epochs: 600, epoch: 120, loss: 1.2345, testErrorPct: 12.345 },
  ],
  'a training that a table lacks': [
    { kind: 'begun', epochs: 50, from: 0 },
    { kind: 'training', genotype: '|x|', share: 0.5, epochs: 200 },
  ],
  'waiting for another process': [{ kind: 'waiting', pid: 1_234_567, host: 'a-node-of-a-large-cluster-042' }],
}

describe.each([80, 120, 40, 200])('a line on a terminal of %d columns', (columns) => {
  test.each(Object.keys(STATES).flatMap((state) => NAMES.map((name) => [state, name])))(
    'is never wider: %s of %s',
    (state, name) => {
      const line = drawn(columns, name, STATES[state])
      expect(line.length).toBeLessThanOrEqual(columns)
      expect(line).toMatch(new RegExp(`${name.slice(-5)}|…`))
    },
  )

  test.runIf(columns >= 80).each([
    ['a search', /epoch 123\/1000 {2}accuracy 98\.8 %/],
    ['a black-box search', /evaluations 12345 {2}simulated 1234567\/2000000 s/],
    ['a full training', /training epoch 120\/600 {2}test error 12\.35 %/],
    ['a training that a table lacks', /training a missing architecture, epoch 100\/200/],
  ])('shows how far it is, and what came out: %s', (state, shown) => {
    for (const name of NAMES.slice(0, 2)) expect(drawn(columns, name, STATES[state])).toMatch(shown)
  })

  test.runIf(columns >= 120)('shows all parts if they fit', () => {
    expect(drawn(columns, NAMES[0], STATES['a search'])).toMatch(
      /^rea on shapes, seed 0 {2}━+─+ {2}epoch 123\/1000 {2}accuracy 98\.8 % {2}loss 12\.346 {2}ETA \d/,
    )
    expect(drawn(columns, NAMES[0], STATES['a black-box search'])).toMatch(/best 91\.3 % {2}ETA \d/)
  })
})

describe('a black-box search', () => {
  test('has a bar for the larger part of budget spent and evaluations made', () => {
    const bar = (event: DistributiveOmit<RunEvent, 'id'>) =>
      (/[━─]+/.exec(drawn(120, 'x', [{ kind: 'begun', epochs: 1, from: 0, inEpochs: false }, event])) ?? [
        '',
      ])[0].replaceAll('─', '').length
    expect(bar({ kind: 'evaluations', count: 1, usedSeconds: 50, budgetSeconds: 100 })).toBe(8)
    expect(bar({ kind: 'evaluations', count: 25, most: 100, usedSeconds: 50 })).toBe(4)
    expect(bar({ kind: 'evaluations', count: 25, most: 100, usedSeconds: 75, budgetSeconds: 100 })).toBe(12)
    expect(bar({ kind: 'evaluations', count: 25, usedSeconds: 75 })).toBe(0)
  })

  test('that was resumed is timed from its checkpoint', () => {
    const line = drawn(120, 'x', [
      { kind: 'begun', epochs: 1, from: 0, inEpochs: false },
      { kind: 'evaluations', count: 80, most: 100, usedSeconds: 1 },
      { kind: 'evaluations', count: 90, most: 100, usedSeconds: 2 },
    ])
    expect(line).toContain('ETA 2 min 00 s')
  })

  test('prints lines of evaluations if the output is not a terminal', () => {
    const progress = showProgress(stream(false), label)
    progress.event({ id: '0', kind: 'begun', epochs: 1, from: 0, inEpochs: false })
    progress.event({ id: '0', kind: 'evaluations', count: 0, usedSeconds: 0, budgetSeconds: 100 })
    vi.advanceTimersByTime(3000)
    progress.event({ id: '0', kind: 'evaluations', count: 3, usedSeconds: 30, budgetSeconds: 100, bestPct: 91.2 })
    progress.event({ id: '0', kind: 'epoch', epoch: 0, isSaved: true })
    expect(written).toBe('drnas on shapes, seed 0  evaluations 3  simulated 30/100 s  best 91.2 %  ETA 7 s\n')
  })
})

describe('a search that only scores untrained networks', () => {
  test('shows its simulated time, and no evaluations before the first', () => {
    const progress = showProgress(stream(false), label)
    progress.event({ id: '0', kind: 'begun', epochs: 1, from: 0, inEpochs: false })
    progress.event({ id: '0', kind: 'evaluations', count: 0, usedSeconds: 12.3 })
    vi.advanceTimersByTime(3000)
    progress.event({ id: '0', kind: 'evaluations', count: 2, usedSeconds: 40, bestPct: 91.2 })
    expect(written).toBe(
      'drnas on shapes, seed 0  simulated 12 s\ndrnas on shapes, seed 0  evaluations 2  simulated 40 s  best 91.2 %\n',
    )
  })
})

describe('a given architecture', () => {
  test('shows no search epochs', () => {
    const progress = showProgress(stream(false), label)
    progress.event({ id: '0', kind: 'begun', epochs: 1, from: 0, inEpochs: false })
    progress.event({ id: '0', kind: 'epoch', epoch: 0, isSaved: true })
    expect(written).toBe('')
    progress.event({ id: '0', kind: 'retraining', seed: 3, share: 0, epochs: 600, epoch: 0 })
    expect(written).toBe('drnas on shapes, seed 0  training epoch 0/600  training seed 3\n')
  })
})

describe('on a pipe or file', () => {
  test('prints a line every few seconds, without control characters', () => {
    const progress = showProgress(stream(false), label)
    progress.event({ id: '0', kind: 'begun', epochs: 4, from: 0 })
    for (const epoch of [0, 1, 2]) {
      vi.advanceTimersByTime(2000)
      progress.event({ id: '0', kind: 'epoch', epoch, isSaved: true, loss: 2 - epoch / 2, accuracyPct: 10 * epoch })
    }
    progress.event({ id: '0', kind: 'finished' })
    progress.end()
    expect(written).toBe(
      'drnas on shapes, seed 0  epoch 1/4  accuracy 0.0 %  loss 2.000  ETA 6 s\n' +
        'drnas on shapes, seed 0  epoch 3/4  accuracy 20.0 %  loss 1.000  ETA 2 s\n',
    )
  })

  test('shows trainings of missing table rows, and waiting for another process', () => {
    const progress = showProgress(stream(false), label)
    progress.event({ id: '0', kind: 'waiting', pid: 42, host: 'node7' })
    progress.event({ id: '1', kind: 'training', genotype: '|x|', share: 0.25, epochs: 12 })
    expect(written).toBe(
      'drnas on shapes, seed 0  waiting for process 42 on node7, which runs it\n' +
        'drnas on shapes, seed 1  training a missing architecture, epoch 3/12\n',
    )
  })
})
