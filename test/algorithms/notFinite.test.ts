/** Numbers that are not finite: every search ends, fails in the epoch in which they appear, and names them. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tinyData, tinyProtocol } from '../../src/algorithms/contract/tinyTask.ts'
import {
  categorical,
  gumbelSoftmax,
  hardGumbel,
  relaxedGumbel,
} from '../../src/algorithms/distributions/categorical.ts'
import { sampleDirichlet } from '../../src/algorithms/distributions/dirichlet.ts'
import { prune } from '../../src/algorithms/drnasProgressive.ts'
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import { type Algorithm, defineAlgorithm } from '../../src/core/algorithm.ts'
import type { BatchSource, SearchData } from '../../src/core/data.ts'
import type { Evaluator } from '../../src/core/evaluation.ts'
import { argmax, map } from '../../src/core/mixing.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import { RandomStream, random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { runJob } from '../../src/runner/run/runJob.ts'
import { RunFolder } from '../../src/runner/store/runFolder.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'
import { someOf } from '../support/full.ts'

const folder = temporaryFolder()
const executor = openExecutor({ backend: 'wasm', deterministic: true })
const spaces = { nb201: nb201 as unknown as SearchSpace, darts: darts as unknown as SearchSpace }

interface Setting {
  readonly algorithm: Algorithm
  readonly options?: Readonly<Record<string, unknown>>
  readonly space?: keyof typeof spaces
  readonly protocol?: (protocol: Protocol) => Protocol
  readonly data?: SearchData
  readonly evaluator?: Evaluator
  readonly budgetSeconds?: number
}

/** Runs a small job in a folder, as a worker does. → what the folder then holds, and the error */
async function running({ algorithm, options = {}, space = 'nb201', protocol = (given) => given, ...more }: Setting) {
  const run = new RunFolder(join(folder.path, `${algorithm.name}-${space}`), 'job')
  const job = {
    algorithm: { name: algorithm.name, version: algorithm.version, options },
    ...{ space, dataset: { name: 'contract' }, probes: [], seed: 0 },
    protocol: protocol(tinyProtocol(spaces[space], 3)),
    ...(more.budgetSeconds !== undefined && { budgetSeconds: more.budgetSeconds }),
  }
  const resources = {
    ...{ algorithm, space: spaces[space], probes: [] },
    ...(more.evaluator && { evaluator: more.evaluator }),
    data: async () => more.data ?? tinyData(0, 2),
    executor: () => executor,
  }
  const error = await runJob(
    job,
    run,
    async () => resources,
    () => {},
  ).then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  return { error, result: run.result(), failure: run.failure(), epochs: run.epochs() }
}

const ofKind = (kind: Algorithm['kind']): Algorithm[] =>
  (Object.values(builtinAlgorithms) as Algorithm[]).filter((algorithm) => algorithm.kind === kind)

/** Fewer candidates than by default. */
const smaller: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  rsps: { candidates: 3, rankingImages: 4 },
  setn: { candidates: 3, rankingImages: 4 },
  enas: { candidates: 3, rankingImages: 4, controllerSteps: 2, samplesPerStep: 2 },
  'darts-pt': { tune: 0 },
  'r-darts': { validationEpochs: 0, order: 'first' },
  'p-darts': { layers: '3,3,4' },
  'score-search': { networks: 3 },
  'zen-nas': { networks: 4, population: 2 },
  'te-nas': { batch: 2, images: 20 },
  knas: { networks: 20, verify: 20 },
}

const trainers: readonly (readonly [string, Setting])[] = [
  ...ofKind('supernet').map((algorithm) => {
    const space = algorithm.spaces?.includes('nb201') === false ? ('darts' as const) : ('nb201' as const)
    return [algorithm.name, { algorithm, space, options: smaller[algorithm.name] }] as const
  }),
  [
    'drnas, progressive',
    { algorithm: builtinAlgorithms.drnas, options: { progressive: true, partialChannels: '2,1' } },
  ],
  ['drnas, kl', { algorithm: builtinAlgorithms.drnas, options: { anchor: 'kl' } }],
  ['darts-v2, exact', { algorithm: builtinAlgorithms['darts-v2'], options: { secondOrder: 'exact' } }],
  ['darts-v1, early stop', { algorithm: builtinAlgorithms['darts-v1'], options: { earlyStop: 'eigenvalue' } }],
  ['zen-darts, m=1', { algorithm: builtinAlgorithms['zen-darts'], options: { m: 1 } }],
] as [string, Setting][]

