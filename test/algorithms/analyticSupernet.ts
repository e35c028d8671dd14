/**
 * A search network with a loss in closed form, in double precision: for truths about the loop and the gradient rules
 * that a real network can only approximate. Weights are a plain vector, a batch is one number and the half it is of.
 */
import type { SearchContext } from '../../src/core/algorithm.ts'
import type { Batch, BatchSource, SearchData } from '../../src/core/data.ts'
import type { Executable, SgdStep, Tally, WeightVector } from '../../src/core/executor.ts'
import type { Matrix, Mixing } from '../../src/core/mixing.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import type { Supernet } from '../../src/core/supernet.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'

export type Half = 'weights' | 'architecture'

/** Loss at one batch, with its gradients. */
export type Loss = (
  theta: Matrix,
  w: readonly number[],
  half: Half,
  x: number,
) => { readonly loss: number; readonly theta: Matrix; readonly w: readonly number[] }

class PlainVector implements WeightVector {
  values: number[]
  onDispose: () => void
  constructor(values: number[], onDispose: () => void = () => {}) {
    this.values = values
    this.onDispose = onDispose
  }
  get length() {
    return this.values.length
  }
  assign(x: WeightVector) {
    this.values = [...(x as PlainVector).values]
  }
  axpy(a: number, x: WeightVector) {
    this.values = this.values.map((value, i) => value + a * (x as PlainVector).values[i])
  }
  scale(a: number) {
    this.values = this.values.map((value) => a * value)
  }
  async dot(x: WeightVector) {
    return this.values.reduce((sum, value, i) => sum + value * (x as PlainVector).values[i], 0)
  }
  async norm() {
    return Math.sqrt(await this.dot(this))
  }
  async read() {
    return Float32Array.from(this.values)
  }
  write(values: Float32Array) {
    this.values = Array.from(values)
  }
  dispose() {
    this.onDispose()
  }
}

export interface AnalyticSupernet extends Supernet {
  readonly w: () => readonly number[]
  setW(values: readonly number[]): void
  /** Vectors that were made and not disposed of. */
  readonly vectorsHeld: () => number
  /** What was asked, in order: `step` or `gradient`, and of which half. */
  readonly calls: string[]
  readonly mixings: Mixing[]
}

const halfOf = (batch: Batch): Half => (batch.labels[0] === 0 ? 'weights' : 'architecture')

export function analyticSupernet(start: readonly number[], loss: Loss): AnalyticSupernet {
  const weights = new PlainVector([...start])
  const momentum = new PlainVector(start.map(() => 0))
  const calls: string[] = []
  const mixings: Mixing[] = []
  let held = 0
  let tally: Tally = { loss: 0, correct: 0, correct5: 0, samples: 0 }
  const at = (batch: Batch, mixing: Mixing) => loss(mixing.theta, weights.values, halfOf(batch), batch.images[0])
  const supernet = {
    weights,
    momentum,
    calls,
    mixings,
    w: () => weights.values,
    setW: (values: readonly number[]) => {
      weights.values = [...values]
    },
    vectorsHeld: () => held,
    vector() {
      held++
      return new PlainVector(
        start.map(() => 0),
        () => held--,
      )
    },
    async step(batch: Batch, mixing: Mixing, sgd: SgdStep) {
      calls.push(`step ${halfOf(batch)}`)
      mixings.push(mixing)
      const found = at(batch, mixing)
      momentum.values = momentum.values.map(
        (value, i) => sgd.momentum * value + found.w[i] + sgd.weightDecay * weights.values[i],
      )
      weights.axpy(-sgd.learningRate, momentum)
      tally = { ...tally, loss: tally.loss + found.loss, samples: tally.samples + 1 }
    },
    async takeTally() {
      const taken = { ...tally, loss: tally.loss / tally.samples }
      tally = { loss: 0, correct: 0, correct5: 0, samples: 0 }
      return taken
    },
    async gradient(batch: Batch, mixing: Mixing, options: { readonly weights?: WeightVector } = {}) {
      calls.push(`gradient ${halfOf(batch)}`)
      mixings.push(mixing)
      const found = at(batch, mixing)
      if (options.weights !== undefined) (options.weights as PlainVector).values = [...found.w]
      const edgeWeights = mixing.theta.map(() => 0)
      return { loss: found.loss, correct: 0, correct5: 0, samples: 1, mixing: { theta: found.theta, edgeWeights } }
    },
    async evaluate(batches: Iterable<Batch> | AsyncIterable<Batch>, mixing: Mixing) {
      let total = 0
      let samples = 0
      for await (const batch of batches) {
        total += at(batch, mixing).loss
        samples++
      }
      // The better the loss, the more are counted as right: enough for rankings.
      return { loss: total / samples, correct: samples / (1 + total / samples), correct5: samples, samples }
    },
    executable: {
      save: async () => ({ weights: [...weights.values], momentum: [...momentum.values] }),
      restore(state: { weights: number[]; momentum: number[] }) {
        weights.values = [...state.weights]
        momentum.values = [...state.momentum]
      },
    } as unknown as Executable,
    dispose() {},
  }
  return supernet
}

