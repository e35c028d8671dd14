/** Commands that only read open no backend, and so look for no GPU: drivers print warnings, and some take seconds. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { commands, programFor } from '../../src/cli/program.ts'
import { Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const place = new Workplace()
afterAll(() => place.remove())
afterAll(() => vi.unstubAllEnvs())

/** Commands that train or measure networks, run plugins, or tell what this machine computes on. */
const COMPUTING = ['run', 'retrain', 'evaluate', 'export', 'predict', 'score', 'tables build', 'check plugin', 'doctor']
/** Commands that write plugins, datasets, tables and imported runs, from what others made. */
const WRITING = ['new algo', 'new score', 'data fetch', 'tables fetch', 'tables import', 'tables merge', 'import runs']

const EXPERIMENT = 'experiment.yaml'
const CELL = '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|'

type Words = readonly [name: string, ...args: string[]]

/** Commands that read runs, with arguments that make them succeed. */
const OF_RUNS: readonly Words[] = [
  ['status', EXPERIMENT, '--format', 'csv'],
  ['status', '--algo', 'darts-v1', '--seeds', '1', '--protocol', 'micro:epochs=1,data.limit=16', '--watch', '--json'],
  ['table', EXPERIMENT, '--epochs'],
  ['plot', 'training', EXPERIMENT, '--out', 'training.svg'],
  ['report', EXPERIMENT, '--figures', 'training', '--watch', '--out', 'page.html'],
  ['report', EXPERIMENT, '--folder', 'committed', '--compact'],
  ['verify', 'committed'],
]

/** Other commands that only read. */
const OF_OTHERS: readonly Words[] = [
  ['query', CELL, '--table', 'nb201'],
  ['pareto', '--x', 'params-M', '--y', 'shapes/x-test/4/mean'],
  ['genotype show', CELL],
  ['tables info', 'nb201'],
  ['data info', 'shapes'],
  ['list', 'algos'],
  ['completion', 'bash'],
]

/** Returns a module that puts a package `webgpu` in place, which says so when it is loaded and finds no GPU. */
function withPackage(): string {
  const path = join(place.folder, 'webgpu.mjs')
  writeFileSync(
    path,
    `process._rawDebug('looks for a GPU')
    export const globals = {}
    export const create = () => ({ requestAdapter: async () => null })`,
  )
  const hooks = `export const resolve = (name, context, next) =>
    name === 'webgpu' ? { url: ${JSON.stringify(pathToFileURL(path).href)}, shortCircuit: true } : next(name, context)`
  return `import Module, { register } from 'node:module'
  const resolve = Module._resolveFilename
  Module._resolveFilename = function (name, ...rest) {
    return name === 'webgpu' ? ${JSON.stringify(path)} : resolve.call(this, name, ...rest)
  }
  register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))`
}

beforeAll(async () => {
  writeFileSync(
    join(place.folder, EXPERIMENT),
    'algorithms: darts-v1\nseeds: 1\ndatasets: shapes\nprotocol: "micro:epochs=1,data.limit=16"\n',
  )
  const made = await place.bench('run', EXPERIMENT, '--backend', 'wasm')
  expect(made.code, made.stderr).toBe(0)
  vi.stubEnv('NODE_OPTIONS', `--import data:text/javascript,${encodeURIComponent(withPackage())}`)
})

test('the list of backends looks for a GPU where the package is installed', async () => {
  expect((await place.bench('list', 'backends')).stderr).toContain('looks for a GPU')
})

describe('without looking for a GPU', () => {
  const reading = full ? [...OF_RUNS, ...OF_OTHERS] : OF_RUNS.slice(0, 3)
  test.each(reading.map((words) => [words.join(' '), words] as const))(
    'bench %s succeeds',
    async (_, [name, ...args]) => {
      const { code, stdout, stderr } = await place.bench(...name.split(' '), ...args)
      expect(stderr).not.toContain('looks for a GPU')
      expect(code, stderr).toBe(0)
      // The experiment's backend is auto, and its run was made on one by name.
      if (args.includes('csv')) expect(stdout).toContain('finished')
    },
  )
})

test('each command either reads, or is known to compute or write', async () => {
  const names: string[] = []
  const collect = (command: Command, path: string) => {
    if (command.commands.length === 0) names.push(path)
    for (const each of command.commands) if (each.name() !== 'help') collect(each, `${path} ${each.name()}`)
  }
  for (const [name] of commands) {
    const command = (await programFor([name])).commands.find((each) => each.name() === name)
    if (command !== undefined) collect(command, name)
  }
  const reading = [...OF_RUNS, ...OF_OTHERS].map(([name]) => name)
  expect(names.filter((name) => ![...reading, ...COMPUTING, ...WRITING].includes(name))).toEqual([])
})
