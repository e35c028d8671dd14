import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { EpochRecord, ResultRecord, RunManifest } from '../../../src/core/result.ts'
import { storeStatus } from '../../../src/runner/status.ts'
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type RunFolder,
} from '../../../src/runner/store/runFolder.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { thisProcess } from '../../../src/system/processes.ts'
import { fixtureRun } from '../../report/fixtureRuns.ts'

const fixture = fixtureRun()
const manifest: RunManifest = { ...fixture.manifest, id: 'run' }
const result = { ...fixture.result, id: 'run' } as ResultRecord
const epoch = (index: number): EpochRecord => ({ epoch: index, genotype: '|x|', metrics: [], seconds: 0.1 })
const checkpoint = (epochs: number): Checkpoint => ({
  epochs,
  search: {},
  queries: [],
  startedAt: '',
  wallSeconds: 0,
})

const failure = { schema: 1, id: 'run', epoch: 0, message: '' }

/** Things other than a file that may have the name `run.json`. */
function inFolder(path: string, place: (file: string) => void): void {
  mkdirSync(path)
  place(join(path, 'run.json'))
}

let store: Store
let run: RunFolder
beforeEach(() => {
  store = new Store(mkdtempSync(join(tmpdir(), 'store-')))
  run = store.run('run')
})

