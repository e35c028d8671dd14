import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tinyData } from '../../../src/algorithms/contract/tinyTask.ts'
import { defineAlgorithm, type Search } from '../../../src/core/algorithm.ts'
import type { Job } from '../../../src/core/result.ts'
import type { SearchSpace } from '../../../src/core/space.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import type { RunReport } from '../../../src/runner/run/messages.ts'
import { runJob } from '../../../src/runner/run/runJob.ts'
import type { JobResources } from '../../../src/runner/run/searchContext.ts'
import { RunFolder } from '../../../src/runner/store/runFolder.ts'
import { atIndex, nb201 } from '../../../src/spaces/nb201/index.ts'
import { fixtureProtocol } from '../../report/fixtureRuns.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A search that ends after three of ten epochs. */
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

const metric = (accuracyPct: number) => ({ dataset: 'cifar10', split: 'x-test', epochs: 12, seed: 777, accuracyPct })

const job: Job = {
  algorithm: { name: 'brief', version: 1, options: {} },
  space: 'nb201',
  dataset: { name: 'cifar10' },
  protocol: fixtureProtocol,
  probes: [],
  seed: 0,
}

/** Runs the search with some methods replaced. */
async function running(
  name: string,
  change: (search: Search) => Partial<Search> = () => ({}),
  other: Partial<JobResources> = {},
  onReport: (report: RunReport) => void = () => {},
) {
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
  const resources = {
    algorithm,
    space: nb201 as unknown as SearchSpace,
    probes: [],
    data: unused,
    executor: unused,
    ...other,
  }
  const result = await runJob(
    job,
    run,
    async () => resources,
    (report) => {
      if (report.kind === 'notice') notices.push(report.message)
      onReport(report)
    },
  )
  return { run, notices, result }
}

describe('a search that ends before its last epoch', () => {
  test('stops with a notice, and its result counts the epochs that ran', async () => {
    const { run, notices, result } = await running('ended')
    expect(notices).toEqual(['ended after 3 of 10 epochs: it knows'])
    expect(result.epochs).toBe(3)
    expect(run.epochs()).toHaveLength(3)
    expect(result.genotype).toBe(nb201.format(atIndex(3)))
  })
})

describe('the processor time of a run', () => {
  /** Leaves the checkpoint of an attempt that ended after one epoch. */
  function interrupted(name: string, measured: { readonly processorSeconds?: number }) {
    const run = new RunFolder(join(folder, name), 'brief-1')
    const environment = { version: '0', node: process.version, platform: 'fixture', cpu: 'fixture' }
    run.begin({ schema: 1, id: 'brief-1', job, environment })
    run.appendEpochs([{ epoch: 0, genotype: nb201.format(atIndex(1)), metrics: [], seconds: 1 }])
    const time = { startedAt: '2000-01-01T00:00:00.000Z', wallSeconds: 100, ...measured }
    run.saveCheckpoint({ epochs: 1, search: {}, queries: [], ...time })
  }

  test('is recorded', async () => {
    const { result } = await running('processor')
    expect(result.timing.processorSeconds).toBeGreaterThan(0)
    expect(result.timing.processorSeconds).toBeLessThan(10)
  })
  test('is summed over the attempts', async () => {
    interrupted('resumed', { processorSeconds: 50 })
    const { timing } = (await running('resumed')).result
    expect(timing.wallSeconds).toBeGreaterThan(100)
    expect(timing.processorSeconds).toBeGreaterThan(50)
    expect(timing.processorSeconds).toBeLessThan(60)
  })
  test('is unknown where an attempt of an earlier version did not measure it', async () => {
    interrupted('unmeasured', {})
    expect((await running('unmeasured')).result.timing).not.toHaveProperty('processorSeconds')
  })
})