const source = (half: 0 | 1, batchesPerEpoch: number, seed: number): BatchSource => ({
  batchSize: 1,
  batchesPerEpoch,
  batch: async (index) => ({
    images: Float32Array.of(random(seed, 'batch', half, index).normal()),
    labels: Int32Array.of(half),
    size: 1,
  }),
})

export const analyticData = (seed: number, batchesPerEpoch = 5): SearchData => ({
  shape: { height: 1, width: 1, channels: 1, classes: 2 },
  weights: source(0, batchesPerEpoch, seed),
  architecture: source(1, batchesPerEpoch, seed),
  validation: source(1, batchesPerEpoch, seed),
  whole: () => ({
    weights: source(0, 2 * batchesPerEpoch, seed + 1000),
    architecture: source(0, 2 * batchesPerEpoch, seed + 2000),
  }),
})

export const analyticProtocol: Protocol = {
  name: 'analytic',
  epochs: 4,
  batchSize: 1,
  weights: {
    learningRate: 0.1,
    learningRateMin: 0.01,
    momentum: 0.9,
    nesterov: false,
    weightDecay: 3e-4,
    clipNorm: null,
  },
  architecture: { learningRate: 0.05, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 1e-3 },
  network: { channels: 4, depth: 1, affine: false, track: false },
  stepOrder: 'architecture-first',
  data: {
    trainPortion: 0.5,
    cropPadding: 0,
    flip: false,
    cutout: 0,
    imageSize: null,
    limit: null,
  },
  headline: {},
} as unknown as Protocol

/** ½ Σ (θ − c)² + ½ Σ_k (w_k − a_k·θ)² + x·w₀/10, with another c for each half: smooth, coupled, and noisy. */
export const quadratic: Loss = (theta, w, half, x) => {
  const shift = half === 'weights' ? 0 : 0.1
  const c = theta.map((row, e) => row.map((_, o) => ((3 * e + 2 * o) % 5) / 5 + shift))
  const a = w.map((_, k) => theta.map((row, e) => row.map((_, o) => ((e + 2 * o + k) % 3) - 1)))
  const residual = w.map((value, k) => value - dot(a[k], theta))
  const pull = theta.map((row, e) =>
    row.map((value, o) => value - c[e][o] - residual.reduce((sum, r, k) => sum + r * a[k][e][o], 0)),
  )
  const squares = theta.flat().reduce((sum, value, i) => sum + (value - c.flat()[i]) ** 2, 0)
  return {
    loss: 0.5 * squares + 0.5 * residual.reduce((sum, r) => sum + r * r, 0) + (x * w[0]) / 10,
    theta: pull,
    w: residual.map((r, k) => r + (k === 0 ? x / 10 : 0)),
  }
}

const dot = (a: Matrix, b: Matrix) => a.flat().reduce((sum, value, i) => sum + value * b.flat()[i], 0)

/**
 * A context whose search network is `quadratic`, and whose oracle prefers what comes late in each list of operations.
 */
export function analyticContext(
  options: {
    readonly seed?: number
    readonly space?: SearchSpace
    readonly protocol?: Partial<Protocol>
    readonly budgetSeconds?: number
  } = {},
): SearchContext & { readonly networks: AnalyticSupernet[] } {
  const { seed = 0, space = nb201 as unknown as SearchSpace, budgetSeconds = Number.POSITIVE_INFINITY } = options
  const networks: AnalyticSupernet[] = []
  let usedSeconds = 0
  return {
    space,
    protocol: { ...analyticProtocol, ...options.protocol },
    seed,
    random: (...path) => random(seed, ...path),
    data: async () => analyticData(seed),
    async supernet() {
      const stream = random(seed, 'w')
      const network = analyticSupernet([stream.normal(), stream.normal(), stream.normal()], quadratic)
      networks.push(network)
      return network
    },
    oracle: {
      budgetSeconds,
      get usedSeconds() {
        return usedSeconds
      },
      charge(seconds) {
        if (usedSeconds + seconds > budgetSeconds) return false
        usedSeconds += seconds
        return true
      },
      async query(genotype) {
        if (usedSeconds + 100 > budgetSeconds) return undefined
        usedSeconds += 100
        const decisions = space.encoding.encode(genotype as never)
        return { accuracyPct: decisions.reduce((sum, value) => sum + value, 0), seconds: 100 }
      },
    },
    networks,
  }
}
