/** An epoch of ascent on Zen(F), by weights and architecture, without labels: as many steps as an epoch with labels. */
import { batchVariances, gaussianBatch } from '../analysis/zenScore.ts'
import type { SearchContext } from '../core/algorithm.ts'
import type { Batch } from '../core/data.ts'
import type { Executable, SgdStep, WeightVector } from '../core/executor.ts'
import { type Matrix, type Mixing, type MixingGradient, map, type Relaxation, zip } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import type { Supernet } from '../core/supernet.ts'
import { feedOf, mixingGradient } from '../training/supernet.ts'
import { adam } from './shared/adam.ts'
import { type BilevelMethod, type BilevelState, type EpochRunner, sgdOf } from './shared/bilevel.ts'

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

const DISTANCE = 1e-2

export interface LogNtk {
  readonly value: number
  /** ∂/∂mixing. */
  readonly mixing: MixingGradient
}

/**
 * log ‖∇_w Σ_i s_i f(x_i)‖² and its gradients. w moves and comes back.
 * @param signs ±1 for each sample; @param gradient overwritten with the gradient wrt w
 */
export async function logNtk(
  supernet: Supernet,
  mixing: Mixing,
  x: Batch,
  signs: readonly number[],
  gradient: WeightVector,
): Promise<LogNtk> {
  const { weights: w, executable } = supernet
  const { classes } = executable.network
  const cotangent = Float32Array.from({ length: x.size * classes }, (_, i) => signs[Math.floor(i / classes)])
  const objective = { kind: 'logits', cotangent } as const
  const feed = feedOf(x, mixing)
  const gradientAt = (into: WeightVector) => mixingGradient(executable, feed, mixing, objective, into)
  const start = supernet.vector()
  const u = supernet.vector()
  const behind = supernet.vector()
  try {
    start.assign(w)
    await gradientAt(u)
    const norm = await u.norm()
    u.scale(1 / norm)
    w.axpy(DISTANCE, u)
    const ahead = await gradientAt(gradient)
    w.assign(start)
    w.axpy(-DISTANCE, u)
    const back = await gradientAt(behind)
    gradient.axpy(-1, behind)
    const scale = 1 / (DISTANCE * norm)
    gradient.scale(scale)
    return { value: 2 * Math.log(norm), mixing: scaledDifference(scale, ahead, back) }
  } finally {
    w.assign(start)
    for (const vector of [start, u, behind]) vector.dispose()
  }
}

const scaledDifference = (scale: number, a: MixingGradient, b: MixingGradient): MixingGradient => ({
  theta: zip(a.theta, b.theta, (p, q) => scale * (p - q)),
  edgeWeights: a.edgeWeights.map((p, edge) => scale * (p - b.edgeWeights[edge])),
})

/** c: how far the parameters are moved, against a softmax's natural scale of 1. */
const DISPLACEMENT = 0.1

export interface BnTerm {
  /** At the parameters, to second order: the mean of the values on both sides. */
  readonly value: number
  readonly gradient: Matrix
}

/** Mean of log √(mean σ²) over the batch norms that keep statistics, and its gradient wrt the parameters. */
export async function bnTerm(
  executable: Executable,
  relaxation: Relaxation,
  parameters: Matrix,
  x: Batch,
  stream: RandomStream,
  directions: number,
): Promise<BnTerm> {
  const valueAt = async (at: Matrix) => meanLogScale(executable, relaxation.relax(at).mixing, x)
  let value = 0
  let gradient = map(parameters, () => 0)
  for (let n = 0; n < directions; n++) {
    const delta = map(parameters, () => stream.sign())
    const ahead = await valueAt(zip(parameters, delta, (a, d) => a + DISPLACEMENT * d))
    const behind = await valueAt(zip(parameters, delta, (a, d) => a - DISPLACEMENT * d))
    const slope = (ahead - behind) / (2 * DISPLACEMENT * directions)
    gradient = zip(gradient, delta, (sum, d) => sum + slope * d)
    value += (ahead + behind) / (2 * directions)
  }
  return { value, gradient }
}

/** What batch norms add to a variance. */
const EPSILON = 1e-5

async function meanLogScale(executable: Executable, mixing: Mixing, x: Batch): Promise<number> {
  const variances = await batchVariances(executable, feedOf(x, mixing))
  return variances.reduce((sum, variance) => sum + 0.5 * Math.log(variance + EPSILON), 0) / variances.length
}

/** Mean duration of one kind of step. */
export interface Watch {
  time<T>(step: () => Promise<T>): Promise<T>
  meanSeconds(): number
}

export function watch(): Watch {
  let seconds = 0
  let steps = 0
  return {
    async time(step) {
      const started = performance.now()
      const result = await step()
      seconds += (performance.now() - started) / 1000
      steps++
      return result
    },
    meanSeconds: () => (steps === 0 ? 0 : seconds / steps),
  }
}

/** The same network, with a watch on each kind of step. */
export function timedSupernet(supernet: Supernet) {
  const [weightStep, architectureStep] = [watch(), watch()]
  const timed: Supernet = {
    ...supernet,
    step: (...given) => weightStep.time(() => supernet.step(...given)),
    gradient: (...given) => architectureStep.time(() => supernet.gradient(...given)),
  }
  return { timed, weightStep, architectureStep }
}

/** As an epoch reports it. @param steps architecture steps of the epoch */
export function costModel(n: number, steps: number, weightStep: Watch, architectureStep: Watch) {
  const [t1, t2] = [weightStep.meanSeconds(), architectureStep.meanSeconds()]
  return { weightStepSeconds: t1, architectureStepSeconds: t2, costModelSeconds: steps * (n * t1 + t2) }
}
