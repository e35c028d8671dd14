import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writePictures } from '../retrain/tinyTraining.ts'
import { type Ended, PLUGIN, Workplace } from '../support/command.ts'
import { someOf } from '../support/full.ts'
import { canLimitFiles, canMount, smallDisk, withFileLimit } from '../support/fullDisk.ts'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const place = new Workplace()

/** One call that prints something for each command of `bench --help`. */
const calls: Readonly<Record<string, readonly string[]>> = {
  run: [
    'run',
    '--algo',
    'random',
    '--dataset',
    'cifar10',
    '--seeds',
    '1',
    '--budget',
    '500',
    '--store',
    'other',
    '--jobs',
    '1',
  ],
  retrain: [
    'retrain',
    '--genotype',
    'DRNAS',
    '--dataset',
    'pictures',
    '--data',
    'pictures',
    '--preset',
    'trial',
    '--epochs',
    '1',
    '--limit',
    '8',
    '--channels',
    '4',
    '--layers',
    '3',
  ],
  evaluate: ['evaluate', 'retrain-', '--store', 'trained', '--data', 'pictures'],
  export: ['export', 'retrain-', '--store', 'trained', '--to', 'onnx', '--out', 'trained.onnx'],
  predict: ['predict', 'retrain-', 'pictures/val/cat/0.png', '--store', 'trained'],
  status: ['status'],
  table: ['table'],
  plot: ['plot', 'anytime', '--json'],
  report: ['report', '--published', 'none'],
  verify: ['verify', 'kept'],
  query: ['query', '6111', '--table', 'nb201'],
  pareto: ['pareto', '--x', 'shapes/x-test/5/mean', '--y', 'cifar10/ori-test/200/mean', '--table', 'nb201'],
  score: [
    ...['score', '--score', 'l2-norm', '--architectures', '2', '--dataset', 'gaussian', '--jobs', '1', '--quiet'],
    ...['--channels', '2', '--depth', '1', '--image-size', '8', '--batch', '2'],
  ],
  import: ['import', 'runs', 'foreign.csv', '--store', 'imported'],
  completion: ['completion', 'bash'],
  tables: ['tables', 'info', 'nb201-micro'],
  data: ['data', 'info', 'shapes'],
  genotype: ['genotype', 'show', '6111'],
  list: ['list', 'options'],
  new: ['new', 'algo', 'my-search'],
  check: ['check', 'plugin', PLUGIN],
  doctor: ['doctor'],
  help: ['help', 'run'],
}

beforeAll(async () => {
  await writePictures(join(place.folder, 'pictures'), { side: 32 })
  const cell = '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|'
  writeFileSync(join(place.folder, 'foreign.csv'), `method,seed,dataset,architecture\nmine,0,shapes,${cell}\n`)
  await place.bench(
    'run',
    '--algo',
    'rea',
    '--dataset',
    'cifar10',
    '--seeds',
    '2',
    '--jobs',
    '1',
    '--budget',
    '2000',
    '--quiet',
  )
  await place.bench('report', '--folder', 'kept', '--compact', '--quiet')
  await place.bench(...calls.retrain, '--store', 'trained', '--quiet')
})
afterAll(() => place.remove())

/** Runs a line of the shell in which `bench` is the command. */
function shell(line: string): Promise<Ended> {
  const script = `bench() { "$NODE" "$MAIN" "$@"; }; ${line}`
  const env = { ...process.env, NAS_BENCH_HOME: place.home, NO_COLOR: '1', NODE: process.execPath, MAIN }
  const child = spawn('bash', ['-c', script], { cwd: place.folder, env })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => (stdout += text))
  child.stderr.on('data', (text) => (stderr += text))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}

const line = (args: readonly string[]) => args.map((arg) => `'${arg}'`).join(' ')

/**
 * Frames of a JavaScript stack trace. Warnings of the graphics driver, which a command passes on, have frames of C++:
 * `at InitializeImpl (/…/PhysicalDeviceVk.cpp:257)`.
 */
const STACK_FRAME = /^\s+at (?!.*\.(?:cpp|cc|h):\d+\)$)/m

/** Expects one line of error and no stack trace. */
function expectOneLine({ code, stderr }: Ended, reason: RegExp, what: string): void {
  const lines = stderr.split('\n').filter((each) => each.startsWith('bench: '))
  expect(lines, what).toEqual([expect.stringMatching(reason)])
  expect(stderr, what).not.toMatch(STACK_FRAME)
  expect(stderr, what).not.toContain('fault of bench')
  expect(code, what).toBe(1)
}

test('every command has a call here', async () => {
  const { stdout } = await place.bench('--help')
  const names = [...(/^Commands:\n(.*?)\n\n/ms.exec(stdout)?.[1] ?? '').matchAll(/^ {2}(\w+) /gm)].map(
    ([, name]) => name,
  )
  expect(Object.keys(calls).sort()).toEqual(names.sort())
})

