import { describe, expect, it } from 'vitest'
import {
  klToUniform,
  klToUniformGradient,
  pathwise,
  pathwiseFactors,
  sampleDirichlet,
} from '../../../src/algorithms/distributions/dirichlet.ts'
import { random } from '../../../src/core/random.ts'
import { readGolden } from '../../fixtures/golden.ts'

interface Golden {
  readonly cases: readonly {
    readonly id: string
    readonly beta: readonly number[]
    readonly theta: readonly number[]
    readonly g_exact: readonly number[]
    readonly jacobian_exact: readonly (readonly number[])[]
  }[]
  readonly kl: readonly {
    readonly beta: readonly number[]
    readonly kl_to_uniform_dirichlet: number
    readonly grad_beta: readonly number[]
  }[]
}

const golden = readGolden<Golden>('dirichlet')
const unit = (n: number, at: number) => Array.from({ length: n }, (_, i) => (i === at ? 1 : 0))

describe('the pathwise derivative of a Dirichlet sample', () => {
  it.each(golden.cases)('agrees with 110-digit arithmetic within 1e-8, case $id', ({ beta, theta, g_exact }) => {
    const errors = pathwiseFactors(theta, beta).map((g, j) => Math.abs(g / g_exact[j] - 1))
    expect(Math.max(...errors)).toBeLessThan(1e-8)
  })

  it.each(golden.cases)(
    'carries a gradient through the exact Jacobian, case $id',
    ({ beta, theta, jacobian_exact }) => {
      for (const i of theta.keys()) {
        const row = pathwise(theta, beta, unit(theta.length, i)) // dθ_i/dβ_j over j
        const scale = Math.max(...jacobian_exact[i].map(Math.abs))
        row.forEach((value, j) => {
          expect(Math.abs(value - jacobian_exact[i][j])).toBeLessThan(1e-8 * scale)
        })
      }
    },
  )

  it('keeps the sum of the sample: a loss that is Σθ has gradient zero', () => {
    const gradient = pathwise([0.2, 0.5, 0.3], [0.7, 1.2, 3], [1, 1, 1])
    for (const value of gradient) expect(value).toBeCloseTo(0, 14)
  })

  it('averages to the derivative of the mean, ∂(β_i/B)/∂β_j = (δ_ij − β_i/B)/B', () => {
    const beta = [0.6, 1.4, 2]
    const stream = random(5, 'pathwise mean')
    const n = 4000
    const sums = [0, 0, 0]
    for (let draw = 0; draw < n; draw++) {
      const theta = sampleDirichlet(beta, stream)
      pathwise(theta, beta, [1, 0, 0]).forEach((value, j) => {
        sums[j] += value / n
      })
    }
    const expected = [(1 - 0.15) / 4, -0.15 / 4, -0.15 / 4]
    sums.forEach((value, j) => {
      expect(Math.abs(value - expected[j])).toBeLessThan(0.006)
    })
  })

  it('stays finite and positive where one operation takes everything', () => {
    const factors = pathwiseFactors([1, 1e-300, Number.MIN_VALUE], [50, 0.01, 0.005])
    for (const factor of factors) {
      expect(Number.isFinite(factor)).toBe(true)
      expect(factor).toBeGreaterThanOrEqual(0)
    }
  })
})

describe('a Dirichlet sample', () => {
  it('lies on the simplex, tiny concentrations included', () => {
    const stream = random(1, 'simplex')
    for (let draw = 0; draw < 200; draw++) {
      const theta = sampleDirichlet([0.001, 0.02, 1, 7], stream)
      expect(Math.min(...theta)).toBeGreaterThan(0)
      expect(theta.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12)
    }
  })

  it('has mean β/B and variance of the beta law', () => {
    const beta = [0.5, 1, 2.5]
    const stream = random(2, 'moments')
    const n = 20000
    const draws = Array.from({ length: n }, () => sampleDirichlet(beta, stream))
    beta.forEach((b, i) => {
      const mean = draws.reduce((sum, theta) => sum + theta[i], 0) / n
      const square = draws.reduce((sum, theta) => sum + theta[i] ** 2, 0) / n
      expect(Math.abs(mean - b / 4)).toBeLessThan(0.006)
      expect(Math.abs(square - mean ** 2 - ((b / 4) * (1 - b / 4)) / 5)).toBeLessThan(0.004)
    })
  })
})

describe('the divergence from the uniform Dirichlet', () => {
  it('agrees with the golden values', () => {
    for (const { beta, kl_to_uniform_dirichlet, grad_beta } of golden.kl) {
      expect(klToUniform(beta)).toBeCloseTo(kl_to_uniform_dirichlet, 9)
      klToUniformGradient(beta).forEach((value, i) => {
        expect(Math.abs(value - grad_beta[i])).toBeLessThan(1e-9 * Math.max(1, Math.abs(grad_beta[i])))
      })
    }
  })

  it('has zero value and gradient at β = 1', () => {
    expect(klToUniform([1, 1, 1, 1])).toBeCloseTo(0, 13)
    for (const value of klToUniformGradient([1, 1, 1, 1])) expect(value).toBeCloseTo(0, 13)
  })
})
