/** The folders of `examples/` run as their first lines say. The example of a space has a test of its own. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { full } from './support/full.ts'

const ROOT = join(import.meta.dirname, '..')
const { PYTHON = 'python3' } = process.env
const hasPolars = spawnSync(PYTHON, ['-c', 'import polars']).status === 0
const folder = mkdtempSync(join(tmpdir(), 'bench-examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A user's folder, with the package installed in it. */
mkdirSync(join(folder, 'node_modules'))
symlinkSync(ROOT, join(folder, 'node_modules/nas-bench-harness'))
cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true })

function run(command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, NAS_BENCH_HOME: join(folder, 'home'), ...more }
  return spawnSync(command, args, { cwd: folder, env, encoding: 'utf8' })
}

const bench = (...args: readonly string[]) => run(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args])

describe('the example of an algorithm', () => {
  const plugin = 'examples/algorithm/entropyDarts.ts'

  test('keeps the contract of an algorithm', () => {
    const { status, stdout } = bench('check', 'plugin', plugin)
    expect(status).toBe(0)
    expect(stdout).toContain('it keeps within its epochs')
  })

  test.runIf(full)('searches beside DARTS, and differs from it', () => {
    const protocol = 'micro:epochs=2,data.limit=32,data.imageSize=8'
    const flags = ['--space', 'nb201', '--seeds', '1', '--protocol', protocol, '--store', 'plugin-runs', '--json']
    const { status, stdout } = bench('run', '--plugin', plugin, '--algo', 'darts-v1,entropy-darts', ...flags)
    expect(status).toBe(0)
    const { rows } = JSON.parse(stdout)
    expect(rows.map(({ method }: { method: string }) => method)).toEqual(['darts-v1', 'entropy-darts'])
    // By name: `darts-v1-…` before `entropy-darts-…`.
    const [plain, own] = readdirSync(join(folder, 'plugin-runs'))
      .sort()
      .map((id) =>
        readFileSync(join(folder, 'plugin-runs', id, 'epochs.jsonl'), 'utf8')
          .trim()
          .split('\n'),
      )
      .map((lines) => lines.map((line) => JSON.parse(line).parameters))
    expect(own).toHaveLength(2)
    expect(own).not.toEqual(plain)
    // The penalty has weight 0 in the first epoch.
    expect(own[0]).toEqual(plain[0])
  })
})

test('the example of the library compares two algorithms and resumes without running anything again', () => {
  const first = run(process.execPath, ['examples/library/compare.mjs', 'library-runs'])
  expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: '' })
  expect(first.stdout).toMatch(/^random: \d+\.\d\d % test accuracy over 3 seeds\nrea: \d+\.\d\d % .*\nbest of 15625: /)
  expect(run(process.execPath, ['examples/library/compare.mjs', 'library-runs']).stdout).toBe(first.stdout)
})

/** The code of all cells of a notebook. */
function codeOf(name: string): string {
  const { cells } = JSON.parse(readFileSync(join(ROOT, `examples/notebook/${name}.ipynb`), 'utf8'))
  return cells
    .filter(({ cell_type }: { cell_type: string }) => cell_type === 'code')
    .map(({ source }: { source: string[] }) => source.join(''))
    .join('\n')
}

test.runIf(full && hasPolars)(
  'the notebook of results reads and plots every epoch (skipped without Polars and matplotlib)',
  () => {
    const protocol = 'micro:epochs=2,data.limit=32,data.imageSize=8'
    expect(
      bench('run', '--algo', 'darts-v1', '--jobs', '1', '--seeds', '2', '--protocol', protocol, '--store', 'notebook')
        .status,
    ).toBe(0)
    expect(bench('table', 'notebook', '--epochs', '--out', 'epochs.arrow').status).toBe(0)
    if (run(PYTHON, ['-c', 'import matplotlib']).status !== 0) return
    const { status, stdout, stderr } = run(PYTHON, ['-c', codeOf('epochs')], { MPLBACKEND: 'agg' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('2 runs, 4 epochs')
    expect(stdout).toContain('wrote epochs.png')
  },
)

test.skipIf(!hasPolars)('the cells of the notebook run in order (skipped without Polars)', () => {
  const { status, stdout, stderr } = run(PYTHON, ['-c', codeOf('table')], { NAS_BENCH_TABLES: join(ROOT, 'tables') })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toContain('15625 architectures')
  expect(stdout).toContain('convolutions')
})
