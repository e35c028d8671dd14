/** How often `bench report --watch` plans an experiment and reads its runs. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { selectRuns } from '../../src/cli/runSelection.ts'
import { watchReport } from '../../src/cli/watchReport.ts'
import { jobsToRead } from '../../src/runner/plan/plan.ts'
import { RunFolder } from '../../src/runner/store/runFolder.ts'
import { Store } from '../../src/runner/store/store.ts'
import { Workplace } from '../support/command.ts'

vi.mock('../../src/runner/plan/plan.ts', async (original) => {
  const real = await original<typeof import('../../src/runner/plan/plan.ts')>()
  return { ...real, jobsToRead: vi.fn(real.jobsToRead) }
})

const place = new Workplace()
afterAll(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  place.remove()
})

test('the experiment is planned once, and the records of finished runs are not read at every look', async () => {
  vi.stubEnv('NAS_BENCH_HOME', place.home)
  const file = join(place.folder, 'experiment.yaml')
  const folder = join(place.folder, 'runs')
  writeFileSync(file, 'algorithms: rea\ndatasets: cifar10\nbudget: 2000\nseeds: 2\n')
  expect(await place.bench('run', file, '--store', folder, '--quiet')).toMatchObject({ code: 0 })
  const [finished, running] = place.runs('runs').map((path) => basename(path))
  const store = new Store(folder)
  const lock = await store.run(running).lock(() => {})
  const result = join(folder, running, 'result.json')
  const text = readFileSync(result, 'utf8')
  rmSync(result)

  const read: string[] = []
  const { epochCount } = RunFolder.prototype
  vi.spyOn(RunFolder.prototype, 'epochCount').mockImplementation(function (this: RunFolder) {
    read.push(this.id)
    if (read.filter((id) => id === running).length === 5) {
      writeFileSync(result, text)
      lock.release()
    }
    return epochCount.call(this)
  })
  const flags = { store: folder, interval: 0.01, quiet: true }
  const told: number[] = []
  await watchReport([file], flags, {
    write: () => selectRuns([file], flags),
    tell: (_, count) => told.push(count),
  })
  expect(told).toEqual([1, 0])
  expect(read.filter((id) => id === running).length).toBeGreaterThanOrEqual(5)
  expect(read.filter((id) => id === finished)).toEqual([])
  expect(jobsToRead).toHaveBeenCalledTimes(1)
})
