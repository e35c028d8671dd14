/**
 * ln Γ and its first two derivatives for positive arguments, to about 1e-15 relative: the argument is shifted above 10
 * by the recurrence, where the asymptotic (Stirling) series converges fast. Abramowitz and Stegun 6.1.41, 6.3.18, 6.4.12.
 */

const SHIFTED = 10

/** ln Γ(x), x > 0. */
export function logGamma(x: number): number {
  let product = 1
  let z = x
  for (; z < SHIFTED; z++) product *= z
  const r = 1 / (z * z)
  const series = 1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series / z - Math.log(product)
}

/** ψ(x) = d ln Γ(x) / dx, x > 0. */
export function digamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < SHIFTED; z++) shift += 1 / z
  const r = 1 / (z * z)
  const series = 1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * (691 / 32760 - r / 12)))))
  return Math.log(z) - 0.5 / z - r * series - shift
}

/** ψ′(x), x > 0. */
export function trigamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < SHIFTED; z++) shift += 1 / (z * z)
  const r = 1 / (z * z)
  const series = 1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66 - r * (691 / 2730 - (r * 7) / 6)))))
  return 1 / z + 0.5 * r + (r / z) * series + shift
}
