/**
 * One epoch of zen-darts without labels: weights and architecture ascend Zen(F) = β₁·log(NTK) + β₂·BN (Zhang, eq. 10).
 * The paper says neither which scalar of the neural tangent kernel (NTK) is meant, nor which quantity of the batch
 * norms (BN), nor how both are differentiated. This file chooses:
 *
 * - NTK is the trace Σ_i ‖∇_w f(x_i)‖² of the kernel, with the sum f(x_i) = Σ_c z_c(x_i) of sample i's logits,
 *   estimated with one random sign s_i per sample: E ‖g‖² = trace for g = ∇_w φ, φ = Σ_i s_i f(x_i).
 * - ∇ log ‖g‖² = 2 ∇²φ·u / ‖g‖ with u = g / ‖g‖, where ∇²φ·u ≈ [∇φ(w + εu) − ∇φ(w − εu)] / (2ε), ε = 0.02·‖w‖. The
 *   same two passes give the gradient wrt the mixing weights. ε is about as long as an SGD step, because ReLUs make ∇φ
 *   jump: a tenth of it gave a gradient wrt α that has nothing in common with the slope of log(NTK).
 * - BN is the second term of Zen-NAS, log √(mean over channels of σ²), as a mean over the batch norms where Zen-NAS
 *   sums, so that the balance of the two terms does not depend on the depth. It compensates for what the first term
 *   gains by small activations. Its value at α comes from the pass of log(NTK). Its gradient wrt α is estimated from
 *   values at α + cΔ for random signs Δ (SPSA, Spall 1992, with one-sided differences). Its gradient wrt w is left out:
 *   a convolution can raise the next σ by its scale alone, which changes nothing that the network computes.
 *
 * Inputs are standard normal, batch norms use the statistics of the batch, and weights that are moved for a difference
 * are restored. The paper promises a start whose cost is negligible, and a step costs several passes, so an epoch has
 * fewer and larger steps than one with labels: one for each `stride` batches, at √stride times the learning rates, as
 * steps of noisy gradients add up. Algorithm files have at most 120 lines; this one is longer because of the score and
 * its gradient, written out.
 */
import { gaussianBatch, withBatchVariances } from '../analysis/zenScore.ts'
import type { SearchContext } from '../core/algorithm.ts'
import type { Batch } from '../core/data.ts'
import type { Executable, Mode, SgdStep, WeightVector } from '../core/executor.ts'
import { type Matrix, type Mixing, type MixingGradient, map, type Relaxation, zip } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import type { Supernet } from '../core/supernet.ts'
import { feedOf, mixingGradient } from '../training/supernet.ts'
import { adam } from './shared/adam.ts'
import { type BilevelMethod, type BilevelState, type EpochRunner, sgdOf } from './shared/bilevel.ts'
import { descend } from './shared/weightSteps.ts'

/** Number of forward passes, at α + cΔ, that estimate the BN term's gradient wrt α in an architecture step. */
const DIRECTIONS = 2

/** The weights β₁ and β₂ of the two terms of the score Zen = β₁·log(NTK) + β₂·BN. */
interface ZenWeights {
  readonly beta1: number
  readonly beta2: number
}

export interface ZenEpochOptions extends ZenWeights {
  /** Number of batches of a labelled epoch for which an epoch without labels takes one architecture step. */
  readonly stride: number
}

/** The value of the score Zen and of its two terms, log(NTK) and BN, in one architecture step. */
interface Zen {
  readonly zen: number
  readonly logNtk: number
  readonly bn: number
}

