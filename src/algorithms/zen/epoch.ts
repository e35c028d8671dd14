/** An epoch of ascent on Zen(F), by weights and architecture, without labels: as many steps as an epoch with labels. */
import { gaussianBatch } from '../../analysis/zenScore.ts'
import type { SearchContext } from '../../core/algorithm.ts'
import type { Batch } from '../../core/data.ts'
import type { SgdStep, WeightVector } from '../../core/executor.ts'
import { type Matrix, type Relaxation, zip } from '../../core/mixing.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Supernet } from '../../core/supernet.ts'
import { adam } from '../adam.ts'
import { type BilevelMethod, type BilevelState, type EpochRunner, sgdOf } from '../supernet/bilevel.ts'
import { costModel, watch } from './costModel.ts'
import { bnTerm, logNtk } from './gradient.ts'

/** Pairs of passes that an architecture step spends on the BN term. */
const DIRECTIONS = 4

export interface ZenWeights {
  readonly beta1: number
  readonly beta2: number
}

/** Zen and its terms, at the inputs of one architecture step. */
interface Zen {
  readonly zen: number
  readonly logNtk: number
  readonly bn: number
}

export async function zenEpoch(
  context: SearchContext,
  method: BilevelMethod,
  supernet: Supernet,
  start: BilevelState,
  epoch: number,
  weights: ZenWeights,
): ReturnType<EpochRunner> {
  const { protocol } = context
  const { weights: source, shape } = await context.data()
  const n = method.weightSteps ?? 1
  const sgd = sgdOf(protocol, epoch)
  const relaxation = method.relaxation(epoch)
  const inputs = (...path: readonly (string | number)[]) => {
    const stream = context.random('zen', ...path)
    return { x: gaussianBatch(shape, protocol.batchSize, stream), stream }
  }
  const [weightStep, architectureStep] = [watch(), watch()]
  const gradient = supernet.vector()
  const seen: Zen[] = []
  let { parameters, adam: moments } = start
  try {
    for (let step = epoch * source.batchesPerEpoch; step < (epoch + 1) * source.batchesPerEpoch; step++) {
      for (let i = 0; i < n; i++) {
        const { x, stream } = inputs('weights', step, i)
        const { mixing } = relaxation.relax(parameters)
        await weightStep.time(async () => {
          await logNtk(supernet, mixing, x, signs(x.size, stream), gradient)
          gradient.scale(weights.beta1)
          await ascend(supernet, gradient, sgd)
        })
      }
      const { x, stream } = inputs('architecture', step)
      const found = await architectureStep.time(() =>
        architectureGradient(supernet, relaxation, parameters, x, stream, weights, gradient),
      )
      seen.push(found)
      ;({ parameters, state: moments } = adam(parameters, found.downhill, moments, protocol.architecture))
    }
  } finally {
    gradient.dispose()
  }
  const extra = { ...meanOf(seen), ...costModel(n, source.batchesPerEpoch, weightStep, architectureStep) }
  return { state: { parameters, adam: moments }, report: { parameters, extra } }
}

/** −∂Zen/∂parameters, and Zen. @param scratch overwritten */
async function architectureGradient(
  supernet: Supernet,
  relaxation: Relaxation,
  parameters: Matrix,
  x: Batch,
  stream: RandomStream,
  { beta1, beta2 }: ZenWeights,
  scratch: WeightVector,
): Promise<Zen & { readonly downhill: Matrix }> {
  const { mixing, pullback } = relaxation.relax(parameters)
  const ntk = await logNtk(supernet, mixing, x, signs(x.size, stream), scratch)
  const bn = await bnTerm(supernet.executable, relaxation, parameters, x, stream, DIRECTIONS)
  return {
    zen: beta1 * ntk.value + beta2 * bn.value,
    logNtk: ntk.value,
    bn: bn.value,
    downhill: zip(pullback(ntk.mixing), bn.gradient, (g, h) => -(beta1 * g + beta2 * h)),
  }
}

const signs = (size: number, stream: RandomStream) => Array.from({ length: size }, () => stream.sign())

/** The protocol's SGD step on w, uphill: on −∇Zen, clipped, with weight decay and momentum. */
export async function ascend(
  { weights: w, momentum: buffer }: Supernet,
  gradient: WeightVector,
  { learningRate, momentum, nesterov, weightDecay, clipNorm }: SgdStep,
): Promise<void> {
  const norm = await gradient.norm()
  gradient.scale(clipNorm === null ? -1 : -Math.min(1, clipNorm / (norm + 1e-6)))
  gradient.axpy(weightDecay, w)
  buffer.scale(momentum)
  buffer.axpy(1, gradient)
  w.axpy(-learningRate * (nesterov ? momentum : 1), buffer)
  if (nesterov) w.axpy(-learningRate, gradient)
}

function meanOf(seen: readonly Zen[]): Zen {
  const mean = (of: (zen: Zen) => number) => seen.reduce((sum, each) => sum + of(each), 0) / seen.length
  return { zen: mean(({ zen }) => zen), logNtk: mean(({ logNtk }) => logNtk), bn: mean(({ bn }) => bn) }
}
