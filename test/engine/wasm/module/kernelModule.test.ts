import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { CHUNK } from '../../../../src/engine/wasm/lower/context.ts'
import { Arena, type KernelName, kernelModule } from '../../../../src/engine/wasm/module/module.ts'
import { signatures } from '../../../../src/engine/wasm/module/signatures.ts'

// The compiler runs twice, seconds each on an idle machine and far more on a busy one.
test('the committed modules and signatures are what the kernels’ sources compile to', { timeout: 300_000 }, () => {
  const run = () => execFileSync(process.execPath, ['src/engine/wasm/kernels/build.mjs', '--check'], { stdio: 'pipe' })
  expect(run).not.toThrow()
})

test('a deterministic module is to be had everywhere', async () => {
  expect((await kernelModule(true)).deterministic).toBe(true)
})

test('every kernel takes as many arguments as its signature names', async () => {
  const { module } = await kernelModule(true)
  const { kernels } = new Arena(module)
  for (const [name, parameters] of Object.entries(signatures)) {
    expect(kernels[name as KernelName].length, name).toBe(parameters.length)
  }
})

test('kernels and plan have rows for chunks of the same size', async () => {
  const { module } = await kernelModule(true)
  const { exports } = new WebAssembly.Instance(module, { env: { memory: new Arena(module).memory } })
  expect((exports.CHUNK as WebAssembly.Global).value).toBe(CHUNK)
})
