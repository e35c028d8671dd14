/**
 * The Dirichlet distribution on the simplex: samples, their pathwise derivative wrt the concentration β, and the KL
 * divergence from the uniform distribution.
 *
 * Sampling: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000). Derivative:
 * Jankowiak and Obermeyer, "Pathwise derivatives beyond the reparameterization trick", ICML 2018, equation 3 of DrNAS.
 * ln Γ and its derivatives are accurate to about 1e-15 relative: the argument is shifted above 10 by the recurrence,
 * where the asymptotic (Stirling) series converges fast (Abramowitz and Stegun 6.1.41, 6.3.18, 6.4.12).
 */
import { integerPower, NotFiniteError } from '../../core/numbers.ts'
import type { RandomStream } from '../../core/random.ts'

/**
 * Samples θ ~ Dir(β), which is positive and sums to 1, as normalised gamma variables. The computation is in logarithms,
 * so that a tiny β does not underflow.
 * @throws NotFiniteError if an entry of β is not finite or all are 0; rejection sampling would never end on NaN
 */
export function sampleDirichlet(beta: readonly number[], stream: RandomStream): number[] {
  const unusable = beta.find((b) => !(b >= 0 && b < Number.POSITIVE_INFINITY))
  if (unusable !== undefined) throw new NotFiniteError('a concentration of the Dirichlet distribution', unusable)
  const logs = beta.map((b) => logGammaSample(b, stream))
  const largest = Math.max(...logs)
  const gammas = logs.map((log) => Math.exp(log - largest))
  const total = sum(gammas)
  if (!(total > 0)) throw new NotFiniteError('a draw from the Dirichlet distribution', total)
  return gammas.map((gamma) => Math.max(gamma / total, Number.MIN_VALUE))
}

/**
 * Samples the logarithm of a Gamma(shape, 1) variable. For a shape a < 1, Gamma(a) = Gamma(a + 1)·U^(1/a), U uniform.
 */
function logGammaSample(shape: number, stream: RandomStream): number {
  if (shape < 1) return logGammaSample(shape + 1, stream) + Math.log(1 - stream.uniform()) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = stream.normal()
    const v = integerPower(1 + c * x, 3)
    if (v > 0 && Math.log(1 - stream.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v)
  }
}

/**
 * Back-propagates through a sample θ ~ Dir(β) (DrNAS, eq. 3, transposed): ∂L/∂β_j = Σ_i ∂L/∂θ_i · dθ_i/dβ_j, where
 * dθ_i/dβ_j = g_j (δ_ij − θ_i) with the factors g_j of `pathwiseFactors`.
 * @param gradTheta ∂L/∂θ at the same sample θ
 */
export function pathwise(theta: readonly number[], beta: readonly number[], gradTheta: readonly number[]): number[] {
  const g = pathwiseFactors(theta, beta)
  const mean = sum(theta.map((t, i) => t * gradTheta[i]))
  return g.map((factor, j) => factor * (gradTheta[j] - mean))
}

/**
 * The factors g_j = −∂F/∂a / (f · (1 − θ_j)) > 0 of the Jacobian dθ_i/dβ_j = g_j (δ_ij − θ_i) of a Dirichlet sample θ.
 * F and f are the cumulative distribution and the density of Beta(a = β_j, b = Σβ − β_j) at θ_j.
 */
export function pathwiseFactors(theta: readonly number[], beta: readonly number[]): number[] {
  return beta.map((a, j) => {
    const others = (values: readonly number[]) => sum(values.filter((_, i) => i !== j))
    return pathwiseFactor(theta[j], others(theta), a, others(beta))
  })
}

/**
 * Computes one factor g_j of `pathwiseFactors`, at x = θ_j. With E = ψ(a) − ψ(a + b) = E[ln T], ∂F/∂a = ∫₀ˣ (ln t − E)
 * f(t) dt = −∫ₓ¹ (ln t − E) f(t) dt. The integrand changes its sign only at t = e^E, so the side without a change of
 * sign loses no digits; t = x e^−v below and 1 − t = y e^−v above remove the singularities at the ends.
 * @param y 1 − x, without the loss of digits near 1
 */
