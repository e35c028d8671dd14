/** The GPU kit (benchmarks/gpu/kit): its stages and limits, what it packs, and its one-line errors. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { packImages, unpackImages } from '../../benchmarks/gpu/kit/images.ts'
import { ASSETS, ENTRIES, LIMITS, trackedBytes } from '../../benchmarks/gpu/kit/pack.ts'
import { filesToPack, MOST_BYTES } from '../../benchmarks/gpu/kit/packedRuns.ts'
import { chosenStages, unexpectedError } from '../../benchmarks/gpu/kit/run.ts'
import { planSearches } from '../../benchmarks/gpu/kit/searchPlan.ts'
import { fileOf, limitOf, listText, stages } from '../../benchmarks/gpu/kit/stages.ts'
import { builtins } from '../../src/builtins.ts'
import { random } from '../../src/core/random.ts'
import type { ImageSet } from '../../src/data/dataset.ts'
import { describeGpu } from '../../src/engine/webgpu/device/gpu.ts'
import { registerPlugins } from '../../src/system/plugins.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'gpu-kit-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program of the kit from its source. */
function program(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const jiti = join(ROOT, 'node_modules/jiti/lib/jiti-cli.mjs')
  const file = join(ROOT, 'benchmarks/gpu/kit', name)
  const options = { encoding: 'utf8', cwd: folder, env: { ...process.env, ...env } } as const
  return spawnSync(process.execPath, [jiti, file, ...args], options)
}

describe('the stages of the GPU kit', () => {
  it('begin with the device, then correctness, then the steps, and leave at most eight files', () => {
    expect(stages.map(({ name }) => name)).toEqual([
      ...['device', 'golden', 'search-step', 'evaluation-step', 'darts-step', 'searches', 'kernels'],
    ])
    // The searches leave an archive of their runs besides.
    const files = new Set(stages.map(fileOf)).size + 1
    expect(files).toBeLessThanOrEqual(8)
  })

  it('have time limits of their own, and the list shows them', () => {
    for (const stage of stages) {
      expect(limitOf(stage)).toBeGreaterThan(0)
      expect(limitOf(stage)).toBeLessThanOrEqual(600)
    }
    const lines = listText().split('\n')
    expect(lines).toHaveLength(stages.length)
    stages.forEach(({ name, parts }, i) => {
      expect(lines[i]).toContain(`${i + 1}  ${name}`)
      for (const part of parts) expect(lines[i]).toContain(`${part.name} ${part.limit} s`)
    })
  })

  it('measure PyTorch without WebGPU, so that these parts run where Vulkan is missing', () => {
    const parts = stages.flatMap((stage) => stage.parts)
    const python = parts.filter(({ program: each }) => 'script' in each)
    expect(python.map(({ needsDevice }) => needsDevice)).toEqual(python.map(() => false))
    expect(python).toHaveLength(6)
  })

  it('run programs and scripts that are packed', () => {
    for (const { program: each } of stages.flatMap(({ parts }) => parts)) {
      if ('script' in each) expect(ASSETS).toContain(`benchmarks/executor/${each.script}`)
      else expect(ENTRIES).toContain(`benchmarks/gpu/kit/${each.module}.ts`)
    }
    for (const path of [...ASSETS, ...ENTRIES]) expect(existsSync(join(ROOT, path)), path).toBe(true)
  })

  it('are chosen by number or name, and an unknown one is refused', () => {
    expect(chosenStages('3,device').map(({ name }) => name)).toEqual(['device', 'search-step'])
    expect(() => chosenStages('3,nothing')).toThrow('there is no stage "nothing"')
  })

  it('leave room for the kit beside the tracked files', () => {
    if (!existsSync(join(ROOT, '.git'))) return
    expect(trackedBytes() / 2 ** 20 + LIMITS.kit).toBeLessThanOrEqual(LIMITS.withTracked)
  })
})

describe('the runner of the GPU kit', () => {
  it.each([
    [['--minutes', '0'], '--minutes 0: expected a number above 0'],
    [['--only', '99'], '--only: there is no stage "99"'],
    [['--images', 'nowhere'], '--images: there is no folder nowhere'],
    [['--nothing'], "Unknown option '--nothing'"],
  ])('refuses %j with one line', (args, message) => {
    const { status, stderr } = program('run.ts', args)
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) })
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it('says in one line which driver is missing, and still starts the PyTorch parts', () => {
    const out = join(folder, 'no-driver')
    const driver = join(folder, 'absent.json')
    const args = [
      '--small',
      '--only',
      '1,3',
      '--out',
      out,
      '--work',
      join(folder, 'work'),
      '--python',
      'no-such-python',
    ]
    const { status, stdout } = program('run.ts', args, { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver })
    expect(status, stdout).toBe(0)
    const read = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8'))
    const [device] = read('1-device.json').parts
    expect(device.status).toBe('failed')
    expect(device.message.split('\n')).toHaveLength(1)
    const [ours, eager, compiled] = read('3-search-step.json').parts
    expect(ours).toMatchObject({ status: 'skipped', message: 'no device was found in stage 1' })
    for (const part of [eager, compiled]) {
      expect(part).toMatchObject({ status: 'skipped', message: expect.stringContaining('cannot start no-such-python') })
    }
  }, 60_000)
})

