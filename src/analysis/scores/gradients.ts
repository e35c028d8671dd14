/**
 * Scores from the gradient of the loss on one batch, from the literature on pruning (Abdelfattah et al.: "Zero-Cost
 * Proxies for Lightweight NAS", ICLR 2021), with w the filters and linear weights and g = ∂L/∂w their gradient:
 *
 *     grad-norm Σ_layers ‖g‖     snip Σ|w·g|     plain Σ w·g     grasp −Σ w·(Hg)
 *     fisher  ½ Σ_channels mean_n (Σ_pixels y·∂L/∂y)²,  y the outputs of convolutions and of the linear layer
 *     synflow log Σ|w·∂R/∂w|,  R = Σ logits of a batch of ones in the network with |w| and without batch norms
 *
 * Batch norms use the statistics of the batch. The published tables take the logarithm of synflow, and so do we: R
 * spans forty orders of magnitude.
 */
import { BenchError } from '../../core/errors.ts'
import type { Executable, Feed } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { defineScore, type ScoreInput } from '../../core/score.ts'
import { normOf } from './baselines.ts'
import { liveLayers, parameterRanges, weightRanges, withoutBatchNorms } from './networks.ts'

const source = 'Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021'
const LOSS = { kind: 'cross-entropy' } as const

/** Properties that all scores from the gradient of the loss share. */
const ofLoss = { version: 1, source, better: 'higher', reads: 'labels', layers: 'output' } as const

/** Returns the gradient of the loss on a batch with respect to all parameters, at the initial weights. */
export function lossGradient(input: ScoreInput, batch = 0): Promise<Float32Array> {
  return input.shared(`loss gradient ${batch}`, async () =>
    gradientAt(await input.open(), { batch: input.batch(batch) }),
  )
}

/**
 * Returns the gradient of the loss with respect to all network parameters, at the current weights of the executable.
 */
async function gradientAt(executable: Executable, feed: Feed): Promise<Float32Array> {
  const weights = executable.vector()
  try {
    await executable.gradient(feed, LOSS, { weights }, 'probe')
    return await weights.read()
  } finally {
    weights.dispose()
  }
}

/** Returns Σ f(w, g) over all elements w of the filters and linear weights and their gradients g. */
async function sumOverWeights(input: ScoreInput, f: (weight: number, gradient: number) => number): Promise<number> {
  const gradient = await lossGradient(input)
  let sum = 0
  for (const [from, to] of weightRanges(input.network)) {
    for (let i = from; i < to; i++) sum += f(input.weights[i], gradient[i])
  }
  return sum
}

/** The score `grad-norm`: Σ ‖∂L/∂w‖ over the parameter tensors w that are filters or linear weights. */
export const gradNorm = defineScore({
  ...ofLoss,
  name: 'grad-norm',
  description: 'sum of the norms of the gradients of filters and linear weights',
  async compute(input) {
    const gradient = await lossGradient(input)
    return weightRanges(input.network).reduce((sum, [from, to]) => sum + normOf(gradient, from, to), 0)
  },
})

/** The score `snip`: Σ |w·∂L/∂w|, an estimate of how much the loss changes if single weights are removed. */
export const snip = defineScore({
  ...ofLoss,
  name: 'snip',
  description: 'Σ|w·g|: change of the loss if single weights are removed',
  source: 'Lee et al., "SNIP", ICLR 2019; as in Abdelfattah et al., ICLR 2021',
  compute: (input) => sumOverWeights(input, (w, g) => Math.abs(w * g)),
})

/** The score `plain`: Σ w·∂L/∂w. It is small wherever a batch norm makes the loss independent of a filter's scale. */
export const plain = defineScore({
  ...ofLoss,
  name: 'plain',
  description: 'Σ w·g',
  compute: (input) => sumOverWeights(input, (w, g) => w * g),
})

/** Relative displacement δ of the weights in the central differences of `grasp`. */
const DISPLACEMENT = 0.05

/**
 * The score `grasp`: −Σ w·(Hg), with the gradient g and the Hessian H of the loss with respect to filters and linear
 * weights w. Because H is symmetric, this is −d/dε Σ g·∇L(w + εw) at ε = 0. The derivative is extrapolated from central
 * differences at ε = ±δ and ±δ/2 (error of order δ⁴, δ = 0.05). The ReLU masks are frozen at w, so that no difference
 * crosses a kink.
 */
export const grasp = defineScore({
  ...ofLoss,
  name: 'grasp',
  description: '−Σ w·(Hg): change of the gradient flow if single weights are removed',
  source: 'Wang, Zhang, Grosse, "GraSP", ICLR 2020; as in Abdelfattah et al., ICLR 2021',
  async compute(input) {
    const executable = await input.open()
    const g = await lossGradient(input)
    const batch = input.batch()
    const activationMasks = executable.activationMasks?.({ batch })
    const feed: Feed = { batch, ...(activationMasks && { activationMasks }) }
    const ranges = weightRanges(input.network)
    const flowAt = async (step: number) => {
      const moved = input.weights.slice()
      for (const [from, to] of ranges) for (let i = from; i < to; i++) moved[i] *= 1 + step
      executable.weights.write(moved)
      const gradient = await gradientAt(executable, feed)
      let sum = 0
      for (const [from, to] of ranges) for (let i = from; i < to; i++) sum += g[i] * gradient[i]
      return sum
    }
    try {
      const slope = async (step: number) => ((await flowAt(step)) - (await flowAt(-step))) / (2 * step)
      const [wide, narrow] = [await slope(DISPLACEMENT), await slope(DISPLACEMENT / 2)]
      return -(4 * narrow - wide) / 3
    } finally {
      activationMasks?.dispose()
      executable.weights.write(input.weights)
    }
  },
})