/** Runs one epoch of zen-darts without labels: network weights and α ascend the score Zen on Gaussian inputs. */
export async function zenEpoch(
  context: SearchContext,
  method: BilevelMethod,
  supernet: Supernet,
  start: BilevelState,
  epoch: number,
  options: ZenEpochOptions,
): ReturnType<EpochRunner> {
  const { protocol } = context
  const { weights: source, shape } = await context.data()
  const n = method.weightSteps ?? 1
  const steps = Math.ceil(source.batchesPerEpoch / options.stride)
  const larger = <T extends { readonly learningRate: number }>(settings: T): T => ({
    ...settings,
    learningRate: settings.learningRate * Math.sqrt(source.batchesPerEpoch / steps),
  })
  const sgd = larger(sgdOf(protocol, epoch))
  const adamSettings = larger(protocol.architecture)
  const relaxation = method.relaxation(epoch)
  const inputs = (...path: readonly (string | number)[]) => {
    const stream = context.random('zen', ...path)
    return { x: gaussianBatch(shape, protocol.batchSize, stream), stream }
  }
  const [weightStep, architectureStep] = [stepTimer(), stepTimer()]
  const gradient = supernet.vector()
  const seen: Zen[] = []
  let { parameters, adam: moments } = start
  try {
    for (let step = epoch * steps; step < (epoch + 1) * steps; step++) {
      for (let i = 0; i < n; i++) {
        const { x, stream } = inputs('weights', step, i)
        const { mixing } = relaxation.relax(parameters)
        await weightStep.time(async () => {
          await logNtk(supernet, mixing, x, signs(x.size, stream), gradient)
          gradient.scale(options.beta1)
          await ascend(supernet, gradient, sgd)
        })
      }
      const { x, stream } = inputs('architecture', step)
      const found = await architectureStep.time(() =>
        architectureGradient(supernet, relaxation, parameters, x, stream, options, gradient),
      )
      seen.push(found)
      ;({ parameters, state: moments } = adam(parameters, found.downhill, moments, adamSettings))
    }
  } finally {
    gradient.dispose()
  }
  const extra = { ...meanOf(seen), ...costModel(n, steps, weightStep, architectureStep) }
  return { state: { parameters, adam: moments }, report: { parameters, extra } }
}

/**
 * Computes the score Zen, and its negative gradient wrt the architecture parameters.
 * @param scratch a weight vector that is overwritten
 */
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
  const ntk = await logNtk(supernet, mixing, x, signs(x.size, stream), scratch, { readsBn: true })
  const slope = await bnSlope(supernet.executable, relaxation, parameters, x, ntk.bn, stream, DIRECTIONS)
  return {
    zen: beta1 * ntk.value + beta2 * ntk.bn,
    logNtk: ntk.value,
    bn: ntk.bn,
    downhill: zip(pullback(ntk.mixing), slope, (g, h) => -(beta1 * g + beta2 * h)),
  }
}

const signs = (size: number, stream: RandomStream) => Array.from({ length: size }, () => stream.sign())

/**
 * Takes an SGD step on the network weights that increases a score, given its gradient wrt them. The gradient is
 * clipped; weight decay and momentum are the protocol's.
 */
export async function ascend(supernet: Supernet, gradient: WeightVector, sgd: SgdStep): Promise<void> {
  gradient.scale(-1)
  await descend(supernet, gradient, sgd)
}

function meanOf(seen: readonly Zen[]): Zen {
  const mean = (of: (zen: Zen) => number) => seen.reduce((sum, each) => sum + of(each), 0) / seen.length
  return { zen: mean(({ zen }) => zen), logNtk: mean(({ logNtk }) => logNtk), bn: mean(({ bn }) => bn) }
}

/** Distance of the displaced weights from w, as a fraction of ‖w‖. */
const RELATIVE_DISTANCE = 0.02

/** The term log(NTK) of the score Zen, and its gradient wrt the mixing weights. */
export interface LogNtk {
  readonly value: number
  /** Gradient of log(NTK) wrt the mixing weights θ and edge weights. */
  readonly mixing: MixingGradient
  /** BN term of the score Zen at the same weights and inputs; NaN unless `readsBn`. */
  readonly bn: number
}

/**
 * Computes log(NTK), estimated as log ‖∇_w Σ_i s_i f(x_i)‖² with the sum f(x_i) of sample i's logits and signs s_i, and
 * its gradients, in three passes. The network weights w are moved and restored.
 * @param signs s_i = ±1 for each sample
 * @param gradient overwritten with the gradient wrt w
 * @param options.readsBn whether the BN term is read off the first pass; default: no
 */
export async function logNtk(
  supernet: Supernet,
  mixing: Mixing,
  x: Batch,
  signs: readonly number[],
  gradient: WeightVector,
  { readsBn = false }: { readonly readsBn?: boolean } = {},
): Promise<LogNtk> {
  const { weights: w, executable } = supernet
  const { classes } = executable.network
  const cotangent = Float32Array.from({ length: x.size * classes }, (_, i) => signs[Math.floor(i / classes)])
  const objective = { kind: 'logits', cotangent } as const
  const feed = feedOf(x, mixing)
  const gradientAt = (into: WeightVector, mode: Mode = 'probe') =>
    mixingGradient(executable, feed, mixing, objective, into, mode)
  const start = supernet.vector()
  const u = supernet.vector()
  const behind = supernet.vector()
  try {
    start.assign(w)
    const { bn } = readsBn
      ? await withBnTerm(executable, () => gradientAt(u, 'train'))
      : await gradientAt(u).then(() => ({ bn: Number.NaN }))
    const norm = await u.norm()
    u.scale(1 / norm)
    const distance = RELATIVE_DISTANCE * (await w.norm())
    w.axpy(distance, u)
    const ahead = await gradientAt(gradient)
    w.assign(start)
    w.axpy(-distance, u)
    const back = await gradientAt(behind)
    gradient.axpy(-1, behind)
    const scale = 1 / (distance * norm)
    gradient.scale(scale)
    return { value: 2 * Math.log(norm), mixing: scaledDifference(scale, ahead, back), bn }
  } finally {
    w.assign(start)
    for (const vector of [start, u, behind]) vector.dispose()
  }
}