function pathwiseFactor(x: number, y: number, a: number, b: number): number {
  const mean = digamma(a) - digamma(a + b)
  const logX = x < 0.5 ? Math.log(x) : Math.log1p(-y)
  const logY = x < 0.5 ? Math.log1p(-x) : Math.log(y)
  if (logX <= mean) {
    const below = (v: number) => (mean - logX + v) * Math.exp(-a * v + (b - 1) * (Math.log1p(-x * Math.exp(-v)) - logY))
    return (x / y) * integrateHalfLine(below)
  }
  return integrateHalfLine((v) => {
    const logT = Math.log1p(-y * Math.exp(-v))
    return (logT - mean) * Math.exp(-b * v + (a - 1) * (logT - logX))
  })
}

/**
 * Numerical integration stops once halving its step changes the integral by less than this, relatively. Each halving
 * doubles the number of correct digits, so the result has about 14.
 */
const RELATIVE_ACCURACY = 1e-7
const FINEST_LEVEL = 9
/**
 * Bound on |τ| in the numerical integral over v = exp(π/2 sinh τ): v from 2e-19 to 4e18, beyond which f(v) is
 * negligible.
 */
const REACH = 4

/**
 * Computes ∫₀^∞ f(v) dv for a smooth f that decays exponentially: substitutes v = exp(π/2 sinh τ) (Takahasi and Mori
 * 1974) and applies the trapezoidal rule in τ, halving its step until two sums agree.
 */
function integrateHalfLine(f: (v: number) => number): number {
  let step = 0.5
  let total = trapezoid(f, 0, step)
  for (let level = 0; level < FINEST_LEVEL; level++) {
    const refined = (total + trapezoid(f, step / 2, step)) / 2
    step /= 2
    if (Math.abs(refined - total) <= RELATIVE_ACCURACY * Math.abs(refined)) return refined
    total = refined
  }
  return total
}

/** Trapezoidal sum step · Σ_k f(v(τ_k)) v′(τ_k), where v(τ) = exp(π/2 sinh τ) and τ_k = offset + k·step in [−4, 4]. */
function trapezoid(f: (v: number) => number, offset: number, step: number): number {
  let total = 0
  for (let tau = offset - REACH; tau <= REACH; tau += step) {
    const v = Math.exp((Math.PI / 2) * Math.sinh(tau))
    const slope = (Math.PI / 2) * Math.cosh(tau) * v
    const term = f(v) * slope
    if (Number.isFinite(term)) total += term
  }
  return step * total
}

/**
 * The divergence KL(Dir(β) ‖ Dir(1)) = ln Γ(B) − Σ ln Γ(β_i) − ln Γ(n) + Σ (β_i − 1)(ψ(β_i) − ψ(B)), where n is the
 * number of entries of β, and B = Σβ. It is 0 where every β_i is 1.
 */
export function klToUniform(beta: readonly number[]): number {
  const total = sum(beta)
  const means = beta.map((b) => (b - 1) * (digamma(b) - digamma(total)))
  return logGamma(total) - sum(beta.map(logGamma)) - logGamma(beta.length) + sum(means)
}

/**
 * The gradient of KL(Dir(β) ‖ Dir(1)) wrt β_i: (β_i − 1) ψ′(β_i) − (B − n) ψ′(B), where B = Σβ and n = number of β_i.
 */
export function klToUniformGradient(beta: readonly number[]): number[] {
  const total = sum(beta)
  return beta.map((b) => (b - 1) * trigamma(b) - (total - beta.length) * trigamma(total))
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

/** The argument x from which on ln Γ(x) and its derivatives are computed by their asymptotic (Stirling) series. */
const SHIFTED = 10

/** The logarithm of the gamma function, ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  let product = 1
  let z = x
  for (; z < SHIFTED; z++) product *= z
  const r = 1 / (z * z)
  const series = 1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series / z - Math.log(product)
}

/** The digamma function ψ(x) = d ln Γ(x) / dx for x > 0. */
export function digamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < SHIFTED; z++) shift += 1 / z
  const r = 1 / (z * z)
  const series = 1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * (691 / 32760 - r / 12)))))
  return Math.log(z) - 0.5 / z - r * series - shift
}

/** The trigamma function ψ′(x), the derivative of the digamma function, for x > 0. */
export function trigamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < SHIFTED; z++) shift += 1 / (z * z)
  const r = 1 / (z * z)
  const series = 1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66 - r * (691 / 2730 - (r * 7) / 6)))))
  return 1 / z + 0.5 * r + (r / z) * series + shift
}
