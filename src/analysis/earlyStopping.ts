/**
 * RobustDARTS' early-stopping rule (Zela et al., ICLR 2020, §4.3, and the class `EVLocalAvg` in its code). The search
 * stops when the local average of the Hessian's dominant eigenvalue has grown by a given factor within the last few
 * measurements; its result is then the genotype of the epoch before that growth. Each average is assigned to the epoch
 * in the middle of its window.
 */

/** Default growth factor of the dominant eigenvalue's local average above which a search stops. */
export const FACTOR = 1.3

export interface EarlyStoppingOptions {
  /** Number of epochs between two measurements of the dominant eigenvalue. */
  readonly every: number
  /**
   * Number of measured eigenvalues in a local average. At the start of the search an average may have fewer, but at
   * least ⌊window/2⌋ + 1.
   */
  readonly window?: number
  /** Number of measurements between the two local averages of the eigenvalue that are compared. */
  readonly delta?: number
  /** Ratio of the later to the earlier local average of the eigenvalue, above which the search stops. */
  readonly factor?: number
  /** Earliest epoch whose genotype may be the result of a stopped search. */
  readonly startEpoch?: number
}

export interface Measurement {
  readonly epoch: number
  readonly dominantEigenvalue: number
}

/**
 * Returns the epoch whose genotype is the result if the search should stop now, or undefined if the search should go
 * on. The caller keeps the genotype of every measured epoch.
 * @param measurements all measured eigenvalues so far, in order
 */
export function stopEpoch(measurements: readonly Measurement[], options: EarlyStoppingOptions): number | undefined {
  const { every, window = 5, delta = 4, factor = FACTOR, startEpoch = 10 } = options
  const averages = localAverages(measurements, window)
  const last = averages.at(-1)
  const before = averages.at(-1 - delta)
  if (last === undefined || before === undefined) return undefined
  const candidate = last.epoch - every * delta
  return candidate >= startEpoch && last.average / before.average > factor ? candidate : undefined
}

/**
 * Returns, for each measurement with enough eigenvalues up to it, the mean of the last `window` eigenvalues, and the
 * epoch in the middle of this window.
 */
function localAverages(measurements: readonly Measurement[], window: number) {
  const half = Math.floor(window / 2)
  return measurements.flatMap((_, at) => {
    const inside = measurements.slice(Math.max(0, at - window + 1), at + 1)
    if (inside.length < half + 1) return []
    const average = inside.reduce((sum, { dominantEigenvalue }) => sum + dominantEigenvalue, 0) / inside.length
    return [{ epoch: measurements[at - half].epoch, average }]
  })
}
