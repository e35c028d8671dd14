import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAlgorithm } from '../../../src/core/algorithm.ts'
import type { Job } from '../../../src/core/result.ts'
import type { SearchSpace } from '../../../src/core/space.ts'
import { runJob } from '../../../src/runner/job/runJob.ts'
import { RunFolder } from '../../../src/runner/store/runFolder.ts'
import { atIndex, nb201 } from '../../../src/spaces/nb201/index.ts'
import { fixtureProtocol } from '../../report/fixtureRuns.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Of ten epochs it needs three. */
const brief = defineAlgorithm({
  name: 'brief',
  version: 1,
  description: '',
  source: '',
  kind: 'supernet',
  options: z.strictObject({}),
  async search() {
    let done = 0
    return {
      epochs: 10,
      async epoch() {
        done++
        return {}
      },
      get ended() {
        return done === 3 ? 'it knows' : undefined
      },
      genotype: () => atIndex(done),
      save: async () => ({}),
      restore: () => undefined,
      dispose: () => undefined,
    }
  },
})

const job: Job = {
  algorithm: { name: 'brief', version: 1, options: {} },
  space: 'nb201',
  dataset: { name: 'cifar10' },
  protocol: fixtureProtocol,
  probes: [],
  seed: 0,
}

describe('a search that ends before its epochs are over', () => {
  test('is run no further, says so, and its result counts the epochs that were run', async () => {
    const run = new RunFolder(join(folder, 'run'), 'brief-1')
    const notices: string[] = []
    const unused = () => Promise.reject(new Error('nothing is trained here'))
    const result = await runJob(
      job,
      run,
      {
        algorithm: brief,
        space: nb201 as unknown as SearchSpace,
        probes: [],
        data: unused,
        executor: unused,
      },
      (report) => {
        if (report.kind === 'notice') notices.push(report.message)
      },
    )
    expect(notices).toEqual(['ended after 3 of 10 epochs: it knows'])
    expect(result.epochs).toBe(3)
    expect(run.epochs()).toHaveLength(3)
    expect(result.genotype).toBe(nb201.format(atIndex(3)))
  })
})
