/**
 * Compiles the WebAssembly kernel that processes photographs: `node src/data/photographs/kernels/build.mjs` writes
 * `photograph.wasm` into the folder above this one. With `--check` it writes nothing, and fails if the existing file
 * differs from the compiled source.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const sources = dirname(fileURLToPath(import.meta.url))
const target = join(dirname(sources), 'photograph.wasm')
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--memoryBase', '1024']

let compiled
const { error, stderr } = await asc.main(['photograph.ts', '--outFile', 'photograph.wasm', ...options], {
  readFile: (name) => {
    try {
      return readFileSync(join(sources, name), 'utf8')
    } catch {
      return null
    }
  },
  writeFile: (_, contents) => {
    compiled = Buffer.from(contents)
  },
  listFiles: () => [],
})
if (error) throw new Error(`${error.message}\n${stderr}`)
if (!process.argv.includes('--check')) writeFileSync(target, compiled)
else if (!readFileSync(target).equals(compiled)) {
  console.error('photograph.wasm is not what kernels/ gives; run: npm run kernels')
  process.exitCode = 1
}
