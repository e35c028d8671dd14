import { beforeAll, describe, expect, test } from 'vitest'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import { dirichletRelaxation } from '../../src/algorithms/distributions/dirichletRelaxation.ts'
import type { AlphaRecord } from '../../src/analysis/probes/alpha.ts'
import type { HessianRecord } from '../../src/analysis/probes/hessian.ts'
import { parseProbe } from '../../src/analysis/probes/index.ts'
import type { ProxiesRecord } from '../../src/analysis/probes/proxies.ts'
import type { RangeRecord } from '../../src/analysis/probes/range.ts'
import type { Search } from '../../src/core/algorithm.ts'
import type { BatchSource } from '../../src/core/data.ts'
import type { Evaluator } from '../../src/core/evaluation.ts'
import type { Executable, Executor } from '../../src/core/executor.ts'
import { parseQualifier } from '../../src/core/metric.ts'
import type { Matrix, Relaxation } from '../../src/core/mixing.ts'
import type { ProbeContext } from '../../src/core/probe.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import type { Supernet } from '../../src/core/supernet.ts'
import { openExecutor } from '../../src/engine/index.ts'
import type { Nb201Genotype } from '../../src/spaces/nb201/genotype.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { fixtureProtocol } from '../report/fixtureRuns.ts'

const shape = { height: 8, width: 8, channels: 3, classes: 10 }
const space = nb201 as unknown as SearchSpace
const undecided: Matrix = nb201.edges.map(() => [0, 0, 0, 0, 0])
/** Edge i is as good as decided for operation i mod 5. */
const decided: Matrix = nb201.edges.map((_, edge) => [0, 1, 2, 3, 4].map((op) => (op === edge % 5 ? 30 : 0)))

/** Noise in place of images: probes do not care. */
const batches: BatchSource = {
  batchSize: 4,
  batchesPerEpoch: 1,
  async batch() {
    const stream = random(5, 'images')
    const images = Float32Array.from({ length: 4 * 8 * 8 * 3 }, () => stream.normal())
    return { images, labels: Int32Array.from([3, 0, 7, 4]), size: 4 }
  },
}

/** Accuracy by a rule: 10 % for every convolution. */
const evaluator: Evaluator = {
  identity: 'rule',
  async evaluate(genotype) {
    const convolutions = (genotype as Nb201Genotype).operations.filter((operation) => operation.startsWith('nor_conv'))
    const qualifiers = fixtureProtocol.headline.cifar10.map(({ test: text }) => parseQualifier(text))
    return { metrics: qualifiers.map((qualifier) => ({ ...qualifier, accuracyPct: 10 * convolutions.length })) }
  },
  lookup: (genotype) => evaluator.evaluate(genotype),
  validate: async () => ({ accuracyPct: 0, seconds: 0 }),
}

let executor: Executor
let supernet: Supernet

beforeAll(async () => {
  executor = await openExecutor({ backend: 'wasm' })
  const network = nb201.supernet({ shape, channels: 4, depth: 1, batchNorm: { affine: false, track: false } })
  supernet = await createSupernet({ executor, network, edges: nb201.edges, batchSize: 4, stream: random(1) })
})

function search(parameters: Matrix, relaxation: Relaxation = softmaxRelaxation): Search {
  return {
    epochs: 10,
    epoch: async () => ({}),
    genotype: () => nb201.derive(relaxation.relax(parameters).mixing.theta),
    save: async () => ({}),
    restore: () => undefined,
    relaxed: { relaxation, supernet, parameters: () => parameters },
    dispose: () => undefined,
  }
}

const both = { weights: batches, architecture: batches }

const context = (): ProbeContext => ({
  space,
  protocol: fixtureProtocol,
  dataset: 'cifar10',
  executor,
  evaluator,
  data: async () => ({ shape, weights: batches, architecture: batches, validation: batches, whole: () => both }),
  random: (...path) => random(0, 'probe', ...path),
})

describe('the line of a probe', () => {
  test('names its options', () => expect(parseProbe('hessian:every=2,mode=full').name).toBe('hessian'))
  test('with an unknown name suggests the nearest', () =>
    expect(() => parseProbe('hesian')).toThrow('did you mean "hessian"?'))
  test('with an unknown option suggests the nearest', () =>
    expect(() => parseProbe('hessian:evry=2')).toThrow('unknown option of probe hessian "evry"; did you mean "every"?'))
  test('with a wrong value says which', () =>
    expect(() => parseProbe('hessian:mode=half')).toThrow('probe hessian: mode=half'))
  test('measures every so many epochs, the first and the last', async () => {
    const probe = parseProbe('skip:every=4')
    const measured = await Promise.all(
      Array.from({ length: 10 }, (_, epoch) => probe.epoch(epoch, search(undecided), context())),
    )
    expect(measured.flatMap((record, epoch) => (record === undefined ? [] : [epoch]))).toEqual([0, 4, 8, 9])
  })
  test('measures the epoch in which a search ends early, too', async () => {
    const ended = { ...search(undecided), ended: 'it is over' }
    expect(await parseProbe('skip:every=4').epoch(6, ended, context())).toBeDefined()
  })
})