test('a search that cannot be saved records its epochs as they end, and begins again after an interruption', async () => {
  const run = new RunFolder(join(folder, 'unsaved'), 'brief-1')
  const reported: { readonly kind: string; readonly from?: number }[] = []
  /** Numbers of records in the folder after each epoch, and whether the epoch was saved. */
  const recorded: [number, boolean][] = []
  const search = (killedAfter: number) =>
    running(
      'unsaved',
      () => ({
        saves: false,
        save: () => Promise.reject(new Error('it cannot be saved')),
        epochs: 3,
        ended: undefined,
        // So long that it is written at its end.
        epoch: async () => {
          await new Promise((resolve) => setTimeout(resolve, 1050))
          return {}
        },
      }),
      {},
      (report) => {
        reported.push(report)
        if (report.kind !== 'epoch') return
        recorded.push([run.epochs().length, report.isSaved])
        if (report.epoch === killedAfter) throw new Error('killed')
      },
    )
  await expect(search(1)).rejects.toThrow('killed')
  expect(recorded.splice(0)).toEqual([
    [1, false],
    [2, false],
  ])
  await search(3)
  expect(reported.filter(({ kind }) => kind === 'begun').map(({ from }) => from)).toEqual([0, 0])
  expect(recorded.map(([records]) => records)).toEqual([1, 2, 3])
  expect(run.epochs().map(({ epoch }) => epoch)).toEqual([0, 1, 2])
})

describe('a search whose last records cannot be written', () => {
  test.each<[string, Partial<Search>, string]>([
    [
      'that fails in its second epoch',
      { ended: undefined, epoch: async (index) => (index === 1 ? Promise.reject(new Error('it fell down')) : {}) },
      'it fell down',
    ],
    ['that is otherwise finished', {}, 'cannot write'],
  ])('%s is disposed of, its program is ended, and the first error is told', async (what, change, message) => {
    const run = new RunFolder(join(folder, what), 'brief-1')
    let isDisposed = false
    const algorithm = defineAlgorithm({
      ...brief,
      program: {} as never,
      async search(context) {
        context.program?.onStart?.({})
        // Neither a record of an epoch nor the last ones can be written.
        mkdirSync(join(run.path, 'epochs.jsonl'))
        const search = await brief.search(context, {})
        const dispose = () => {
          isDisposed = true
        }
        return Object.defineProperties(search, Object.getOwnPropertyDescriptors({ ...change, dispose }))
      },
    })
    let isClosed = false
    const close = async () => {
      isClosed = true
      throw new Error('closed too late')
    }
    await expect(running(what, () => ({}), { algorithm, close } as Partial<JobResources>)).rejects.toThrow(message)
    expect({ isDisposed, isClosed }).toEqual({ isDisposed: true, isClosed: true })
    expect(existsSync(join(run.path, 'program.json'))).toBe(false)
    expect(existsSync(join(run.path, 'program'))).toBe(false)
  })
})

test('each epoch records the seconds that it took', async () => {
  const started = performance.now()
  const { run } = await running('timed', () => ({
    epoch: async () => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      return {}
    },
    ended: undefined,
    epochs: 3,
  }))
  const whole = (performance.now() - started) / 1000
  const seconds = run.epochs().map((epoch) => epoch.seconds ?? 0)
  expect(seconds).toHaveLength(3)
  for (const each of seconds) expect(each).toBeGreaterThan(0.025)
  expect(seconds.reduce((sum, each) => sum + each, 0)).toBeLessThan(whole)
})

test.each([0, 1, 3])('a black-box search that asked %i times records its queries', async (times) => {
  const algorithm = defineAlgorithm({
    ...brief,
    kind: 'black-box',
    async search(context) {
      const epoch = async () => {
        for (let n = 0; n < times; n++) await context.oracle.query(atIndex(n))
        return {}
      }
      return { ...(await brief.search(context, {})), epochs: 1, epoch, ended: undefined, genotype: () => atIndex(7) }
    },
  })
  const known = async () => ({ metrics: [metric(50)] })
  const evaluator = {
    identity: '',
    evaluate: known,
    lookup: known,
    validate: async () => ({ accuracyPct: 40, seconds: 5 }),
  }
  const { result } = await running(`asks ${times}`, () => ({}), { algorithm, evaluator })
  const queries = Array.from({ length: times }, (_, n) => ({
    ...{ genotype: nb201.format(atIndex(n)), accuracyPct: 40, usedSeconds: 5 * (n + 1) },
  }))
  expect(result.oracle).toEqual(times === 0 ? undefined : { budgetSeconds: null, usedSeconds: 5 * times, queries })
})