describe('the folder of a run', () => {
  test('changes its state from interrupted to failed to finished', () => {
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

  test('resumes from its checkpoint: later epochs and a partial line are dropped', () => {
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

  test('records each environment once', () => {
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

  test('loses the temporary files of killed processes', () => {
    run.begin(manifest)
    writeFileSync(join(run.path, 'checkpoint.4711.tmp'), 'half a checkp')
    run.begin(manifest)
    expect(readdirSync(run.path)).toEqual(['run.json'])
  })

  test('that is finished loses the leftovers of its process, unless another process holds its lock', async () => {
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

  test.each(['lock', 'checkpoint', 'checkpoint.4711.tmp'])('of a finished run is rid of %s alone', (leftover) => {
    run.begin(manifest)
    writeFileSync(
      join(run.path, leftover),
      leftover === 'lock' ? JSON.stringify({ ...thisProcess(), startedTicks: '1' }) : '',
    )
    expect(() => run.tidy()).not.toThrow()
    expect(readdirSync(run.path)).toEqual(['run.json'])
  })

  test('reports the line of its epochs that is not a record, or of another epoch', () => {
    run.begin(manifest)
    run.appendEpochs([epoch(0), epoch(1)])
    const path = join(run.path, 'epochs.jsonl')
    const lines = readFileSync(path, 'utf8')
    for (const [text, problem] of [
      ['"epoch":', /epochs.jsonl, line 2, is not the record of an epoch: it is no JSON; restore it/],
      ['"epoch":"1"', /epochs.jsonl, line 2, is not the record of an epoch: epoch: expected a number, found a text; /],
      ['"epoch":0', /epochs.jsonl, line 2, is of epoch 0, expected 1; restore it/],
    ] as const) {
      writeFileSync(path, lines.replace('"epoch":1', text))
      expect(() => run.epochs()).toThrow(problem)
      expect(run.epochCount()).toBe(2)
    }
  })

  test('begins at epoch 0 without a checkpoint', () => {
    run.begin(manifest)
    run.appendEpochs([epoch(0)])
    expect(run.resume()).toBeUndefined()
    expect(run.epochs()).toEqual([])
  })

  test('refuses a checkpoint whose epochs are not recorded', () => {
    run.begin(manifest)
    run.appendEpochs([epoch(0)])
    run.saveCheckpoint(checkpoint(2))
    expect(() => run.resume()).toThrow('epochs.jsonl has fewer than the 2 epochs of its checkpoint')
  })

  test("refuses another job's folder", () => {
    run.begin(manifest)
    expect(() => run.begin({ ...manifest, job: { ...manifest.job, seed: 1 } })).toThrow(
      'holds a job other than the one that its name stands for; move it away',
    )
  })

  test.each([
    ['', 'it is empty'],
    ['{"schema": 2}', 'schema: expected 1'],
    ['{"schema": 1', 'it is no JSON'],
    ['[]', 'expected an object, found a list'],
    ['null', 'expected an object, found nothing'],
  ])('refuses a result that reads %j', (text, problem) => {
    run.begin(manifest)
    writeFileSync(join(run.path, 'result.json'), text)
    const remedy = 'restore it from a copy, or move its folder away'
    expect(() => run.result()).toThrow(`${run.path}/result.json is not the result of a run: ${problem}`)
    expect(() => run.result()).toThrow(remedy)
  })

  test.each(['run.json', 'result.json', 'failure.json'] as const)("refuses another run's %s", (name) => {
    const records = { 'run.json': manifest, 'result.json': result, 'failure.json': failure }
    mkdirSync(run.path)
    for (const id of ['other', '../run', '', 'run/../run']) {
      writeFileSync(join(run.path, name), JSON.stringify({ ...records[name], id }))
      const read = () => [run.result(), run.failure(), run.manifest()]
      const problem = id === 'other' ? 'is of run other, not of the run that its folder names' : 'id: expected a name'
      expect(read).toThrow(problem)
      expect(read).toThrow(join(run.path, name))
    }
  })

  test('writes one query or metric per line', () => {
    const metrics = [
      { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 'mean', accuracyPct: 94.37 },
      { dataset: 'cifar100', split: 'x-test', epochs: 200, seed: 777, accuracyPct: 73.51 },
    ]
    run.begin(manifest)
    run.finish({ schema: 1, id: 'run', seed: 0, metrics } as unknown as ResultRecord)
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
  test.skipIf(process.getuid?.() === 0).each(['run', 'run/run.json', '.'])('says that %s cannot be read', (name) => {
    run.begin(manifest)
    const path = join(store.folder, name)
    chmodSync(path, 0)
    expect(() => store.runs().map((found) => found.manifest())).toThrow(/cannot read .* \(EACCES: permission denied\)/)
    chmodSync(path, 0o700)
  })

  test.each([
    ['a folder that links to itself', (path: string) => symlinkSync(path, path)],
    ['a link to a disk that is not there', (path: string) => symlinkSync('/not/mounted', path)],
    ['a run.json that links to itself', (path: string) => inFolder(path, (file) => symlinkSync(file, file))],
    ['a run.json that links to nothing', (path: string) => inFolder(path, (file) => symlinkSync('gone', file))],
    ['a run.json that is a folder', (path: string) => inFolder(path, (file) => mkdirSync(file))],
  ])('leaves out no run because it cannot be read: %s', (_, place) => {
    run.begin(manifest)
    place(join(store.folder, 'unreadable'))
    const read = () => storeStatus(store)
    expect(read).toThrow(/cannot read .*unreadable.* \(.+\); make it readable, or move it away/)
    expect(read).toThrow(expect.objectContaining({ code: 'bad-input' }))
  })

  test.each(['../run', '/run', 'a/b', 'a\\b', '..', '.', '', 'a\0b'])('refuses the run id %j', (id) => {
    expect(() => store.run(id)).toThrow('is not a run id; it would lead out of the store')
  })

  test('lists runs that are links to folders elsewhere', () => {
    run.begin(manifest)
    const elsewhere = mkdtempSync(join(tmpdir(), 'store-'))
    symlinkSync(run.path, join(elsewhere, 'run'))
    expect(storeStatus(new Store(elsewhere))).toMatchObject([{ id: 'run', state: 'interrupted' }])
  })

  test('lists its runs and no other folders', () => {
    run.begin(manifest)
    writeFileSync(join(store.folder, 'notes.txt'), '')
    expect(store.runs().map(({ id }) => id)).toEqual(['run'])
  })

  test('that does not exist is reported with its path', () => {
    expect(() => new Store('/nowhere/runs').runs()).toThrow(
      'there is no store at /nowhere/runs; `bench run --algo drnas` makes one, --store names another',
    )
  })

  test('that cannot be written to is reported before anything runs', () => {
    writeFileSync(join(store.folder, 'file'), '')
    expect(() => new Store(join(store.folder, 'file', 'runs')).prepare()).toThrow(/cannot write to the store .*ENOTDIR/)
  })
})

const saved: Checkpoint = {
  epochs: 3,
  search: {
    weights: Float32Array.from([0.1, Number.NaN, -0, 1e-45]),
    moments: { m: [[0.1, 1 / 3]], step: 12n },
    counts: Uint8Array.from([1, 2, 3]).subarray(1),
  },
  queries: [{ genotype: '|x|', accuracyPct: 91.2, usedSeconds: 100 }],
  startedAt: '2026-01-01T00:00:00.000Z',
  wallSeconds: 1.5,
}

describe('a checkpoint', () => {
  test('is read back with every bit', () => {
    const back = decodeCheckpoint(encodeCheckpoint(saved), 'x')
    expect(back).toEqual(saved)
    expect(Buffer.from((back.search.weights as Float32Array).buffer, 0)).toBeDefined()
    expect(Object.is((back.search.weights as Float32Array)[2], -0)).toBe(true)
  })

  test.each([
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
    ['with one bit turned', (bytes: Uint8Array) => bytes.with(bytes.length - 9, bytes[bytes.length - 9] ^ 1)],
    ['without a payload', (bytes: Uint8Array) => bytes.subarray(0, 30)],
  ])('%s is refused', (_, damage) => {
    expect(() => decodeCheckpoint(damage(encodeCheckpoint(saved)), 'runs/x/checkpoint')).toThrow(
      'runs/x/checkpoint does not match its own hash; delete it to begin this run again',
    )
  })

  test('with other first bytes is refused', () => {
    expect(() => decodeCheckpoint(Buffer.from('PK\u0003\u0004 something else'), 'c')).toThrow(
      'c is not a checkpoint of this version; delete it to begin this run again',
    )
  })
})
