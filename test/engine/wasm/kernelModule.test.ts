import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { kernelModule } from '../../../src/engine/wasm/module.ts'
import { signatures } from '../../../src/engine/wasm/signatures.ts'

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
  const { exports } = new WebAssembly.Instance(module)
  for (const [name, parameters] of Object.entries(signatures)) {
    expect((exports[name] as () => void).length, name).toBe(parameters.length)
  }
})
