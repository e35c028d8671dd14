/**
 * A supernet that counts what a search allocates on the backend and checks the mixing weights that the search passes.
 */
import type { Executable, WeightVector } from '../../core/executor.ts'
import type { Mixing } from '../../core/mixing.ts'
import type { Supernet } from '../../core/supernet.ts'

/** Wraps the supernets of one search to check their calls and to count what is allocated and not disposed of. */
export class SupernetMonitor {
  /** Number of supernets that the search has made and not disposed of. */
  networks = 0
  /** Number of weight vectors that the search has made and not disposed of. */
  vectors = 0
  /** Number of activation masks (of ReLUs and max poolings) that the search has recorded and not disposed of. */
  activationMasks = 0
  /** Describes the first invalid mixing weights that the search passed; undefined if all were valid. */
  badMixing: string | undefined
  /** Describes the first supernet call that began before the previous one had ended; undefined if none did. */
  overlap: string | undefined
  #underWay: string | undefined

  supernet(inner: Supernet): Supernet {
    this.networks++
    return {
      ...inner,
      executable: this.#executable(inner.executable),
      vector: () => this.#vector(inner.vector()),
      step: (batch, mixing, sgd) => this.#alone('step', inner.step(batch, this.#checked(mixing), sgd)),
      gradient: (batch, mixing, options) =>
        this.#alone('gradient', inner.gradient(batch, this.#checked(mixing), options)),
      evaluate: (batches, mixing, mode) =>
        this.#alone('evaluate', inner.evaluate(batches, this.#checked(mixing), mode)),
      takeTally: () => this.#alone('takeTally', inner.takeTally()),
      dispose: () => {
        this.networks--
        inner.dispose()
      },
    }
  }

  /** Lists the networks, weight vectors and masks that the search has not disposed of; undefined if there are none. */
  held(): string | undefined {
    const kinds = { network: this.networks, vector: this.vectors, mask: this.activationMasks }
    const alive = Object.entries(kinds).filter(([, count]) => count !== 0)
    return alive.length === 0 ? undefined : alive.map(([kind, count]) => `${count} ${kind}(s)`).join(', ')
  }

  #executable(inner: Executable): Executable {
    return new Proxy(inner, {
      get: (target, name) => {
        if (name === 'vector') return () => this.#vector(target.vector())
        if (name === 'activationMasks' && target.activationMasks !== undefined) {
          return (feed: Parameters<NonNullable<Executable['activationMasks']>>[0]) =>
            this.#activationMasks(target, feed)
        }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #vector(vector: WeightVector): WeightVector {
    this.vectors++
    const dispose = vector.dispose.bind(vector)
    // The executor wants its own vectors back, so this one is marked in place.
    vector.dispose = () => {
      this.vectors--
      dispose()
    }
    return vector
  }

  #activationMasks(executable: Executable, feed: Parameters<NonNullable<Executable['activationMasks']>>[0]) {
    const activationMasks = executable.activationMasks?.(feed)
    if (activationMasks === undefined) return undefined
    this.activationMasks++
    const dispose = activationMasks.dispose.bind(activationMasks)
    activationMasks.dispose = () => {
      this.activationMasks--
      dispose()
    }
    return activationMasks
  }

  /**
   * Checks that no supernet call begins before the previous one has ended, because an executor may reuse its buffers.
   */
  async #alone<T>(call: string, answer: Promise<T>): Promise<T> {
    if (this.#underWay !== undefined) this.overlap ??= `${call}() was called before ${this.#underWay}() had ended`
    this.#underWay = call
    try {
      return await answer
    } finally {
      this.#underWay = undefined
    }
  }

  #checked(mixing: Mixing): Mixing {
    this.badMixing ??= problemOf(mixing)
    return mixing
  }
}

/**
 * Describes what is wrong with mixing weights; undefined if none is negative and those of each computed edge sum to 1.
 */
function problemOf({ theta, active, edgeWeights = [] }: Mixing): string | undefined {
  const edge = edgeWeights.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight)))
  if (edge !== -1) return `edge ${edge} itself has weight ${edgeWeights[edge]}`
  for (const [edge, row] of theta.entries()) {
    if (active?.[edge].every((computed) => !computed)) continue
    const sum = row.reduce((total, weight) => total + weight, 0)
    if (row.some((weight) => !(weight >= 0)) || Math.abs(sum - 1) > 1e-6) {
      return `edge ${edge} has weights ${row.map((weight) => weight.toPrecision(3)).join(', ')}`
    }
  }
  return undefined
}
