import { describe, expect, it } from 'vitest'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'
import { backendReports, chooseExecutor, executorName, openExecutor } from '../../src/engine/executors.ts'
import { isInstalled } from '../../src/engine/optionalPackage.ts'

describe('the choice of an executor', () => {
  it('is the static one on WebAssembly, unless the interpreter is asked for', async () => {
    expect(await executorName({ backend: 'wasm' })).toBe('static/wasm')
    expect(await executorName({ backend: 'wasm', executor: 'tfjs' })).toBe('tfjs/wasm')
    expect(await executorName({ backend: 'cpu' })).toBe('tfjs/cpu')
  })

  it('has a name for what another machine has', async () => {
    expect(await executorName({ backend: 'webgpu' })).toBe('static/webgpu')
    expect(await executorName({ backend: 'webgpu', executor: 'tfjs' })).toBe('tfjs/webgpu')
    expect(await executorName({ backend: 'tensorflow' })).toBe('tfjs/tensorflow')
  })

  it('says the same name before and after opening', async () => {
    for (const options of [{ backend: 'wasm' }, { backend: 'wasm', executor: 'tfjs' }, { backend: 'cpu' }] as const) {
      expect((await openExecutor(options)).name).toBe(await executorName(options))
    }
  })

  it('falls on a backend with the same bits on every machine where that is asked for', async () => {
    expect(await chooseExecutor({ backend: 'auto', deterministic: true })).toMatchObject({ backend: 'wasm' })
    expect((await openExecutor({ backend: 'wasm', deterministic: true })).deterministic).toBe(true)
    await expect(chooseExecutor({ backend: 'webgpu', deterministic: true })).rejects.toThrow('same bits')
  })

  it('gives a reason', async () => {
    const { backend, reason } = await chooseExecutor({ backend: 'auto' })
    expect(reason).not.toBe('')
    expect((await backendReports()).find((report) => report.backend === backend)?.available).toBe(true)
  })

  it('refuses the static executor on other backends', async () => {
    await expect(chooseExecutor({ backend: 'cpu', executor: 'static' })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('refuses a network for which there is no memory, and tries no other executor', async () => {
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

  it('suggests the nearest backend to a mistyped one', async () => {
    await expect(openExecutor({ backend: 'wsm' as 'wasm' })).rejects.toThrow('did you mean "wasm"?')
  })

  it.skipIf(isInstalled('@tensorflow/tfjs-node') || isInstalled('@tensorflow/tfjs-node-gpu'))(
    'names the package to install for a backend that is not there',
    async () => {
      await expect(openExecutor({ backend: 'tensorflow' })).rejects.toThrow('npm install -D @tensorflow/tfjs-node')
      const report = (await backendReports()).find(({ backend }) => backend === 'tensorflow')
      expect(report).toMatchObject({ available: false })
    },
  )
})
