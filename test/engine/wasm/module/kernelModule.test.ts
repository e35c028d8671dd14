import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CHUNK } from '../../../../src/engine/wasm/lower/context.ts'
import {
  Arena,
  type KernelArithmetic,
  type KernelName,
  kernelModule,
} from '../../../../src/engine/wasm/module/module.ts'
import { signatures } from '../../../../src/engine/wasm/module/signatures.ts'
import { full } from '../../../support/full.ts'

// The compiler runs twice, seconds each on an idle machine and far more on a busy one.
test.runIf(full)(
  'the committed modules and signatures are what the kernels’ sources compile to',
  { timeout: 300_000 },
  () => {
    const run = () =>
      execFileSync(process.execPath, ['src/engine/wasm/kernels/build.mjs', '--check'], { stdio: 'pipe' })
    expect(run).not.toThrow()
  },
)

/** Computes y + a·x for numbers whose product is not exact in single precision. */
async function roundedSum(arithmetic: KernelArithmetic): Promise<number> {
  const { kernels, floats } = new Arena(await kernelModule(arithmetic))
  const [y, x, a] = [20_000, 20_016, Math.fround(1.1)]
  floats.fill(Math.fround(-1.21), y / 4, y / 4 + 4)
  floats.fill(a, x / 4, x / 4 + 4)
  kernels.axpy(y, a, x, 4)
  return floats[y / 4]
}

test('the deterministic kernels round a product before they add it', async () => {
  const product = Math.fround(Math.fround(1.1) * Math.fround(1.1))
  expect(await roundedSum('deterministic')).toBe(Math.fround(product + Math.fround(-1.21)))
})

test('the fused kernels round once, and are refused where the machine would round twice', async () => {
  const isSupported = WebAssembly.validate(readFileSync('src/engine/wasm/module/kernels-relaxed.wasm'))
  const exact = Math.fround(1.1) * Math.fround(1.1) + Math.fround(-1.21)
  const found = await roundedSum('fused').catch((error: unknown) => error)
  if (isSupported && typeof found === 'number') expect(found).toBe(Math.fround(exact))
  else
    expect(found).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/^fast math needs .* lacks.*; leave --fast-math out$/),
    })
})

test('every kernel takes as many arguments as its signature names', async () => {
  const module = await kernelModule('deterministic')
  const { kernels } = new Arena(module)
  for (const [name, parameters] of Object.entries(signatures)) {
    expect(kernels[name as KernelName].length, name).toBe(parameters.length)
  }
})

test('kernels and plan agree on the number of pixels in a chunk', async () => {
  const module = await kernelModule('deterministic')
  const { exports } = new WebAssembly.Instance(module, { env: { memory: new Arena(module).memory } })
  expect((exports.CHUNK as WebAssembly.Global).value).toBe(CHUNK)
})
