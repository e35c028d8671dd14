/** The Python client, and the programs in examples/external that need nothing but Python. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { CLIENT_FOLDER } from '../../../src/algorithms/external/declaration.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'
import { someOf } from '../../support/full.ts'
import { hasPython, runProgram, written } from './runProgram.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
const EXAMPLES = join(import.meta.dirname, '../../../examples/external')

const hasOptuna = spawnSync('python3', ['-c', 'import optuna'], { stdio: 'ignore' }).status === 0

let stores = 0
const run = (source: string, changes: Parameters<typeof runProgram>[2] = {}) =>
  runProgram(source, join(folder.path, `store${stores++}`), changes)

/** Writes a Python method whose search has the given lines. → its path */
const method = (name: string, lines: readonly string[], settings = '') =>
  written(
    folder.path,
    `${name}/method.py`,
    `import nas_bench_client as bench\ndef search(task):\n${lines.map((line) => `    ${line}\n`).join('')}\n` +
      `bench.run(search, name="${name}", version=1, ${settings})\n`,
  )

const withOptions = (name: string, options: Record<string, unknown>) => ({ algorithms: [{ name, options }] })

describe.skipIf(!hasPython)('a Python method (needs Python 3.9 as python3)', () => {
  test.each(someOf(['evolution', 'successive_halving'], 2))(
    'that is the example %s gives the same end twice',
    async (name) => {
      const [first, again] = [await run(join(EXAMPLES, `${name}.py`)), await run(join(EXAMPLES, `${name}.py`))]
      expect(first.failures).toEqual([])
      const [result, repeated] = [first, again].map(({ runs }) => runs[0].result())
      expect(result?.oracle?.queries).toHaveLength(100)
      expect({ ...repeated, timing: 0 }).toEqual({ ...result, timing: 0 })
      expect(first.runs[0].manifest().environment.interpreter).toMatch(/^Python 3\.\d+/)
    },
  )

  test.skipIf(!hasOptuna)('that is the Optuna example gives the same end twice (needs optuna)', async () => {
    const few = withOptions('optuna-tpe', { evaluations: '30' })
    const results = [
      await run(join(EXAMPLES, 'optuna_search.py'), few),
      await run(join(EXAMPLES, 'optuna_search.py'), few),
    ]
    const [first, again] = results.map(({ runs }) => runs[0].result())
    expect(first?.oracle?.queries).toHaveLength(30)
    expect({ ...again, timing: 0 }).toEqual({ ...first, timing: 0 })
  })

  test('answers the best of the longest trainings that it asked for, unless it says otherwise', async () => {
    const asks = ['for i in range(30): task.ask(task.space.sample(task.random))']
    const { runs } = await run(method('best', asks))
    const { genotype, oracle } = runs[0].result() ?? {}
    const best = oracle?.queries.reduce((a, b) => (b.accuracyPct > a.accuracyPct ? b : a))
    expect(genotype).toBe(best?.genotype)
    const own = await run(method('own', [...asks, 'return (0, 0, 0, 1, 2, 3)']))
    expect(own.runs[0].result()?.genotype).toBe(
      '|none~0|+|none~0|none~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|',
    )
  })

  test('ends at the limit of evaluations and at the budget, as built-in methods do', async () => {
    const endless = method('endless', ['while True: task.ask(task.space.sample(task.random))'])
    const few = await run(endless, withOptions('endless', { evaluations: '7' }))
    expect(few.runs[0].result()?.oracle?.queries).toHaveLength(7)
    const { runs } = await run(endless, { budgetSeconds: 30 })
    const { usedSeconds = 99, queries = [] } = runs[0].result()?.oracle ?? {}
    expect(usedSeconds).toBeLessThanOrEqual(30)
    expect(queries.length).toBeGreaterThan(5)
    expect(runs[0].epochs()[0].extra?.budgetLeftSeconds).toBeCloseTo(30 - usedSeconds)
  })

  test('sees no test accuracy, and gets its options with their types', async () => {
    const path = method(
      'options',
      [
        'import json',
        'o = task.options',
        'assert (o.a, o.b, o.c, o.d, o.e) == (3, 0.5, True, "x", None), o',
        'assert "headline" not in task.settings and "test" not in json.dumps(dict(task.settings))',
        'task.ask(task.space.sample(task.random))',
      ],
      'options={"a": 1, "b": 1.0, "c": False, "d": {"default": "y", "choices": ["x", "y"]}, "e": None}',
    )
    const { failures } = await run(path, withOptions('options', { a: '3', b: '0.5', c: 'true', d: 'x' }))
    expect(failures).toEqual([])
    await expect(run(path, withOptions('options', { a: '0.5' }))).rejects.toThrow(/^options: option a=0.5: /)
    await expect(run(path, withOptions('options', { d: 'z' }))).rejects.toThrow(/^options: option d=z: /)
    await expect(run(path, withOptions('options', { f: '1' }))).rejects.toThrow(/^unknown option of options "f"/)
  })

  test('may print and read as it likes: prints go to the log of the run, and its input is empty', async () => {
    const lines = [
      'import os, sys, subprocess',
      'print("hello from print")',
      'os.write(1, b"hello from C\\n")',
      'subprocess.run(["echo", "hello from a child"])',
      'assert sys.stdin.read() == ""',
      'task.ask(task.space.sample(task.random))',
    ]
    const { runs, failures } = await run(method('prints', lines))
    expect(failures).toEqual([])
    const log = readFileSync(join(runs[0].path, 'program.log'), 'utf8')
    expect(log.match(/hello from \w+/g)?.sort()).toEqual(['hello from C', 'hello from a', 'hello from print'])
    expect(existsSync(join(runs[0].path, 'program'))).toBe(false)
  })

  test.each([
    ['raise ValueError("no luck")', /^fails: ValueError: no luck \(method.py, line 3\)$/],
    ['task.ask((0, 0, 0, 0, 0, float("nan")))', /^fails: ValueError: Out of range float values/],
    ['task.ask({1, 2})', /^fails: TypeError: set cannot be part of a message/],
    ['import sys; sys.exit("give up")', /^fails: the program ended early \(exit code 1\): give up/],
  ])('that fails by `%s` is told with its last line', async (line, message) => {
    const { failures } = await run(method('fails', [line]))
    expect(failures).toEqual([expect.stringMatching(message)])
  })

  test('has runs that change with its version, its options and its source files, and with nothing else', async () => {
    const ask = ['task.ask(task.space.sample(task.random))']
    const idOf = async (path: string, options = {}) => (await run(path, withOptions('id', options))).plan.jobs[0].id
    const path = method('id', ask, 'options={"a": 1}')
    const first = await idOf(path)
    written(folder.path, 'id/runs/id-seed0/run.json', '{}')
    written(folder.path, 'id/notes.txt', 'x')
    written(folder.path, 'id/venv/pyvenv.cfg', '')
    written(folder.path, 'id/venv/lib/other.py', '')
    expect(await idOf(path)).toBe(first)
    expect(await idOf(path, { a: '2' })).not.toBe(first)
    written(folder.path, 'id/lib/helper.py', 'x = 1')
    const withHelper = await idOf(path)
    expect(withHelper).not.toBe(first)
    expect(await idOf(method('id', ask, 'options={"a": 1}, files=["notes.txt"]'))).not.toBe(withHelper)
  })

  test('with a method file gets its environment variables, its own working directory, and what it declares itself', async () => {
    const lines = ['import os', 'assert os.environ["COLOUR"] == "red"', 'assert open("data.txt").read() == "x"']
    const settings = 'options={"a": 5}, spaces=["nb201"]'
    method('file', [...lines, 'assert task.options.a == 5', 'task.ask(task.space.sample(task.random))'], settings)
    written(folder.path, 'file/work/data.txt', 'x')
    const yaml = 'name: renamed\nprogram: method.py\npython: python3\nfolder: work\nenvironment: { COLOUR: red }\n'
    const { failures, runs } = await run(written(folder.path, 'file/method.yaml', yaml))
    expect(failures).toEqual([])
    expect(runs[0].result()?.algorithm).toBe('renamed')
  })

  test('says how to run it when it is started by hand', () => {
    copyFileSync(join(CLIENT_FOLDER, 'nas_bench_client.py'), join(folder.path, 'nas_bench_client.py'))
    const code = `import nas_bench_client as bench, sys\nsys.stdin = None\nbench.run(None, name="by-hand", version=1)`
    const text = () => execFileSync('python3', ['-c', code], { cwd: folder.path, stdio: 'pipe' })
    expect(text).toThrow(/by-hand is a method for nas-bench-harness; run it with: bench run --algo/)
  })
})
