import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { searchImagesIdentity } from '../../../src/runner/plan/images.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'
import { writePictures } from '../../retrain/tinyTraining.ts'

vi.mock('../../../src/runner/plan/images.ts', async (original) => {
  const real = await original<typeof import('../../../src/runner/plan/images.ts')>()
  return { ...real, searchImagesIdentity: vi.fn(real.searchImagesIdentity) }
})

const folder = temporaryFolder()

test('a folder of images is listed once for all algorithms of a plan, and again for another image size', async () => {
  const pictures = await writePictures(join(folder.path, 'pictures'), { side: 16 })
  const registered = await registerPlugins(builtins, [])
  const algorithms = ['darts-v1', 'gdas', 'drnas'].map((name) => ({ name, options: {} }))
  const experiment = {
    ...{ ...DEFAULTS, algorithms, space: 'nb201', datasets: ['pictures'], data: { pictures }, seeds: [0, 1] },
    ...{ protocol: 'micro:batchSize=4', retraining: { preset: 'nb201-paper' }, executor: { backend: 'wasm' as const } },
  }
  const { jobs } = await makePlan(experiment, registered)
  expect(searchImagesIdentity).toHaveBeenCalledTimes(1)
  expect(jobs).toHaveLength(6)
  expect(new Set(jobs.map(({ job }) => job.dataset.contentHash)).size).toBe(1)
  expect(jobs[0].job.dataset.contentHash).toMatch(/^[0-9a-f]{64}$/)

  const [first, ...others] = algorithms
  const smaller = { ...first, protocol: 'micro:batchSize=4,data.imageSize=8' }
  await makePlan({ ...experiment, algorithms: [smaller, ...others] }, registered)
  expect(searchImagesIdentity).toHaveBeenCalledTimes(3)
  const sizes = vi.mocked(searchImagesIdentity).mock.calls.map(([{ data }]) => data.imageSize)
  expect(sizes).toEqual([sizes[0], 8, sizes[0]])
  expect(sizes[0]).not.toBe(8)
})
