/** An epoch of ascent on Zen(F), by weights and architecture, without labels: as many steps as an epoch with labels. */
import { gaussianBatch } from '../analysis/zenScore.ts'
import type { SearchContext } from '../core/algorithm.ts'
import type { ImageShape } from '../core/data.ts'
import type { SgdStep, WeightVector } from '../core/executor.ts'
import { map } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import type { Supernet } from '../core/supernet.ts'
import { adam } from './adam.ts'
import { type BilevelMethod, type BilevelState, type EpochRunner, sgdOf } from './bilevel.ts'
import { costModel, watch } from './costModel.ts'
import { type Zen, type ZenInputs, type ZenWeights, zen } from './zenGradient.ts'

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
  const inputs = (...path: readonly (string | number)[]) =>
    gaussianInputs(shape, protocol.batchSize, context.random('zen', ...path))
  const [weightStep, architectureStep] = [watch(), watch()]
  const gradient = supernet.vector()
  const seen: Zen[] = []
  let { parameters, adam: moments } = start
  try {
    for (let step = epoch * source.batchesPerEpoch; step < (epoch + 1) * source.batchesPerEpoch; step++) {
      const { mixing, pullback } = relaxation.relax(parameters)
      for (let i = 0; i < n; i++) {
        await weightStep.time(async () => {
          await zen(supernet, mixing, inputs('weights', step, i), weights, gradient)
          await ascend(supernet, gradient, sgd)
        })
      }
      const found = await architectureStep.time(() =>
        zen(supernet, mixing, inputs('architecture', step), weights, gradient),
      )
      seen.push(found)
      const downhill = map(pullback(found.mixing), (g) => -g)
      ;({ parameters, state: moments } = adam(parameters, downhill, moments, protocol.architecture))
    }
  } finally {
    gradient.dispose()
  }
  const extra = { ...meanOf(seen), ...costModel(n, source.batchesPerEpoch, weightStep, architectureStep) }
  return { state: { parameters, adam: moments }, report: { parameters, extra } }
}

/** x and x′, and a random sign for each sample. */
function gaussianInputs(shape: ImageShape, size: number, stream: RandomStream): ZenInputs {
  const x = gaussianBatch(shape, size, stream)
  const direction = gaussianBatch(shape, size, stream)
  return { x, direction, signs: Array.from({ length: size }, () => (stream.integer(2) === 0 ? -1 : 1)) }
}

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

function meanOf(seen: readonly Zen[]) {
  const mean = (of: (zen: Zen) => number) => seen.reduce((sum, each) => sum + of(each), 0) / seen.length
  return { zen: mean(({ value }) => value), logNtk: mean(({ logNtk }) => logNtk), bn: mean(({ bn }) => bn) }
}
