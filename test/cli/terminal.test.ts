/** Output of the program on a pseudo terminal, which util-linux's `script` opens. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { MAIN, Workplace } from '../support/command.ts'
import { someOf } from '../support/full.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
const place = new Workplace()
afterAll(() => place.remove())

/** Returns all lines drawn on a terminal of that width, without colours. */
function drawn(columns: number, words: string): string[] {
  const line = `stty cols ${columns} rows 24; '${process.execPath}' '${MAIN}' ${words}`
  const { stdout } = spawnSync('script', ['-qefc', line, '/dev/null'], {
    cwd: place.folder,
    env: { ...process.env, NAS_BENCH_HOME: place.home, NO_COLOR: '', TERM: 'xterm' },
    encoding: 'utf8',
  })
  const controls = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g')
  return stdout.replace(controls, '').split(/\r?\n|\r/)
}

describe.skipIf(!hasScript).each(someOf([80, 120], 2))(
  'on a terminal of %d columns (skipped without `script`)',
  (columns) => {
    let lines: string[]
    beforeAll(() => {
      lines = drawn(columns, `run --algo rea --dataset cifar10 --seeds 2 --budget 15000000 --store runs${columns}`)
    })

    test('no progress line of a search wraps', () => {
      const said = lines.slice(
        0,
        lines.findIndex((line) => line.startsWith('Method')),
      )
      expect(said.length).toBeGreaterThan(5)
      for (const line of said) expect(line.length, line).toBeLessThanOrEqual(columns)
    })

    test('a black-box search shows evaluations and simulated time, and no epochs', () => {
      // Long numbers leave less room for the name: cif…10.
      const progress = lines.filter((line) => /^rea on \S+, seed/.test(line))
      const numbers = progress.flatMap(
        (line) => /evaluations (\d+) {2}simulated (\d+)\/15000000 s/.exec(line)?.slice(1) ?? [],
      )
      expect(progress.join()).not.toContain('epoch')
      // The toy table's evaluations cost 100 s each.
      const counts = numbers.filter((_, i) => i % 2 === 0).map(Number)
      expect(numbers.filter((_, i) => i % 2 === 1).map(Number)).toEqual(counts.map((count) => 100 * count))
      expect(Math.max(...counts)).toBeGreaterThan(1)
    })

    test('notes below a table are no wider than the terminal', () => {
      const notes = lines.slice(lines.findIndex((line) => line.startsWith('Mean ±')))
      for (const line of notes) expect(line.length, line).toBeLessThanOrEqual(columns)
    })
  },
)
