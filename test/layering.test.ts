/**
 * Imports run downwards only, between the folders of `src` and inside `runner` and `engine`: the lint rule refuses
 * others.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

/** Each folder may import those after it and none before it. */
const CHAINS: readonly (readonly string[])[] = [
  [
    'src/cli',
    'src/report',
    'src/export',
    'src/runner',
    'src/retrain',
    'src/tablebuild',
    'src/algorithms',
    'src/protocols',
    'src/analysis',
    'src/tables',
    'src/data',
    'src/spaces',
    'src/training',
    'src/engine',
    'src/pickle',
    'src/system',
    'src/core',
  ],
  [
    'src/runner/slurm',
    'src/runner/processes',
    'src/runner/run',
    'src/runner/imports',
    'src/runner/store',
    'src/runner/plan',
  ],
  ['src/engine/tfjs', 'src/engine/plan', 'src/engine/graph'],
  ['src/engine/wasm', 'src/engine/plan'],
  ['src/engine/webgpu', 'src/engine/plan'],
  ['src/engine/wasm/run', 'src/engine/wasm/lower', 'src/engine/wasm/plan', 'src/engine/wasm/module'],
  [
    'src/engine/webgpu/run',
    'src/engine/webgpu/lower',
    'src/engine/webgpu/plan',
    'src/engine/webgpu/kernels',
    'src/engine/webgpu/device',
  ],
]

/** Folders that know nothing of each other. */
const APART = ['src/engine/tfjs', 'src/engine/wasm', 'src/engine/webgpu']

/** Importing file and imported file of every pair of folders. */
function pairs(allowed: boolean): [from: string, to: string][] {
  const ordered = CHAINS.flatMap((chain) =>
    chain.flatMap((upper, index) => chain.slice(index + 1).map((lower) => (allowed ? [upper, lower] : [lower, upper]))),
  )
  const apart = APART.flatMap((from) => APART.filter((to) => to !== from).map((to) => [from, to]))
  return (allowed ? ordered : [...ordered, ...apart]).map(([from = '', to = '']) => [
    `${from}/importer.ts`,
    `${to}/imported.ts`,
  ])
}

/** The planted files in which the project's lint rule finds a wrong import. */
function refused(planted: readonly (readonly [from: string, to: string])[]): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'layering-'))
  const { files, overrides } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'))
  const rules = { recommended: false, style: { noRestrictedImports: 'error' } }
  const config = { root: true, files, linter: { enabled: true, rules }, overrides }
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(config))
  planted.forEach(([from, to], index) => {
    const file = join(folder, from.replace('importer', `importer${index}`))
    mkdirSync(dirname(file), { recursive: true })
    const target = relative(dirname(from), to)
    writeFileSync(file, `import { x } from '${target.startsWith('.') ? target : `./${target}`}'\nexport const y = x\n`)
  })
  const found = lint(folder)
  rmSync(folder, { recursive: true })
  return new Set([...found].map((name) => name.slice(name.lastIndexOf('importer') + 8, -3)))
}

/** Names of the files with a diagnostic of the rule. */
function lint(folder: string): Set<string> {
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')
  const args = [
    biome,
    'lint',
    '--only=style/noRestrictedImports',
    '--max-diagnostics=none',
    '--reporter=github',
    folder,
  ]
  let output: string
  try {
    output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    output = (error as { stdout: string }).stdout
  }
  return new Set([...output.matchAll(/noRestrictedImports,file=([^,]+),/g)].map(([, file = '']) => file))
}

test('every import from a folder into one above it, or into its equal, is refused', () => {
  const planted = [
    ...pairs(false),
    ['src/runner/plan/importer.ts', 'src/runner/status.ts'] as const,
    ['src/runner/slurm/importer.ts', 'src/runner/status.ts'] as const,
    ['src/report/importer.ts', 'src/builtins.ts'] as const,
    ...['graph', 'plan', 'tfjs', 'wasm', 'webgpu', 'wasm/run', 'webgpu/lower'].map(
      (folder) => [`src/engine/${folder}/importer.ts`, 'src/engine/index.ts'] as const,
    ),
  ]
  const found = refused(planted)
  expect(planted.filter((_, index) => !found.has(String(index)))).toEqual([])
})

test('every import from a folder into one below it is accepted', () => {
  const planted = pairs(true)
  const found = refused(planted)
  expect(planted.filter((_, index) => found.has(String(index)))).toEqual([])
})

test('no folder of src stands outside this order', () => {
  const known = new Set(CHAINS.flat())
  const folders = ['src', 'src/runner', 'src/engine'].flatMap((parent) =>
    readdirSync(join(ROOT, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && readdirSync(join(ROOT, parent, entry.name)).length > 0)
      .map(({ name }) => `${parent}/${name}`),
  )
  expect(folders.filter((name) => !known.has(name))).toEqual([])
})
