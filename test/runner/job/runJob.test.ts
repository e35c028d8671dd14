import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAlgorithm, type Search } from '../../../src/core/algorithm.ts'
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

/** Runs the search, changed in one way. */
async function running(name: string, change: (search: Search) => Partial<Search> = () => ({})) {
  const run = new RunFolder(join(folder, name), 'brief-1')
  const notices: string[] = []
  const unused = () => Promise.reject(new Error('nothing is trained here'))
  const algorithm = defineAlgorithm({
    ...brief,
    async search(context) {
      const search = await brief.search(context, {})
      return Object.defineProperties(search, Object.getOwnPropertyDescriptors(change({ ...search })))
    },
  })
  const resources = { algorithm, space: nb201 as unknown as SearchSpace, probes: [], data: unused, executor: unused }
  const result = await runJob(job, run, resources, (report) => {
    if (report.kind === 'notice') notices.push(report.message)
  })
  return { run, notices, result }
}

describe('a search that ends before its epochs are over', () => {
  test('is run no further, says so, and its result counts the epochs that were run', async () => {
    const { run, notices, result } = await running('ended')
    expect(notices).toEqual(['ended after 3 of 10 epochs: it knows'])
    expect(result.epochs).toBe(3)
    expect(run.epochs()).toHaveLength(3)
    expect(result.genotype).toBe(nb201.format(atIndex(3)))
  })
})

describe('a search that is none', () => {
  test.each<[string, Partial<Search>, string]>([
    ['a number of epochs', { epochs: undefined }, 'brief: epochs is undefined, not a positive integer'],
    ['an answer', { genotype: () => 'resnet' as never }, "genotype() gives 'resnet', not an architecture of nb201, as"],
    ['a report', { epoch: async () => undefined as never }, 'epoch() gives undefined; it reports an object'],
    ['a way to be saved', { save: undefined }, 'what search() of brief gives has no save()'],
  ])('for want of %s has no result', async (what, change, message) => {
    await expect(running(what, () => change)).rejects.toThrow(message)
    expect(existsSync(join(folder, what, 'result.json'))).toBe(false)
  })
})

test('a search that reports what is no number says so, once', async () => {
  const epoch = async () => ({ trainLoss: Number.NaN })
  const { notices } = await running('diverged', () => ({ epoch, epochs: 3 }))
  expect(notices).toEqual(['trainLoss of epoch 0 is NaN; what it answers may mean nothing'])
})
