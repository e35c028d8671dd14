/** Gradient methods as programs, and the contract suite on programs. */
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { checkAlgorithm } from '../../../src/algorithms/contract/index.ts'
import { builtins } from '../../../src/builtins.ts'
import { BenchError } from '../../../src/core/errors.ts'
import { openDataset } from '../../../src/data/openDataset.ts'
import { alphaFigure } from '../../../src/report/figures/alpha.ts'
import { hessianFigure } from '../../../src/report/figures/hessian.ts'
import { readRun } from '../../../src/report/runRecord.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'
import { hasPython, runningPrograms, runProgram, written } from './runProgram.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
const PROTOCOL = 'micro:epochs=3,data.limit=40,data.imageSize=8'

/** A method that reads its images with the standard library, and drifts to skip connections. */
const GRADIENT = `import array, json, struct
import nas_bench_client as bench

def load(path):
    data = path.read_bytes()
    size = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10 : 10 + size])
    body = data[10 + size :]
    return header["shape"], body if header["descr"] == "|u1" else array.array("i", body)

def search(task):
    images = task.images()
    shape, pixels = load(images.weights.images)
    _, indices = load(images.architecture.indices)
    alpha = [[0.0] * len(edge.operations) for edge in task.space.edges]
    if task.restored:
        alpha = json.loads((task.restored / "alpha.json").read_text())
    for epoch in range(task.first_epoch, task.epochs):
        for row in alpha:
            row[1] += 1.0 + task.seed
        task.report(
            epoch, {"theta": alpha}, train_loss=2.0 - epoch / 10, valid_accuracy=50.0, alpha=alpha,
            hessian_eigenvalue=0.5 * epoch, last="it has decided" if epoch == task.options.stop else None,
            extra={"images": shape[0], "side": shape[1], "first": pixels[0], "architecture": indices[0]},
            save=lambda folder: (folder / "alpha.json").write_text(json.dumps(alpha)),
        )
        if epoch == task.options.stop:
            break

bench.run(search, name="drift", version=1, kind="gradient", saves=True, options={"stop": 99}, files=[])
`

describe.skipIf(!hasPython)('a gradient method in Python (needs Python 3.9 as python3)', () => {
  const source = () => written(folder.path, 'drift.py', GRADIENT)
  const run = (name: string, options = {}) =>
    runProgram(source(), join(folder.path, name), { protocol: PROTOCOL, algorithms: [{ name: 'drift', options }] })

  test('gets the images of both halves, and its epochs are recorded with their lookups, α, skips and eigenvalues', async () => {
    const { runs, failures, plan } = await run('whole')
    expect(failures).toEqual([])
    const epochs = runs[0].epochs()
    const { train } = await openDataset('shapes', { imageSize: 8 })
    expect(epochs).toHaveLength(3)
    expect(epochs[1]).toMatchObject({ epoch: 1, trainLoss: 1.9, validAccuracyPct: 50, extra: { images: 20, side: 8 } })
    expect(epochs[1].extra?.architecture).toBeLessThan(train.count)
    expect(epochs[1].metrics.length).toBeGreaterThan(0)
    expect(epochs[1].parameters?.[0]).toEqual([0, 2, 0, 0, 0])
    expect(epochs[1].probes).toMatchObject({ skip: { skipConnections: 6 }, hessian: { dominantEigenvalue: 0.5 } })
    const record1 = epochs[1].probes?.alpha as { theta: number[][] } | undefined
    expect(record1?.theta[0][1]).toBeCloseTo(Math.exp(2) / (Math.exp(2) + 4), 12)
    expect(plan.jobs[0].job).not.toHaveProperty('executor')
    const record = readRun(runs[0])
    expect(alphaFigure([record], nb201.edges).panels).toHaveLength(6)
    expect(hessianFigure([record]).panels).toHaveLength(1)
    expect(() => hessianFigure([record], { quantity: 'trace' })).not.toThrow()
  })

  test('may end early with a reason, and the user is told', async () => {
    const { runs, events } = await run('early', { stop: '1' })
    expect(runs[0].result()).toMatchObject({ epochs: 2 })
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'notice', message: 'ended after 2 of 3 epochs: it has decided' }),
    )
  })

  test.each([
    [
      'asks for accuracies',
      'task.ask(task.space.sample(task.random))',
      /cannot ask for accuracies; declare kind "black/,
    ],
    ['answers before its last epoch', 'return task.space.sample(task.random)', /answered after 0 of 3 epochs; report/],
    ['reports α of another shape', 'task.report(0, (0,) * 6, alpha=[[1.0]])', /alpha has 1 number in row 0; .* has 5$/],
    ['reports a loss that is not finite', 'task.report(0, (0,) * 6, train_loss=float("inf"))', /Out of range float/],
  ])('that %s fails with one line', async (what, line, message) => {
    const text = `import nas_bench_client as bench\ndef search(task):\n    ${line}\n\nbench.run(search, name="wrong", version=1, kind="gradient")\n`
    const path = written(folder.path, `${what.replace(/\W+/g, '-')}/wrong.py`, text)
    const { failures } = await runProgram(path, join(folder.path, `store-${what}`), { protocol: PROTOCOL })
    expect(failures).toEqual([expect.stringMatching(message)])
  })
})

