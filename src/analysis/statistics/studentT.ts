/** Student's t distribution with a whole number of degrees of freedom, in closed form. */

const BISECTIONS = 200

/**
 * Returns P(T ≤ t) for Student's t. With θ = atan(t/√ν) the probability of |T| ≤ |t| is a finite sum of powers of cos θ
 * (Abramowitz & Stegun 26.7.3 for odd ν, 26.7.4 for even ν).
 */
export function studentCdf(t: number, degrees: number): number {
  const theta = Math.atan(Math.abs(t) / Math.sqrt(degrees))
  const inside = degrees % 2 === 0 ? evenInside(theta, degrees) : oddInside(theta, degrees)
  return t < 0 ? (1 - inside) / 2 : (1 + inside) / 2
}

/** Returns the quantile t with P(T ≤ t) = p, 0 < p < 1. */
export function studentQuantile(p: number, degrees: number): number {
  if (p < 0.5) return -studentQuantile(1 - p, degrees)
  let low = 0
  let high = 1
  while (studentCdf(high, degrees) < p) high *= 2
  for (let i = 0; i < BISECTIONS && low < high; i++) {
    const middle = (low + high) / 2
    if (studentCdf(middle, degrees) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** (2/π)·{θ + sin θ·[cos θ + (2/3)·cos³θ + … ]}, the last power ν − 2. */
function oddInside(theta: number, degrees: number): number {
  let term = Math.cos(theta)
  let sum = degrees > 1 ? term : 0
  for (let k = 3; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * Math.cos(theta) ** 2
    sum += term
  }
  return (2 / Math.PI) * (theta + Math.sin(theta) * sum)
}

/** sin θ·{1 + (1/2)·cos²θ + (1·3)/(2·4)·cos⁴θ + … }, the last power ν − 2. */
function evenInside(theta: number, degrees: number): number {
  let term = 1
  let sum = 1
  for (let k = 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * Math.cos(theta) ** 2
    sum += term
  }
  return Math.sin(theta) * sum
}
