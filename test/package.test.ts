/** The package as npm packs it, in a folder of a user's, with this repository's copies of what it depends on. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { commands } from '../src/cli/program.ts'
import { someOf } from './support/full.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'bench-package-'))
const own = join(folder, 'node_modules/nas-bench-harness')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

function run(command: string, ...args: readonly string[]) {
  const { NAS_BENCH_HOME: _, ...env } = process.env
  const home = { ...env, NAS_BENCH_HOME: join(folder, 'home') }
  return spawnSync(command, args, { cwd: folder, env: home, encoding: 'utf8' })
}
const node = (...args: readonly string[]) => run(process.execPath, ...args)
const bench = (...args: readonly string[]) => node(join(own, 'dist/cli/main.js'), ...args)

beforeAll(() => {
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const [{ filename }] = JSON.parse(packed.stdout)
  mkdirSync(own, { recursive: true })
  expect(run('tar', '-xzf', filename, '-C', own, '--strip-components=1').status).toBe(0)
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'mine', private: true, type: 'module' }))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed package', () => {
  test('has its command under both names, and runs a search', () => {
    const { bin } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'))
    expect(Object.keys(bin)).toEqual(['bench', 'nas-bench-harness'])
    for (const path of Object.values<string>(bin)) expect(existsSync(join(own, path)), path).toBe(true)
    const { status, stdout } = bench('run', '--algo', 'random', '--seeds', '1', '--quiet')
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('looked up in nb201-micro') })
  })

  test('has every file that its README and its documentation link to', () => {
    const pages = [
      'README.md',
      ...readdirSync(join(own, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ]
    const missing = pages.flatMap((page) => {
      const text = readFileSync(join(own, page), 'utf8')
      const links = [...text.matchAll(/(?:\]\(|src=")([^)"#:]+)(?:#[^)"]*)?[)"]/g)].map(([, link]) => link)
      return links.filter((link) => !existsSync(join(own, dirname(page), link))).map((link) => `${page}: ${link}`)
    })
    expect(missing).toEqual([])
  })

  test('finds its own experiment files where the folder has none, and says so', () => {
    const { stderr } = bench('status', 'configs/hessian-shapes.yaml', '--json')
    expect(stderr).toContain('there is no configs/hessian-shapes.yaml here; using the package’s own file ')
    const { status, stderr: refused } = bench('status', 'elsewhere/hessian-shapes.yaml')
    expect(status).toBe(2)
    expect(refused).toContain('cannot read the experiment file')
  })

  test.each(someOf(['black-box', 'supernet'], 2))('writes a %s plugin whose test runs in the folder', (kind) => {
    const { stdout } = bench('new', 'algo', `my-${kind}`, '--kind', kind, '--json')
    const { files } = JSON.parse(stdout)
    expect(files).toEqual([`./my-${kind}.ts`, `./my-${kind}.test.mjs`])
    const { status, stdout: report } = node('--test', files[1])
    expect(status, report).toBe(0)
    expect(report).toMatch(/pass 1/)
  })

  test('is used from a program as the README shows, which type-checks', () => {
    const [, program] = /as an ES module[^`]*```ts\n(.*?)```/s.exec(readme) ?? []
    writeFileSync(join(folder, 'program.ts'), program)
    cpSync(join(folder, 'program.ts'), join(folder, 'program.mjs'))
    const { status, stdout, stderr } = node('program.mjs')
    expect(stderr).toBe('')
    expect({ status, lines: stdout.trim().split('\n') }).toEqual({
      status: 0,
      lines: [expect.stringMatching(/^9\d\.\d/), ...[...Array(4)].map(() => expect.anything())],
    })
    const options = {
      strict: true,
      module: 'nodenext',
      target: 'es2023',
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.ts'] }))
    expect(node(join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.')).toMatchObject({ status: 0, stdout: '' })
  })
})

describe('what the README says of every command', () => {
  test('is so: it has --json', async () => {
    const below = (command: Command): Command[] =>
      command.commands.length === 0 ? [command] : command.commands.flatMap(below)
    const all = (await Promise.all(commands.map(async ([, , load]) => below(await load())))).flat()
    expect(all.length).toBeGreaterThan(20)
    const without = all.filter(({ options }) => !options.some(({ long }) => long === '--json'))
    expect(without.map((command) => command.name())).toEqual([])
  })
})
