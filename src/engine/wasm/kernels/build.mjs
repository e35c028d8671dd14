/**
 * Compiles the kernels. `node src/engine/wasm/kernels/build.mjs` writes `kernels.wasm`, `kernels-relaxed.wasm` (the
 * same kernels with fused multiply-adds) and `signatures.ts` into `module/`; with `--check` it writes nothing and fails
 * if the files there differ from what the sources give.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const sources = dirname(fileURLToPath(import.meta.url))
const target = join(dirname(sources), 'module')

/**
 * Options of the AssemblyScript compiler. The memory is imported and shared, so that each thread can run its own
 * instance of the module over one memory.
 */
const options = [
  ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--bindings', 'raw'],
  ...['--enable', 'threads', '--importMemory', '--sharedMemory', '--memoryBase', '1024', '--maximumMemory', '65536'],
]

/** Returns the files that the AssemblyScript compiler writes, by name. */
async function compile(...extra) {
  const files = {}
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'kernels.wasm', ...options, ...extra], {
    readFile: (name) => {
      try {
        return readFileSync(join(sources, name), 'utf8')
      } catch {
        return null
      }
    },
    writeFile: (name, contents) => {
      files[name] = contents
    },
    listFiles: () => [],
  })
  if (error) throw new Error(`${error.message}\n${stderr}`)
  return files
}

/**
 * Returns the text of signatures.ts, the parameter names of every kernel, which are read from the compiler's
 * declarations. Kernel calls are emitted by these names.
 */
function signatures(declarations) {
  const kernels = [...declarations.matchAll(/export function (\w+)\((.*?)\)/g)].map(([, name, parameters]) => {
    const names = parameters.split(', ').map((parameter) => `'${parameter.split(':')[0]}'`)
    return `  ${name}: [${names.join(', ')}],`
  })
  const header = '/** Written by kernels/build.mjs: the parameters of every kernel, in order. */'
  return [header, '// biome-ignore format: generated', 'export const signatures = {', ...kernels, '} as const', ''].join('\n')
}

const files = await compile()
const relaxed = await compile('--enable', 'relaxed-simd')
const outputs = {
  'kernels.wasm': files['kernels.wasm'],
  'kernels-relaxed.wasm': relaxed['kernels.wasm'],
  'signatures.ts': signatures(files['kernels.d.ts']),
}
for (const [name, contents] of Object.entries(outputs)) {
  const path = join(target, name)
  if (!process.argv.includes('--check')) writeFileSync(path, contents)
  else if (!readFileSync(path).equals(Buffer.from(contents))) {
    console.error(`${name} is not what kernels/ gives; run: npm run kernels`)
    process.exitCode = 1
  }
}