/** The score `fisher`: ½ Σ over channels of the mean over samples of (Σ over pixels y·∂L/∂y)². */
export const fisher = defineScore({
  ...ofLoss,
  name: 'fisher',
  description: 'squared sensitivity of the loss to the channels of all convolutions',
  source: 'Theis et al., 2018, and Turner et al., "BlockSwap", ICLR 2020; as in Abdelfattah et al., ICLR 2021',
  async compute(input) {
    const { network } = input
    const outputs = liveLayers(network).flatMap(({ kind, output }) =>
      kind === 'conv' || kind === 'depthwiseConv' ? [output] : [],
    )
    const executable = await input.open(outputs)
    const batch = input.batch()
    const { observed = [] } = await executable.gradient({ batch }, LOSS, { observed: true }, 'probe')
    const convolved = observed.reduce(
      (sum, { value, gradient }, i) =>
        sum + squaredSensitivity(value, gradient, batch.size, network.values[outputs[i]].channels),
      0,
    )
    const { logits } = await executable.forward({ batch }, 'probe')
    const gradient = lossOfLogits(logits, batch.labels, network)
    return convolved + squaredSensitivity(logits, gradient, batch.size, network.classes)
  },
})

/** Returns ½ Σ over channels of the mean over samples of (Σ over pixels value·gradient)². */
function squaredSensitivity(value: Float32Array, gradient: Float32Array, samples: number, channels: number): number {
  const perSample = value.length / samples
  let total = 0
  const sums = new Float64Array(channels)
  for (let sample = 0; sample < samples; sample++) {
    sums.fill(0)
    const start = sample * perSample
    for (let i = 0; i < perSample; i += channels) {
      for (let c = 0; c < channels; c++) sums[c] += value[start + i + c] * gradient[start + i + c]
    }
    for (let c = 0; c < channels; c++) total += sums[c] * sums[c]
  }
  return total / (2 * samples)
}

/** Returns the gradient of the mean cross-entropy with respect to the logits, [batch, classes]. */
function lossOfLogits(logits: Float32Array, labels: Int32Array, { classes }: Network): Float32Array {
  const gradient = new Float32Array(logits.length)
  for (let n = 0; n < labels.length; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes)
    const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
    const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0)
    row.forEach((value, c) => {
      const probability = Math.exp(value - largest) / total
      gradient[n * classes + c] = (probability - (c === labels[n] ? 1 : 0)) / labels.length
    })
  }
  return gradient
}

/**
 * Exponents k of the values 2^k with which `synflow` fills its input image and its cotangent. The sum R of the logits
 * (see the head of this file) is linear in both, so the scale can be divided out. The first exponent is used with which
 * all numbers stay within single precision.
 */
const SCALE_EXPONENTS = [-48, -100, 0]

/** The score `synflow`: log Σ |w·∂R/∂w| in the network with |w|, without batch norms, on a batch of ones. */
export const synflow = defineScore({
  name: 'synflow',
  version: 1,
  description: 'log of the synaptic flow through the network with |w| and without batch norms',
  source: 'Tanaka et al., "SynFlow", NeurIPS 2020; as in Abdelfattah et al., ICLR 2021',
  better: 'higher',
  reads: 'weights',
  layers: 'output',
  async compute({ network, shape, executor, weights }) {
    const linear = withoutBatchNorms(network)
    const executable = await executor.compile(linear, { batchSize: 1 })
    const gradient = executable.vector()
    const positive = weights.map(Math.abs)
    const pixels = shape.height * shape.width * shape.channels
    const flow = async (scale: number) => {
      const batch = { images: new Float32Array(pixels).fill(scale), labels: new Int32Array(1), size: 1 }
      const cotangent = new Float32Array(network.classes).fill(scale)
      await executable.gradient({ batch }, { kind: 'logits', cotangent }, { weights: gradient }, 'probe')
      const g = await gradient.read()
      let sum = 0
      for (const [from, to] of weightRanges(network))
        for (let i = from; i < to; i++) sum += Math.abs(positive[i] * g[i])
      return sum
    }
    try {
      executable.weights.write(withoutShifts(network, positive))
      for (const exponent of SCALE_EXPONENTS) {
        const sum = await flow(2 ** exponent)
        if (Number.isFinite(sum) && sum > 0) return Math.log(sum) - 2 * exponent * Math.LN2
        if (sum === 0 && exponent === 0) return Number.NEGATIVE_INFINITY
      }
      throw new BenchError(
        'unsupported',
        `${network.name}: the synaptic flow exceeds single precision; use a smaller depth, or leave synflow out`,
      )
    } finally {
      gradient.dispose()
      executable.dispose()
    }
  },
})

/**
 * Returns the weights with all shifts and biases set to 0. The output R of synflow's network is then linear in the
 * input, and its derivatives ∂R/∂w stay the same.
 */
function withoutShifts(network: Network, weights: Float32Array): Float32Array {
  const result = weights.slice()
  parameterRanges(network).forEach(([from, to], id) => {
    if (network.parameters[id].shape.length === 1) result.fill(0, from, to)
  })
  return result
}
