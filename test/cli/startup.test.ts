/** What commands load: packages that are slow to load must not be loaded by commands that do not use them. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { runId } from '../../src/runner/plan/identity.ts'
import { Store } from '../../src/runner/store/store.ts'
import { fixtureRuns } from '../report/fixtureRuns.ts'
import { Workplace } from '../support/command.ts'

vi.setConfig({ testTimeout: 60_000 })

const place = new Workplace()
afterAll(() => place.remove())

/** Module that prints, on standard error, the address or path of every module that is imported or required after it. */
const TELLER = `import Module, { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(
  \`export async function resolve(name, context, next) {
    const found = await next(name, context)
    process._rawDebug('loads ' + found.url)
    return found
  }\`))
process.on('exit', () => {
  for (const path of Object.keys(Module._cache)) process._rawDebug('loads ' + path)
})`

/** Returns addresses and paths of the modules that a command loads. */
async function loaded(...args: string[]): Promise<string[]> {
  vi.stubEnv('NODE_OPTIONS', `--import data:text/javascript,${encodeURIComponent(TELLER)}`)
  try {
    const { code, stderr } = await place.bench(...args)
    expect(code, stderr).toBe(0)
    return [...stderr.matchAll(/^loads (.*)$/gm)].map(([, module]) => module)
  } finally {
    vi.unstubAllEnvs()
  }
}

const slow = (modules: readonly string[]) =>
  modules.filter((module) => /(node_modules.|joined.)(zod|ml-matrix)/.test(module))

test.each(['--version', '--help', 'status --help'])('%s loads neither zod nor linear algebra', async (line) => {
  const modules = await loaded(...line.split(' '))
  expect(modules.join('\n')).toContain('cli/main.js')
  expect(slow(modules)).toEqual([])
})

// The single modules of zod and of the program are several hundred, and opening them takes most of such a command's time.
test.each(['list algos', 'query --help', 'genotype show 6111'])('%s loads joined modules', async (line) => {
  const modules = await loaded(...line.split(' '))
  const own = modules.filter((module) => module.includes('/dist/') && !/dist\/(cli\/main\.js$|joined\/)/.test(module))
  expect([...own, ...modules.filter((module) => /node_modules.(zod|yaml|commander)/.test(module))]).toEqual([])
})

test('the status of runs whose records are indexed is told without zod', async () => {
  const store = join(place.folder, 'runs')
  for (const { manifest, result } of fixtureRuns(80, { algorithm: 'rea' })) {
    const id = runId(manifest.job)
    const run = new Store(store).run(id)
    mkdirSync(run.path, { recursive: true })
    run.begin({ ...manifest, id })
    if (result) run.finish({ ...result, id })
  }
  // What changed a moment ago is not indexed.
  await new Promise((resolve) => setTimeout(resolve, 2100))
  expect(slow(await loaded('status', '--store', store))).not.toEqual([])
  const modules = await loaded('status', '--store', store)
  expect(modules.join('\n')).toMatch(/joined\/status/)
  expect(slow(modules)).toEqual([])
})