const scaledDifference = (scale: number, a: MixingGradient, b: MixingGradient): MixingGradient => ({
  theta: zip(a.theta, b.theta, (p, q) => scale * (p - q)),
  edgeWeights: a.edgeWeights.map((p, edge) => scale * (p - b.edgeWeights[edge])),
})

/**
 * The displacement c of the architecture parameters in SPSA (values at α + cΔ), small against a softmax's scale of 1.
 */
const DISPLACEMENT = 0.1

/**
 * Estimates the gradient of the BN term, the mean over the batch norms of log √(mean over channels of σ²), wrt the
 * architecture parameters. Only batch norms that keep running statistics count.
 * @param value BN term at the architecture parameters, for the same weights and inputs
 */
export async function bnSlope(
  executable: Executable,
  relaxation: Relaxation,
  parameters: Matrix,
  x: Batch,
  value: number,
  stream: RandomStream,
  directions: number,
): Promise<Matrix> {
  let gradient = map(parameters, () => 0)
  for (let n = 0; n < directions; n++) {
    const delta = map(parameters, () => stream.sign())
    const { mixing } = relaxation.relax(zip(parameters, delta, (a, d) => a + DISPLACEMENT * d))
    const ahead = await bnTerm(executable, mixing, x)
    const slope = (ahead - value) / (DISPLACEMENT * directions)
    gradient = zip(gradient, delta, (sum, d) => sum + slope * d)
  }
  return gradient
}

/** Computes the BN term at given mixing weights. */
export const bnTerm = async (executable: Executable, mixing: Mixing, x: Batch): Promise<number> =>
  (await withBnTerm(executable, () => executable.forward(feedOf(x, mixing), 'train'))).bn

/** The constant ε that batch norms add to a variance before they divide by its square root. */
const EPSILON = 1e-5

/** Runs a pass with mode `train`, and returns its result and the BN term of its batch. Running statistics stay. */
async function withBnTerm<T>(executable: Executable, pass: () => Promise<T>): Promise<{ result: T; bn: number }> {
  const { result, variances } = await withBatchVariances(executable, pass)
  const sum = variances.reduce((total, variance) => total + 0.5 * Math.log(variance + EPSILON), 0)
  return { result, bn: sum / variances.length }
}

/** A stopwatch that averages the duration of the weight steps or of the architecture steps. */
export interface StepTimer {
  time<T>(step: () => Promise<T>): Promise<T>
  meanSeconds(): number
}

/** Makes a stopwatch for steps that has timed none yet. */
function stepTimer(): StepTimer {
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

/** Wraps a supernet so that its weight steps and its architecture steps are timed, each kind by its own stopwatch. */
export function timedSupernet(supernet: Supernet) {
  const [weightStep, architectureStep] = [stepTimer(), stepTimer()]
  const timed: Supernet = {
    ...supernet,
    step: (...given) => weightStep.time(() => supernet.step(...given)),
    gradient: (...given) => architectureStep.time(() => supernet.gradient(...given)),
  }
  return { timed, weightStep, architectureStep }
}

/**
 * The cost model of multi-step optimisation (Zhang, §3.2): (n·t₁ + t₂)·steps, the predicted seconds of an epoch from
 * the mean seconds t₁ of a weight step and t₂ of an architecture step. On a backend that queues its work (GPU), a
 * step's time is counted in the next step that waits for a result.
 * @param n weight steps per architecture step
 * @param steps number of architecture steps of the epoch
 */
export function costModel(n: number, steps: number, weightStep: StepTimer, architectureStep: StepTimer) {
  const [t1, t2] = [weightStep.meanSeconds(), architectureStep.meanSeconds()]
  return { weightStepSeconds: t1, architectureStepSeconds: t2, costModelSeconds: steps * (n * t1 + t2) }
}