describe('the alpha probe', () => {
  const measure = async (parameters: Matrix) =>
    (await parseProbe('alpha').epoch(0, search(parameters), context())) as AlphaRecord
  test('finds ln 5 where nothing is decided', async () =>
    expect((await measure(undecided)).meanEntropy).toBeCloseTo(Math.log(5), 12))
  test('finds 0 where all is decided', async () => expect((await measure(decided)).meanEntropy).toBeCloseTo(0, 9))
})

describe('the skip probe', () => {
  test('counts the skip connections of the derived cell', async () =>
    // Edges 0 … 5 hold operations 0 1 2 3 4 0: one skip connection, on edge 1.
    expect(await parseProbe('skip').epoch(0, search(decided), context())).toEqual({ skipConnections: 1 }))
})

describe('the range probe', () => {
  const key = 'cifar10/ori-test/200/mean'
  const measure = async (parameters: Matrix, relaxation?: Relaxation) =>
    (await parseProbe('range:samples=40').epoch(0, search(parameters, relaxation), context())) as RangeRecord

  test('has no width where all is decided', async () => {
    const { accuracyPct } = await measure(decided)
    const quantiles = { p10: 20, p25: 20, p75: 20, p90: 20 }
    expect(accuracyPct[key]).toEqual({ min: 20, mean: 20, max: 20, derived: 20, quantiles })
  })
  test('is wide where nothing is decided, and says how it was sampled', async () => {
    const { accuracyPct, sampling } = await measure(undecided)
    expect(accuracyPct[key].max - accuracyPct[key].min).toBeGreaterThanOrEqual(30)
    expect(accuracyPct[key].mean).toBeCloseTo(24, -1)
    expect(sampling).toBe('categorical')
  })
  test("draws from a method's own distribution where it has one", async () =>
    expect((await measure(undecided, dirichletRelaxation)).sampling).toBe('relaxation'))
  test('leaves out numbers that nobody knows', async () =>
    expect(Object.keys((await measure(decided)).accuracyPct)).toEqual([key, 'cifar100/x-test/200/mean']))
})

describe('the hessian probe', () => {
  const measure = async (line: string, relaxation?: Relaxation) =>
    (await parseProbe(line).epoch(0, search(undecided, relaxation), context())) as HessianRecord

  test('takes the whole matrix of 30 parameters, whose rows are shift-invariant: six eigenvalues are 0', async () => {
    const { mode, eigenvalues = [], dominantEigenvalue } = await measure('hessian')
    expect(mode).toBe('full')
    expect(eigenvalues).toHaveLength(30)
    expect(eigenvalues.filter((value) => Math.abs(value) < 1e-4).length).toBeGreaterThanOrEqual(6)
    expect(dominantEigenvalue).toBe(eigenvalues[29])
  })
  test('leaves the network as it was', async () => {
    const before = await supernet.weights.read()
    await measure('hessian:mode=lanczos')
    expect(await supernet.weights.read()).toEqual(before)
  })
  test('takes a stochastic relaxation at its mean, or over common draws, and says so', async () => {
    expect((await measure('hessian:mode=lanczos', dirichletRelaxation)).at).toBe('mean')
    expect((await measure('hessian:mode=lanczos,samples=2', dirichletRelaxation)).at).toBe('2 draws')
  })
})

describe('the proxies probe', () => {
  test('measures the derived network, the same for the same stream', async () => {
    const measure = async () =>
      (await parseProbe('proxies:repeats=2,batch=4').epoch(0, search(decided), context())) as ProxiesRecord
    const first = await measure()
    expect(Number.isFinite(first.zenScore)).toBe(true)
    expect(first.ntkConditionNumber ?? 1).toBeGreaterThanOrEqual(1)
    expect(await measure()).toEqual(first)
  })

  test('frees every network that it compiles', async () => {
    const compiled: Executable[] = []
    const watched: Executor = Object.assign(Object.create(executor), {
      async compile(...given: Parameters<Executor['compile']>) {
        compiled.push(await executor.compile(...given))
        return compiled.at(-1)
      },
    })
    await parseProbe('proxies:repeats=1,batch=2').epoch(0, search(decided), { ...context(), executor: watched })
    expect(compiled.length).toBeGreaterThan(1)
    for (const executable of compiled) expect(() => executable.weights).toThrow('was used after dispose')
  })

  test('builds that network for the images that the protocol has', async () => {
    const families: unknown[] = []
    const watched: SearchSpace = {
      ...space,
      network(genotype, options) {
        families.push(options.family)
        return space.network(genotype, options)
      },
    }
    const { network, ...protocol } = fixtureProtocol
    const photographs = { ...protocol, network: { ...network, family: 'imagenet' } } as const
    const probe = parseProbe('proxies:repeats=1,batch=2')
    await probe.epoch(0, search(decided), { ...context(), space: watched })
    await probe.epoch(0, search(decided), { ...context(), space: watched, protocol: photographs })
    expect(families).toEqual([undefined, 'imagenet'])
  })
})