/** Weights that explode in the first step. */
const exploding = (protocol: Protocol): Protocol => ({
  ...protocol,
  weights: { ...protocol.weights, learningRate: 1e30, learningRateMin: 1e30, clipNorm: 1e30 },
})

const isNaming = /^epoch [123] of \d+: .* is (NaN|-?Infinity), not a finite number; where the training diverged, lower/

/** Some of the trainers, for what all of them leave to the same code; `npm run test:full` takes all. */
const someTrainers = someOf(trainers, 5)

describe.each(someOf(trainers, 3))('%s', { timeout: 60_000 }, (_, setting) => {
  test('fails when its weights explode', () => expectFailure({ ...setting, protocol: exploding }))
})

describe.each(someTrainers)('%s', { timeout: 60_000 }, (_, setting) => {
  test('fails when a pixel is NaN', async () => {
    const { error, result } = await running({ ...setting, data: withNaN(tinyData(0, 2)) })
    expect(error?.message).toMatch(isNaming)
    expect(result).toBeUndefined()
  })

  test('ends when its architecture parameters explode, and answers by finite numbers alone', async () => {
    const protocol = (given: Protocol) => ({
      ...given,
      architecture: { ...given.architecture, learningRate: Number.MAX_VALUE },
    })
    const { error, epochs } = await running({ ...setting, protocol })
    if (error !== undefined) expect(error.message).toMatch(isNaming)
    expect(JSON.stringify(epochs)).not.toContain('null')
  })
})

async function expectFailure(setting: Setting): Promise<void> {
  const { error, result, failure, epochs } = await running(setting)
  expect(error?.message).toMatch(isNaming)
  expect(result).toBeUndefined()
  expect(failure?.message).toBe(error?.message)
  expect(JSON.stringify(epochs)).not.toContain('null')
}

test.each(someOf(['drnas', 'pc-darts', 'enas'] as const, 3))('%s fails on the DARTS space, too', (name) =>
  expectFailure({
    algorithm: builtinAlgorithms[name] as Algorithm,
    options: smaller[name],
    space: 'darts',
    protocol: exploding,
  }),
)

/** One pixel of every batch is NaN. */
function withNaN({ shape, ...halves }: SearchData): SearchData {
  const spoilt = (source: BatchSource): BatchSource => ({
    ...source,
    async batch(index) {
      const batch = await source.batch(index)
      return { ...batch, images: batch.images.map((pixel, i) => (i === 7 ? Number.NaN : pixel)) }
    },
  })
  const { weights, architecture, validation, whole } = halves
  return {
    shape,
    weights: spoilt(weights),
    architecture: spoilt(architecture),
    validation: spoilt(validation),
    whole: () => ({ weights: spoilt(whole().weights), architecture: spoilt(whole().architecture) }),
  }
}

/** Searches that rate untrained networks and never ask for an accuracy. */
const NEVER_ASKING: readonly string[] = ['zen-nas', 'te-nas']

const asking: readonly (readonly [string, Setting])[] = [
  ...ofKind('black-box')
    .filter(({ name }) => !NEVER_ASKING.includes(name) && name !== 'score-search')
    .map((algorithm) => [algorithm.name, { algorithm, options: smaller[algorithm.name] }] as const),
  [
    'score-search, verify',
    {
      algorithm: builtinAlgorithms['score-search'] as Algorithm,
      options: { score: 'params', networks: 20, verify: 20 },
    },
  ],
  [
    'rea, start=score',
    {
      algorithm: builtinAlgorithms.rea as Algorithm,
      options: { start: 'score', startScore: 'params', startNetworks: 20 },
    },
  ],
]

describe.each(asking)('%s', (_, setting) => {
  /** Plausible until the 20th question. */
  function answering(last: { readonly accuracyPct: number; readonly seconds: number }): Evaluator {
    let asked = 0
    const lookup = async () => ({ metrics: [] })
    const stream = random(0, 'answers')
    const validate = async () =>
      ++asked < 20 ? { accuracyPct: 90 * stream.uniform(), seconds: 1 + stream.uniform() } : last
    return { identity: 'spoilt', evaluate: lookup, lookup, validate }
  }

  const answers: [{ accuracyPct: number; seconds: number }, string, string][] = [
    [{ accuracyPct: Number.NaN, seconds: 1 }, 'the validation accuracy of |', 'is NaN, not a finite number'],
    [
      { accuracyPct: Number.POSITIVE_INFINITY, seconds: 1 },
      'the validation accuracy of |',
      'is Infinity, not a finite',
    ],
    [{ accuracyPct: 90, seconds: Number.NaN }, 'the training time of |', 'is NaN, not a finite number'],
    [{ accuracyPct: 90, seconds: 0 }, 'the training time of |', 'is 0 s, by which a budget of 1000 s never ends'],
    [{ accuracyPct: 90, seconds: -1 }, 'the training time of |', 'is -1 s, by which a budget of 1000 s never ends'],
  ]
  test.each(someOf(answers, 3))('fails when the oracle answers %j', async (last, quantity, found) => {
    const { error, result } = await running({ ...setting, evaluator: answering(last), budgetSeconds: 1000 })
    expect(error?.message).toContain(quantity)
    expect(error?.message).toContain(found)
    expect(result).toBeUndefined()
  })
})

