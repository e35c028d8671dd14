import { appendFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { thisProcess } from '../../../src/core/processes.ts'
import type { EpochRecord, ResultRecord, RunManifest } from '../../../src/core/result.ts'
import type { Checkpoint } from '../../../src/runner/store/checkpoint.ts'
import type { RunFolder } from '../../../src/runner/store/runFolder.ts'
import { Store } from '../../../src/runner/store/store.ts'

const manifest = { schema: 1, id: 'run', job: { seed: 0 } } as unknown as RunManifest
const result = { schema: 1, id: 'run', seed: 0, metrics: [] } as unknown as ResultRecord
const epoch = (index: number): EpochRecord => ({ epoch: index, genotype: '|x|', metrics: [], seconds: 0.1 })
const checkpoint = (epochs: number): Checkpoint => ({
  epochs,
  search: {},
  queries: [],
  startedAt: '',
  wallSeconds: 0,
})

let store: Store
let run: RunFolder
beforeEach(() => {
  store = new Store(mkdtempSync(join(tmpdir(), 'store-')))
  run = store.run('run')
})

describe('the folder of a run', () => {
  test('goes from interrupted over failed to finished', () => {
    expect(run.exists()).toBe(false)
    run.begin(manifest)
    expect(run.state()).toBe('interrupted')
    run.fail({ schema: 1, id: 'run', epoch: 2, message: 'out of luck' })
    expect([run.state(), run.failure()?.message]).toEqual(['failed', 'out of luck'])
    run.begin(manifest)
    expect([run.state(), run.failure()]).toEqual(['interrupted', undefined])
    run.saveCheckpoint(checkpoint(0))
    run.finish(result)
    expect([run.state(), run.result()]).toEqual(['finished', result])
    expect(readdirSync(run.path).sort()).toEqual(['result.json', 'run.json'])
  })

  test('is running while a process holds its lock', async () => {
    run.begin(manifest)
    const lock = await run.lock(() => {})
    expect(run.state()).toBe('running')
    lock.release()
    expect(run.state()).toBe('interrupted')
  })

  test('goes on from its checkpoint: later epochs are forgotten, half a line too', () => {
    run.begin(manifest)
    run.appendEpochs([epoch(0), epoch(1)])
    run.saveCheckpoint(checkpoint(2))
    run.appendEpochs([epoch(2)])
    appendFileSync(join(run.path, 'epochs.jsonl'), '{"epoch":3,"trai')
    expect(run.epochs().map((record) => record.epoch)).toEqual([0, 1, 2])
    expect(run.resume()).toEqual(checkpoint(2))
    expect(run.epochs().map((record) => record.epoch)).toEqual([0, 1])
    run.appendEpochs([epoch(2)])
    expect(run.epochs().map((record) => record.epoch)).toEqual([0, 1, 2])
  })

  test('names every environment that took part, once', () => {
    const on = (node: string): RunManifest => ({
      ...manifest,
      environment: { version: '1', node, platform: 'linux', cpu: '2' },
    })
    const versions = ['v20.1.0', 'v20.1.0', 'v24.0.0', 'v22.3.0', 'v24.0.0', 'v20.1.0']
    for (const version of versions) run.begin(on(version))
    const { environment, resumedIn = [], job } = run.manifest()
    expect([environment, ...resumedIn].map(({ node }) => node)).toEqual(['v20.1.0', 'v24.0.0', 'v22.3.0'])
    expect(job).toEqual(manifest.job)
  })

  test('is rid of what earlier processes were killed in the middle of writing', () => {
    run.begin(manifest)
    writeFileSync(join(run.path, 'checkpoint.4711.tmp'), 'half a checkp')
    run.begin(manifest)
    expect(readdirSync(run.path)).toEqual(['run.json'])
  })

  test('that is finished is rid of what its process had no time to remove, unless another process has its lock', async () => {
    run.begin(manifest)
    run.finish(result)
    const leave = () => {
      for (const name of ['checkpoint', 'checkpoint.4711.tmp']) writeFileSync(join(run.path, name), '')
    }
    leave()
    writeFileSync(join(run.path, 'lock'), JSON.stringify({ ...thisProcess(), startedTicks: '1' }))
    run.tidy()
    expect(readdirSync(run.path).sort()).toEqual(['result.json', 'run.json'])
    leave()
    const held = await store.run('run').lock(() => {})
    run.tidy()
    expect(readdirSync(run.path)).toContain('checkpoint')
    held.release()
  })

  test('says which line of its epochs is none', () => {
    run.begin(manifest)
    run.appendEpochs([epoch(0), epoch(1)])
    const path = join(run.path, 'epochs.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"epoch":1', '"epoch":'))
    expect(() => run.epochs()).toThrow(/epochs.jsonl: line 2 is no record of an epoch$/)
    expect(run.epochCount()).toBe(2)
  })

  test('begins at epoch 0 where there is no checkpoint', () => {
    run.begin(manifest)
    run.appendEpochs([epoch(0)])
    expect(run.resume()).toBeUndefined()
    expect(run.epochs()).toEqual([])
  })

  test('refuses a checkpoint whose epochs are not on record', () => {
    run.begin(manifest)
    run.appendEpochs([epoch(0)])
    run.saveCheckpoint(checkpoint(2))
    expect(() => run.resume()).toThrow('epochs.jsonl has fewer than the 2 epochs of its checkpoint')
  })

  test("refuses another job's folder", () => {
    run.begin(manifest)
    expect(() => run.begin({ ...manifest, job: { seed: 1 } } as unknown as RunManifest)).toThrow(
      'holds another job than its name says; move it away',
    )
  })

  test.each(['', '{"schema": 2}', '{"schema": 1', '[]'])('refuses a result that reads %j', (text) => {
    run.begin(manifest)
    writeFileSync(join(run.path, 'result.json'), text)
    expect(() => run.result()).toThrow(`${run.path}/result.json is not a schema-1 record of this program; move it away`)
  })

  test('writes one query or metric a line', () => {
    const metrics = [
      { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 'mean', accuracyPct: 94.37 },
      { dataset: 'cifar100', split: 'x-test', epochs: 200, seed: 777, accuracyPct: 73.51 },
    ]
    run.begin(manifest)
    run.finish({ ...result, metrics } as unknown as ResultRecord)
    expect(readFileSync(join(run.path, 'result.json'), 'utf8')).toMatchInlineSnapshot(`
      "{
        "schema": 1,
        "id": "run",
        "seed": 0,
        "metrics": [
          {"dataset":"cifar10","split":"ori-test","epochs":200,"seed":"mean","accuracyPct":94.37},
          {"dataset":"cifar100","split":"x-test","epochs":200,"seed":777,"accuracyPct":73.51}
        ]
      }
      "
    `)
  })
})

describe('a store', () => {
  test('lists its runs, and nothing else that lies there', () => {
    run.begin(manifest)
    writeFileSync(join(store.folder, 'notes.txt'), '')
    expect(store.runs().map(({ id }) => id)).toEqual(['run'])
  })

  test('says where it is missing', () => {
    expect(() => new Store('/nowhere/runs').runs()).toThrow(
      'there is no store at /nowhere/runs; `bench run --algo drnas` makes one, --store names another',
    )
  })

  test('that cannot be written says so before anything is run', () => {
    writeFileSync(join(store.folder, 'file'), '')
    expect(() => new Store(join(store.folder, 'file', 'runs')).prepare()).toThrow(/cannot write to the store .*ENOTDIR/)
  })
})
