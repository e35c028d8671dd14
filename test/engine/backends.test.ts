import { describe, expect, it } from 'vitest'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'
import type { ExecutorOptions } from '../../src/engine/index.ts'
import { backendReports, chooseExecutor, executorIdentity, openExecutor } from '../../src/engine/index.ts'
import { isInstalled } from '../../src/system/optionalPackage.ts'

describe('choosing an executor', () => {
  const nameOf = async (options: ExecutorOptions) => (await executorIdentity(options)).executor

  it('takes the static executor on WebAssembly unless the TensorFlow.js executor is named', async () => {
    expect(await nameOf({ backend: 'wasm' })).toBe('static/wasm')
    expect(await nameOf({ backend: 'wasm', executor: 'tfjs' })).toBe('tfjs/wasm')
    expect(await nameOf({ backend: 'cpu' })).toBe('tfjs/cpu')
  })

  it('names executors of backends that only another machine has', async () => {
    expect(await nameOf({ backend: 'webgpu' })).toBe('static/webgpu')
    expect(await nameOf({ backend: 'webgpu', executor: 'tfjs' })).toBe('tfjs/webgpu')
    expect(await nameOf({ backend: 'tensorflow' })).toBe('tfjs/tensorflow')
  })

  it('gives the same name and arithmetic before and after opening', async () => {
    for (const options of [{ backend: 'wasm' }, { backend: 'wasm', executor: 'tfjs' }, { backend: 'cpu' }] as const) {
      const { name: executor, arithmetic } = await openExecutor(options)
      expect({ executor, arithmetic }).toEqual(await executorIdentity(options))
    }
  })

  it('is deterministic on WebAssembly unless fast math is asked for, and never on a GPU', async () => {
    expect((await executorIdentity({ backend: 'wasm' })).arithmetic).toBe('deterministic')
    expect((await executorIdentity({ backend: 'wasm', fastMath: true })).arithmetic).toBe('fused')
    expect((await executorIdentity({ backend: 'webgpu' })).arithmetic).toBe('device')
    expect((await executorIdentity({ backend: 'tensorflow' })).arithmetic).toBe('device')
  })

  it('opens fast math as planned, or says why this machine does not have it', async () => {
    const options = { backend: 'wasm', fastMath: true } as const
    const opened = await openExecutor(options).catch(({ message }: Error) => ({ arithmetic: message }))
    expect(opened.arithmetic).toMatch(/^fused$|^fast math needs .*; leave --fast-math out$/)
  })

  it.each([
    { backend: 'webgpu' },
    { backend: 'tensorflow' },
    { backend: 'cpu' },
    { backend: 'wasm', executor: 'tfjs' },
  ] as const)('refuses fast math on an executor without it: %o', async (options) => {
    const refusal = /^--fast-math is for static\/wasm, and this would be /
    await expect(executorIdentity({ ...options, fastMath: true })).rejects.toThrow(refusal)
  })

  it('refuses fast math together with `deterministic`', async () => {
    const contradiction = { backend: 'wasm', fastMath: true, deterministic: true } as const
    await expect(executorIdentity(contradiction)).rejects.toThrow('same bits')
    await expect(openExecutor(contradiction)).rejects.toThrow('same bits')
  })

  it('takes only a deterministic backend if `deterministic` is set', async () => {
    expect(await chooseExecutor({ backend: 'auto', deterministic: true })).toMatchObject({ backend: 'wasm' })
    expect((await openExecutor({ backend: 'wasm', deterministic: true })).arithmetic).toBe('deterministic')
    await expect(chooseExecutor({ backend: 'webgpu', deterministic: true })).rejects.toThrow('same bits')
  })

  it('gives the reason of an automatic choice, which is available', async () => {
    const { backend, reason } = await chooseExecutor({ backend: 'auto' })
    expect(reason).not.toBe('')
    expect((await backendReports()).find((report) => report.backend === backend)?.available).toBe(true)
  })

  it('refuses the static executor on a backend without one', async () => {
    await expect(chooseExecutor({ backend: 'cpu', executor: 'static' })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('refuses a network that does not fit into memory, and tries no other executor', async () => {
    const builder = new NetworkBuilder({ height: 1024, width: 1024, channels: 64 })
    const features = builder.relu(builder.input)
    const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
    const huge = builder.build({ name: 'huge', heads: [{ logits, lossWeight: 1 }], features })
    const compiled = (await openExecutor({ backend: 'wasm' })).compile(huge, { batchSize: 64 })
    await expect(compiled).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/^huge: needs/),
    })
  })

  it('suggests the nearest name for a mistyped backend', async () => {
    await expect(openExecutor({ backend: 'wsm' as 'wasm' })).rejects.toThrow('did you mean "wasm"?')
  })

  it.skipIf(isInstalled('@tensorflow/tfjs-node') || isInstalled('@tensorflow/tfjs-node-gpu'))(
    'names the package to install for a missing backend',
    async () => {
      await expect(openExecutor({ backend: 'tensorflow' })).rejects.toThrow('npm install -D @tensorflow/tfjs-node')
      const report = (await backendReports()).find(({ backend }) => backend === 'tensorflow')
      expect(report).toMatchObject({ available: false })
    },
  )
})