describe('an object that is not a search', () => {
  test.each<[string, Partial<Search>, string]>([
    ['a number of epochs', { epochs: undefined }, 'brief: epochs is undefined, not a positive integer'],
    ['an answer', { genotype: () => 'resnet' as never }, "genotype() gives 'resnet', not an architecture of nb201, as"],
    ['a report', { epoch: async () => undefined as never }, 'epoch() returned undefined; expected an object'],
    ['a way to be saved', { save: undefined }, 'search() of brief returned an object without save()'],
  ])('for want of %s has no result', async (what, change, message) => {
    await expect(running(what, () => change)).rejects.toThrow(message)
    expect(existsSync(join(folder, what, 'result.json'))).toBe(false)
  })
})

describe('a number that is not finite', () => {
  const second = (report: object) => async (index: number) => (index === 1 ? report : {})
  test.each<[string, Partial<Search>, string]>([
    ['a loss', { epoch: second({ trainLoss: Number.NaN }) }, 'trainLoss is NaN'],
    ['an accuracy', { epoch: second({ validAccuracyPct: Number.POSITIVE_INFINITY }) }, 'validAccuracyPct is Infinity'],
    ['an extra number', { epoch: second({ extra: { tau: Number.NaN } }) }, 'tau is NaN'],
    ['a parameter', { epoch: second({ parameters: [[0], [1, -Infinity]] }) }, 'parameters[1][1] is -Infinity'],
  ])('fails the search in the epoch of the report: %s', async (what, change, message) => {
    const failure = `epoch 2 of 10: ${message}, not a finite number`
    await expect(running(what, () => change)).rejects.toThrow(failure)
    const run = new RunFolder(join(folder, what), 'brief-1')
    expect(run.result()).toBeUndefined()
    expect(run.epochs()).toHaveLength(1)
    expect(run.failure()).toMatchObject({ epoch: 1, message: expect.stringContaining(failure) })
  })

  test.each<[string, object, string]>([
    [
      'looked up after an epoch',
      { lookup: async () => ({ metrics: [metric(Number.NaN)] }) },
      'epoch 1 of 10: metrics[0]',
    ],
    ['of the evaluation', { evaluate: async () => ({ metrics: [metric(Number.NaN)] }) }, 'evaluation.metrics[0]'],
    [
      'of the cost',
      { evaluate: async () => ({ metrics: [], parameters: Number.POSITIVE_INFINITY }) },
      'evaluation.para',
    ],
  ])('fails the search: %s', async (what, change, message) => {
    const known = async () => ({ metrics: [metric(50)] })
    const validate = async () => ({ accuracyPct: 50, seconds: 1 })
    const evaluator = { identity: '', evaluate: known, lookup: known, validate, ...change }
    await expect(running(what, () => ({}), { evaluator })).rejects.toThrow(message)
    expect(existsSync(join(folder, what, 'result.json'))).toBe(false)
  })

  test('of a probe fails the search, with its place in the message', async () => {
    const probe = { name: 'mine', epoch: async () => ({ layers: [{ norm: 1 }, { norm: Number.NaN }] }) }
    const data = async () => tinyData(0, 1)
    const executor = () => openExecutor({ backend: 'wasm' })
    const failing = running('probe', () => ({}), { probes: [probe], data, executor })
    await expect(failing).rejects.toThrow('epoch 1 of 10: probe mine.layers[1].norm is NaN')
  })
})