test.each([...NEVER_ASKING, 'score-search'])('%s asks for no accuracy, so none misleads it', async (name) => {
  const algorithm = (builtinAlgorithms as unknown as Record<string, Algorithm>)[name]
  const lookup = async () => ({ metrics: [] })
  const validate = async () => expect.fail('it asks for an accuracy')
  const evaluator: Evaluator = { identity: 'silent', evaluate: lookup, lookup, validate }
  const setting = { algorithm, options: smaller[name], evaluator, budgetSeconds: 1000 }
  const { error, result, epochs } = await running(setting)
  expect(error).toBeUndefined()
  expect(result).toBeDefined()
  expect(JSON.stringify(epochs)).not.toContain('null')
})

test('a search of a plugin, which looks at nothing but its own comparisons, fails as well', async () => {
  const algorithm = defineAlgorithm({
    ...(builtinAlgorithms.rsps as Algorithm),
    name: 'careless',
    async search({ data, supernet, space, random: stream }) {
      const network = await supernet()
      const theta = space.edges.map(({ operations }) => operations.map((_, op) => Number(op === 1)))
      const sgd = { learningRate: 1e30, momentum: 0, nesterov: false, weightDecay: 0, clipNorm: null }
      const { weights } = await data()
      return {
        epochs: 3,
        async epoch(index) {
          const batch = await weights.batch(index)
          if (index > 0) await network.step(batch, { theta }, sgd)
          const { correct } = await network.evaluate([batch], { theta })
          return { validAccuracyPct: correct }
        },
        genotype: () => space.encoding.decode(space.encoding.cardinalities.map((n) => stream('x').integer(n))),
        save: async () => ({}),
        restore: () => undefined,
        dispose: () => network.dispose(),
      }
    },
  })
  const { error, epochs } = await running({ algorithm })
  expect(error?.message).toMatch(/^epoch 2 of 3: the loss of an evaluation is NaN, not a finite number/)
  expect(epochs).toHaveLength(1)
})

describe.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('by %d', (bad) => {
  const stream = random(0, 'draws')
  const alpha = [[0.1, bad, 0.3]]
  test.each<[string, () => unknown]>([
    ['a Dirichlet distribution', () => sampleDirichlet([1, bad, 2], stream)],
    ['a categorical distribution', () => categorical([0.1, bad, 0.3], stream)],
    ['a Gumbel-softmax', () => gumbelSoftmax(alpha, 1, stream)],
    ['its relaxed form', () => relaxedGumbel(1).relax(alpha, stream)],
    ['its one-hot form', () => hardGumbel(1).relax(alpha, stream)],
    ['a whole number', () => stream.integer(bad)],
    ['the operations of largest α', () => prune(alpha, [[true, true, true]], 0.5)],
  ])('%s is not drawn', (_, draw) => expect(draw).toThrow(/finite number|nothing can be drawn/))
})

test.each([0, -1, 1.5, 2 ** 32 + 1])('no whole number is drawn from %d values', (n) => {
  expect(() => new RandomStream([0, 0, 0, 0]).integer(n)).toThrow(`nothing can be drawn from ${n} values`)
  expect(() => random(0).choice([])).toThrow('nothing can be drawn from 0 values')
})

test('no architecture is derived from mixing weights that contain NaN', () => {
  expect(() => argmax([1, Number.NaN, 2])).toThrow('is NaN')
  for (const space of [nb201, darts] as const) {
    const zeros = space.edges.map(({ operations }) => operations.map(() => 0.1))
    const spoilt = map(zeros, (value, edge, op) => (edge === 3 && op === 2 ? Number.NaN : value))
    expect(() => space.derive(spoilt)).toThrow('is NaN')
  }
})

test('a draw from a Dirichlet distribution whose concentrations are all 0 is refused; with one above 0 it is not', () => {
  expect(() => sampleDirichlet([0, 0], random(0))).toThrow('not a finite number')
  expect(sampleDirichlet([0, 1], random(0))).toEqual([Number.MIN_VALUE, 1])
})
