/** Draws the initial weights of a network from its initialisers. */
import { type Network, type Parameter, sizeOf } from '../core/network.ts'
import type { RandomStream } from '../core/random.ts'

/**
 * Source of the random numbers that initial weights are made from: a stream, or a stream that is replayed for several
 * networks.
 */
export type NumberSource = Pick<RandomStream, 'uniform' | 'normal'>

/**
 * How filters and linear weights are drawn; batch norms start at scale 1 and shift 0 in each. `uniform`: PyTorch's
 * default, U(−1/√fanIn, 1/√fanIn), for biases too. The others start biases at 0: `kaiming`: N(0, 2/fanIn); `xavier`:
 * N(0, 2/(fanIn + fanOut)) with fanOut = taps of the filter × output channels; `gaussian`: N(0, 1), as in Zen-NAS.
 */
export const initialisations = ['uniform', 'kaiming', 'xavier', 'gaussian'] as const
export type Initialisation = (typeof initialisations)[number]

/**
 * Draws the initial weights of all parameters of a network, in the order that `WeightVector.write` expects: parameter
 * by parameter, each row-major.
 */
export function initialWeights(
  network: Network,
  stream: NumberSource,
  initialisation: Initialisation = 'uniform',
): Float32Array {
  const parts = network.parameters.map((parameter) => drawn(parameter, stream, initialisation))
  const weights = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let start = 0
  for (const part of parts) {
    weights.set(part, start)
    start += part.length
  }
  return weights
}

function drawn({ shape, initialiser }: Parameter, stream: NumberSource, initialisation: Initialisation): Float32Array {
  const values = new Float32Array(sizeOf(shape))
  if (initialiser.kind === 'constant') return values.fill(initialiser.value)
  const { fanIn } = initialiser
  if (initialisation === 'uniform') {
    const bound = 1 / Math.sqrt(fanIn)
    for (let i = 0; i < values.length; i++) values[i] = bound * (2 * stream.uniform() - 1)
  } else if (shape.length > 1) {
    const deviation = deviationOf(initialisation, fanIn, shape)
    for (let i = 0; i < values.length; i++) values[i] = deviation * stream.normal()
  }
  return values
}

/** Returns the standard deviation of the normal distribution that filters and linear weights are drawn from. */
function deviationOf(initialisation: Exclude<Initialisation, 'uniform'>, fanIn: number, shape: readonly number[]) {
  if (initialisation === 'gaussian') return 1
  if (initialisation === 'kaiming') return Math.sqrt(2 / fanIn)
  const isDepthwise = shape.length === 3
  const taps = shape.length > 2 ? shape[0] * shape[1] : 1
  const fanOut = isDepthwise ? taps : taps * shape[shape.length - 1]
  return Math.sqrt(2 / (fanIn + fanOut))
}
