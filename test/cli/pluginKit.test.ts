import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkAlgorithm } from '../../src/algorithms/contract/index.ts'
import { builtins } from '../../src/builtins.ts'
import { checkCommand } from '../../src/cli/commands/check.ts'
import { newCommand, pluginSource } from '../../src/cli/commands/new.ts'
import { throwUsageErrors } from '../../src/cli/usageErrors.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { resolveOptions } from '../../src/runner/plan/algorithmOptions.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { loadPlugin, registerPlugins } from '../../src/system/plugins.ts'
import { hasPython, runProgram } from '../algorithms/external/runProgram.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-plugin-'))
const README = new URL('../../README.md', import.meta.url)
const executor = openExecutor({ backend: 'wasm' })
let printed = ''
let complained = ''

beforeEach(() => {
  printed = ''
  complained = ''
  process.exitCode = undefined
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complained += text
    return true
  })
  return () => {
    vi.restoreAllMocks()
    process.exitCode = undefined
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

const bench = (command: ReturnType<typeof newCommand>, ...args: string[]) => {
  throwUsageErrors(command)
  return command.parseAsync(args, { from: 'user' })
}

/** A black-box algorithm that samples, in a plugin's source. */
const algorithm = (name: string, options = '', rest = '') => `defineAlgorithm({
  name: '${name}', version: 1, description: '', source: '', kind: 'black-box', ${rest} options: z.strictObject({ ${options} }),
  search: async (context) => {
    const drawn = sample(context.space, context.random('draw'))
    return blackBoxSearch(context, 2, async (ask) => { await ask(drawn) })
  },
})`

/** The source of a plugin whose list of spaces may name \`mine\`, a copy of NAS-Bench-201. */
const plugin = ({ algorithms = [algorithm('ok')], spaces = '[]' }: { algorithms?: string[]; spaces?: string }) => `
import { blackBoxSearch, builtins, defineAlgorithm, definePlugin, sample } from 'nas-bench-harness'
import { z } from 'zod'
const mine = { ...builtins.spaces.find(({ name }) => name === 'nb201'), name: 'mine' }
export default definePlugin({ name: 'tried', algorithms: [${algorithms.join(', ')}], spaces: ${spaces} })`

/** Plans a run with a plugin, as `bench run` does. */
async function runRefuses(path: string): Promise<void> {
  const { registry, origins } = await registerPlugins(builtins, [path])
  for (const found of registry.algorithms.filter((each) => origins.has(each))) resolveOptions(found, {})
}

describe('bench new algo', () => {
  it.each(['supernet', 'black-box'])('writes a %s plugin that passes the contract suite unchanged', async (kind) => {
    const name = `my-${kind}`
    await bench(newCommand(), 'algo', name, '--kind', kind, '--folder', folder)
    expect(printed).toContain(`bench run --plugin`)
    const { plugin } = await loadPlugin(join(folder, `${name}.ts`))
    const [algorithm] = plugin.algorithms ?? []
    expect(algorithm).toMatchObject({ name, kind })
    const results = await checkAlgorithm(algorithm, { executor: () => executor, stepsPerEpoch: 1, spaces: [nb201] })
    expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
  })

  it('writes a Python method that runs unchanged, and the client that it imports', async () => {
    await bench(newCommand(), 'algo', 'my-python', '--python', '--folder', folder)
    expect(printed).toMatch(
      /wrote .*my_python.py and the client that it imports. Next:\n {2}bench check plugin .*my_python.py/,
    )
    expect(existsSync(join(folder, 'nas_bench_client.py'))).toBe(true)
    if (!hasPython) return
    const { failures, runs } = await runProgram(join(folder, 'my_python.py'), join(folder, 'store'))
    expect(failures).toEqual([])
    expect(runs[0].result()?.oracle?.queries).toHaveLength(100)
    await expect(bench(newCommand(), 'algo', 'x', '--python', '--kind', 'supernet')).rejects.toThrow(/--python/)
  })

  it('writes the plugin that the README shows', async () => {
    const [, shown = ''] = /The whole of one:\n\n```ts\n(.*?)```/s.exec(readFileSync(README, 'utf8')) ?? []
    const path = join(folder, 'shown.ts')
    writeFileSync(path, shown)
    const { plugin } = await loadPlugin(path)
    const [algorithm] = plugin.algorithms ?? []
    const results = await checkAlgorithm(algorithm, { executor: () => executor, stepsPerEpoch: 1, spaces: [nb201] })
    expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
    const body = (text: string) =>
      text.slice(text.indexOf('const relaxation'), text.indexOf('const algorithm')).replace(/ *\/\/.*\n/, '')
    expect(body(shown)).toBe(body(pluginSource('supernet', 'my-search')))
  })

  it('overwrites nothing', async () => {
    writeFileSync(join(folder, 'mine.test.mjs'), 'precious')
    await expect(bench(newCommand(), 'algo', 'mine', '--folder', folder)).rejects.toThrow(
      /mine.test.mjs is there already/,
    )
    expect(existsSync(join(folder, 'mine.ts'))).toBe(false)
  })

  it('refuses used and malformed names', async () => {
    await expect(bench(newCommand(), 'algo', 'drnas')).rejects.toThrow('"drnas" is built in; choose another name')
    await expect(bench(newCommand(), 'algo', 'My_Search')).rejects.toThrow(/use lower case, digits and hyphens/)
  })
})

describe('bench check plugin', () => {
  it('prints rule, plugin and observation of a broken rule, and ends with status 1', async () => {
    const path = join(folder, 'stubborn.ts')
    writeFileSync(
      path,
      `import { defineAlgorithm, definePlugin, sample } from 'nas-bench-harness'
import { z } from 'zod'
export default definePlugin({ name: 'stubborn', algorithms: [defineAlgorithm({
  name: 'stubborn', version: 1, description: '', source: '', kind: 'black-box', spaces: ['nb201'],
  options: z.strictObject({ choice: z.coerce.number().default(0) }),
  async search({ space }, { choice }) {
    const answer = space.encoding.decode(space.encoding.cardinalities.map(() => choice))
    return { epochs: 1, epoch: async () => ({}), genotype: () => answer, save: async () => ({}), restore() {}, dispose() {} }
  },
})] })`,
    )
    await bench(checkCommand(), 'plugin', path, '--option', 'choice=3', '--quiet')
    expect(process.exitCode).toBe(1)
    expect(printed).toContain('different seeds differ')
    expect(complained).toBe(
      `bench: ${path}: stubborn on nb201 breaks the rule "different seeds differ": ` +
        'seeds 0 and 1 gave the same reports and answers\n',
    )
  })

  it('refuses options in one line, as bench run does', async () => {
    const path = join(folder, 'stubborn.ts')
    const check = bench(checkCommand(), 'plugin', path, '--option', 'choice=red', '--quiet')
    await expect(check).rejects.toThrow(/^stubborn: option choice=red: expected /)
  })

  it('names the faulty place of the plugin', async () => {
    const path = join(folder, 'failing.ts')
    writeFileSync(path, FAILING)
    await bench(checkCommand(), 'plugin', path, '--quiet')
    expect(process.exitCode).toBe(1)
    expect(complained).toMatch(/: it fails: no luck, at .*failing.ts:6:\d+\)\n$/)
  })

  it.each([
    ['an algorithm has a name that is built in', plugin({ algorithms: [algorithm('drnas')] }), /algorithm "drnas" is/],
    [
      'two of its algorithms have one name',
      plugin({ algorithms: [algorithm('a'), algorithm('a')] }),
      /algorithm "a" is/,
    ],
    ['a space has a name that is built in', plugin({ spaces: "[{ ...mine, name: 'nb201' }]" }), /space "nb201" is/],
    ['two of its spaces have one name', plugin({ spaces: '[mine, mine]' }), /space "mine" is already registered/],
    ['an option has no default', plugin({ algorithms: [algorithm('a', 'x: z.number()')] }), /option x is not given/],
    ['a name cannot be typed', plugin({ algorithms: [algorithm('a b')] }), /algorithms.0.name: expected letters/],
  ])('refuses what bench run refuses, in the same words: %s', async (what, source, message) => {
    const path = join(folder, `${what.replace(/\W+/g, '-')}.ts`)
    writeFileSync(path, source)
    const words = (error: Error) => error.message
    const refused = await runRefuses(path).then(() => 'nothing', words)
    expect(refused).toMatch(message)
    expect(await bench(checkCommand(), 'plugin', path, '--quiet').then(() => 'nothing', words)).toBe(refused)
  })

  it('checks an algorithm on the built-in spaces that it names', async () => {
    const path = join(folder, 'elsewhere.ts')
    writeFileSync(path, plugin({ algorithms: [algorithm('elsewhere', '', "spaces: ['darts-no-none'],")] }))
    await bench(checkCommand(), 'plugin', path, '--quiet', '--json')
    const { rows } = JSON.parse(printed)
    expect(new Set(rows.map(({ space }: { space: string }) => space))).toEqual(new Set(['darts-no-none']))
    expect(complained).toBe('')
  })

  it('refuses a plugin without algorithms, spaces and scores', async () => {
    const path = join(folder, 'empty.ts')
    writeFileSync(path, "export default { name: 'empty', algorithms: [] }")
    await expect(bench(checkCommand(), 'plugin', path)).rejects.toThrow(
      `plugin ${path} has no algorithms, spaces or scores to check`,
    )
  })
})

const FAILING = `import { defineAlgorithm, definePlugin } from 'nas-bench-harness'
import { z } from 'zod'
export default definePlugin({ name: 'failing', algorithms: [defineAlgorithm({
  name: 'failing', version: 1, description: '', source: '', kind: 'black-box', spaces: ['nb201'], options: z.strictObject({}),
  async search() {
    throw new Error('no luck')
  },
})] })`