const check = async (source: string) => {
  const { plugins } = await registerPlugins(builtins, [source])
  const [algorithm] = plugins.get(source)?.algorithms ?? []
  const executor = () => Promise.reject(new BenchError('failed', 'a program needs no executor'))
  const results = await checkAlgorithm(algorithm, { executor, spaces: [nb201] })
  return {
    results,
    broken: results.filter(({ seen }) => seen !== undefined).map(({ rule, seen }) => `${rule}: ${seen}`),
  }
}

describe.skipIf(!hasPython || process.platform !== 'linux')('the contract suite', () => {
  test.each([
    ['black-box', join(import.meta.dirname, '../../../examples/external/evolution.py')],
    ['gradient', undefined],
  ])('is passed by a well-behaved %s method', async (_, example) => {
    const { results, broken } = await check(example ?? written(folder.path, 'drift.py', GRADIENT))
    expect(broken).toEqual([])
    expect(results.map(({ rule }) => rule)).toContain(
      'it ends, with all processes that it started, when its input closes',
    )
    expect(results.map(({ rule }) => rule)).not.toContain('it awaits each call of the search network before the next')
    expect(runningPrograms()).toEqual([])
  })

  test('tells what a method does against it', async () => {
    const text = `import os, random
import nas_bench_client as bench
nas = random.Random(os.urandom(8))
def search(task):
    while True:
        task.ask(task.space.sample(nas))
bench.run(search, name="careless", version=1, files=[])
`
    const { broken } = await check(written(folder.path, 'careless.py', text))
    expect(broken[0]).toMatch(/^the same seed gives the same result: query 1 was /)
  })

  test('notices processes that go on when the input closes', async () => {
    const script = '#!/bin/sh\ntrap "" PIPE\nread -r s; echo \'{"type":"ready","protocol":1}\'; read -r b\n'
    const told = `echo '{"type":"ask","architecture":['"$d"',1,1,1,1,1]}'; read -r told`
    const body = `case "$s" in *'"seed":0,'*) d=1;; *) d=2;; esac\n${told} || sleep 30 </dev/null\n`
    written(folder.path, 'deaf/deaf.sh', `${script}${body}echo '{"type":"answer"}'; read -r e\n`)
    const yaml = 'name: deaf\nversion: 1\noptions: {}\nfiles: []\nprogram: deaf.sh\n'
    const { broken } = await check(written(folder.path, 'deaf/deaf.yaml', yaml))
    expect(broken).toEqual([expect.stringMatching(/: 2 of its processes still ran 5 s after its input closed$/)])
    expect(runningPrograms()).toEqual([])
  })
})