describe('the packed searches', () => {
  it('hold all records, then as many checkpoints as fit, and no locks', () => {
    const files = [
      { path: 'a/checkpoint', bytes: 9 * 2 ** 20 },
      { path: 'a/lock', bytes: 10 },
      { path: 'a/run.json', bytes: 1000 },
      { path: 'b/checkpoint', bytes: 8 * 2 ** 20 },
      { path: 'b/epochs.jsonl', bytes: 5000 },
    ]
    expect(filesToPack(files, MOST_BYTES).map(({ path }) => path)).toEqual([
      ...['a/run.json', 'b/epochs.jsonl', 'b/checkpoint'],
    ])
  })
})

it('an error that nobody expected is reported with its own line and the places that follow', () => {
  const trace = Array.from({ length: 9 }, (_, i) => `    at place${i} (file.js:${i}:1)`)
  const printed = ['a warning of the driver', 'TypeError: x is not a function', ...trace].join('\n')
  expect(unexpectedError(printed)).toMatch(/^TypeError: x is not a function \| at place0 .* \| at place4 \S+$/)
  expect(unexpectedError('one\ntwo')).toBe('one | two')
})

describe('the packed images', () => {
  const count = 60
  const stream = random(0, 'images')
  const colours = Array.from({ length: count }, () => [0, 1, 2].map(() => 40 + stream.integer(170)))
  const set: ImageSet = {
    count,
    pixels: Uint8Array.from({ length: count * 3072 }, (_, i) => colours[Math.floor(i / 3072)][i % 3]),
    labels: Int32Array.from({ length: count }, (_, i) => i % 10),
  }
  const packed = join(folder, 'packed')
  const target = join(folder, 'images')

  it('come back in order, with their labels and nearly their colours', async () => {
    const listing = await packImages(set, set, packed, 2 ** 20)
    expect(listing).toMatchObject({ train: count, test: count })
    await unpackImages(packed, target)
    const records = readFileSync(join(target, 'data_batch_1.bin'))
    expect(records.length).toBe(count * 3073)
    for (let i = 0; i < count; i++) {
      expect(records[i * 3073]).toBe(i % 10)
      // The middle of the image, in each plane.
      colours[i].forEach((colour, c) => {
        expect(Math.abs(records[i * 3073 + 1 + c * 1024 + 16 * 33] - colour)).toBeLessThan(12)
      })
    }
  })

  it('are refused where a file was damaged', async () => {
    const path = join(packed, 'train-00.jpg')
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1] ^= 255
    writeFileSync(path, bytes)
    await expect(unpackImages(packed, join(folder, 'other'))).rejects.toThrow('is damaged')
    await expect(unpackImages(folder, join(folder, 'other'))).rejects.toThrow('has no readable images.json')
  })
})

describe('the searches of the kit', async () => {
  const registered = await registerPlugins(builtins, [])
  const count = 100
  const classByClass: ImageSet = {
    count,
    pixels: new Uint8Array(count * 3072),
    labels: Int32Array.from({ length: count }, (_, i) => Math.floor(i / 10)),
  }

  it('need no lookup table of CIFAR-10, and take images that are stored class by class', async () => {
    const packed = join(folder, 'class-by-class')
    const images = join(folder, 'class-by-class-images')
    await packImages(classByClass, classByClass, packed, 2 ** 20)
    await unpackImages(packed, images)
    // As in the kit, nothing can decode other images than these.
    vi.resetModules()
    vi.doMock('sharp', () => import('../../benchmarks/gpu/kit/noSharp.ts'))
    const { planSearches } = await import('../../benchmarks/gpu/kit/searchPlan.ts')
    const parts = stages.flatMap((stage) => stage.parts.filter(({ needsImages }) => needsImages))
    expect(parts.map(({ name }) => name)).toEqual(['drnas', 'darts-v1'])
    vi.stubEnv('NAS_BENCH_HOME', join(folder, 'home'))
    for (const { args } of parts) {
      for (const [algorithm, protocol, seeds] of [args.full, args.small]) {
        const searches = await planSearches({ algorithm, protocol, seeds: Number(seeds) }, images, registered)
        expect(searches.map(({ job }) => [job.dataset.name, job.seed, job.retraining])).toEqual([
          ...[0, 1].map((seed) => ['cifar10', seed, undefined]),
        ])
      }
    }
  })

  it('take no other images than CIFAR-10 at the papers’ size', async () => {
    const wanted = { algorithm: 'drnas', protocol: 'drnas-paper', seeds: 1 }
    await expect(planSearches(wanted, undefined, registered)).rejects.toThrow('names no folder of CIFAR-10')
    await expect(planSearches({ ...wanted, protocol: 'small' }, undefined, registered)).resolves.toHaveLength(1)
  })
})

const gpu = await describeGpu()
describe.skipIf(gpu === undefined)('with a device', () => {
  it('a network too large for the promised limits is refused with one line that names the buffer', () => {
    const { status, stderr } = program('steps.ts', ['search', '64', '1', '128', '128', '1', 'promised'])
    expect(status).toBe(2)
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /needs a buffer of \d+ MB, but .* allows 128 MB; use a smaller batch/,
    )
  }, 60_000)
})