describe.skipIf(!canMount)('standard output on a full disk', () => {
  test('ends every command with one line', { timeout: 300_000 }, async () => {
    const disk = smallDisk(place.folder, 4096)
    try {
      writeFileSync(join(disk.folder, 'filler'), Buffer.alloc(4096))
      const limit = pLimit(2)
      const attempt = async ([name, args]: readonly [string, readonly string[]]) => {
        const ended = await shell(`bench ${line(args)} > '${disk.folder}/${name}'`)
        expectOneLine(ended, /^bench: cannot write to standard output: ENOSPC/, name)
      }
      await Promise.all(someOf(Object.entries(calls), 8).map((call) => limit(() => attempt(call))))
    } finally {
      disk.remove()
    }
  })

  test('is also reported if the disk takes a part of the output', async () => {
    const disk = smallDisk(place.folder, 8192)
    try {
      const ended = await shell(`bench list options --json > '${disk.folder}/options'`)
      expect(statSync(join(disk.folder, 'options')).size).toBe(8192)
      expectOneLine(ended, /^bench: cannot write to standard output: ENOSPC/, 'list')
    } finally {
      disk.remove()
    }
  })
})

test('a closed pipe ends no command with an error, and stops no work', {
  timeout: 300_000,
}, async () => {
  const limit = pLimit(2)
  const attempt = async ([name, args]: readonly [string, readonly string[]]) => {
    const { code, stdout, stderr } = await shell(
      `bench ${line(args)} 2>'${name}.err' | true; echo "\${PIPESTATUS[0]}"; cat '${name}.err' >&2`,
    )
    expect({ code, stdout, stderr }, name).toEqual({
      code: 0,
      stdout: '0\n',
      stderr: expect.not.stringContaining('EPIPE'),
    })
    expect(stderr, name).not.toMatch(STACK_FRAME)
  }
  const quick = Object.entries(calls).filter(([name]) => name !== 'retrain' && name !== 'new')
  await Promise.all(someOf(quick, 8).map((call) => limit(() => attempt(call))))
  const runs = place.runs('other')
  expect(runs.length).toBeGreaterThan(0)
  for (const run of runs) expect(readdirSync(run)).toContain('result.json')
})

describe.skipIf(!canLimitFiles)('a file that does not fit', () => {
  const outs = Object.entries(calls).filter(([name]) =>
    [
      'evaluate',
      'predict',
      'status',
      'table',
      'report',
      'query',
      'pareto',
      'tables',
      'data',
      'genotype',
      'list',
      'doctor',
      'check',
    ].includes(name),
  )

  test('ends every command with one line, and keeps the earlier file of --out', { timeout: 300_000 }, async () => {
    const limit = pLimit(2)
    const attempt = async ([name, args]: readonly [string, readonly string[]]) => {
      const folder = join(place.folder, `out-${name}`)
      mkdirSync(folder)
      writeFileSync(join(folder, 'out'), 'earlier')
      const ended = await shell(`${withFileLimit(16).join(' ')} "$NODE" "$MAIN" ${line(args)} --out '${folder}/out'`)
      expectOneLine(ended, /^bench: cannot write .*out: EFBIG/, name)
      expect(readdirSync(folder), name).toEqual(['out'])
      expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('earlier')
    }
    await Promise.all(someOf(outs, 5).map((call) => limit(() => attempt(call))))
  })

  test('fails a run with the name of the file, and the same command continues when there is room', async () => {
    const args = [
      'run',
      '--algo',
      'rea',
      '--dataset',
      'cifar10',
      '--seeds',
      '1',
      '--budget',
      '3000',
      '--store',
      'full',
      '--jobs',
      '1',
    ]
    const full = await shell(`${withFileLimit(1000).join(' ')} "$NODE" "$MAIN" ${line(args)}`)
    expect(full.code).toBe(1)
    expect(full.stderr).toMatch(/^bench: rea.* failed: cannot write .*: EFBIG/m)
    expect(full.stderr).not.toMatch(STACK_FRAME)
    expect(await shell(`bench ${line(args)}`)).toMatchObject({ code: 0 })
    const [run] = place.runs('full')
    expect(readdirSync(run).sort()).toEqual(['epochs.jsonl', 'result.json', 'run.json'])
  })
})

test('a terminal that is gone does not matter to what is written to a file', async () => {
  const ended = spawnSync('bash', ['-c', `"$0" "$1" list spaces --out spaces.txt >&- 2>&-`, process.execPath, MAIN], {
    cwd: place.folder,
  })
  expect(ended.status).toBe(0)
  expect(readFileSync(join(place.folder, 'spaces.txt'), 'utf8')).toContain('nb201')
})
