/** How worker processes are handed GPUs for WebGPU, on two software drivers: SwiftShader, and a copy with another name. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { workerEnvironment } from '../../../src/runner/processes/pool.ts'
import { isInstalled } from '../../../src/system/optionalPackage.ts'

const driver = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? ''
const isEmulated = isInstalled('webgpu') && driver.includes('swiftshader') && !driver.includes(':')
if (!isEmulated) console.warn('skipped: needs webgpu and SwiftShader as the only driver (docs/backends.md)')

const folder = mkdtempSync(join(tmpdir(), 'bench-gpus-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Writes a copy of SwiftShader's driver whose device has another name of the same length. */
function secondDriver(): string {
  const description = JSON.parse(readFileSync(driver, 'utf8'))
  const library = readFileSync(resolve(dirname(driver), description.ICD.library_path))
  const name = 'SwiftShader Device'
  library.write('SwiftShader Second', library.indexOf(name), 'latin1')
  writeFileSync(join(folder, 'second.so'), library)
  description.ICD.library_path = join(folder, 'second.so')
  writeFileSync(join(folder, 'second.json'), JSON.stringify(description))
  return join(folder, 'second.json')
}

/** Evaluates an expression in a process of its own, since a process has one list of drivers. */
function evaluate(module: string, expression: string, env: NodeJS.ProcessEnv): unknown {
  const url = new URL(`../../../dist/${module}`, import.meta.url)
  const code = `const m = await import(${JSON.stringify(fileURLToPath(url))}); console.log(JSON.stringify(await ${expression})); process.exit(0)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(output)
}

describe.runIf(isEmulated)('worker processes on two GPUs of WebGPU', { timeout: 60_000 }, () => {
  const drivers = () => ({
    ...process.env,
    VK_DRIVER_FILES: `${driver}:${secondDriver()}`,
    VK_ICD_FILENAMES: undefined,
  })

  it('are each handed one, and use that one', () => {
    const both = drivers()
    const environments = evaluate('engine/index.js', 'm.webgpuEnvironments()', both) as NodeJS.ProcessEnv[]
    expect(environments).toHaveLength(2)
    const used = environments.map((gpu) => {
      const env = { ...workerEnvironment({ backend: 'webgpu' }, gpu), VK_DRIVER_FILES: both.VK_DRIVER_FILES }
      const expression = 'm.gpuAdapter().then(({ info }) => info.device)'
      return evaluate('engine/webgpu/device/gpu.js', expression, { ...env, VK_ICD_FILENAMES: undefined })
    })
    expect(new Set(used).size).toBe(2)
    environments.forEach(({ NAS_BENCH_GPU: name = '' }, i) => {
      const isSecond = name.includes('Second')
      expect(String(used[i]).includes('second')).toBe(isSecond)
    })
  })

  it('keep to the GPU that the user has named, and are told which there are if none has the name', () => {
    const named = { ...drivers(), NAS_BENCH_GPU: 'Second' }
    expect(evaluate('engine/index.js', 'm.webgpuEnvironments()', named)).toEqual([{ NAS_BENCH_GPU: 'Second' }])
    const unknown = { ...drivers(), NAS_BENCH_GPU: 'nothing' }
    const expression = 'm.gpuAdapter().catch(({ message }) => message)'
    expect(evaluate('engine/webgpu/device/gpu.js', expression, unknown)).toMatch(
      /^no GPU is named "nothing" \(NAS_BENCH_GPU\); WebGPU finds .*Second.*, .*Device/,
    )
  })
})
