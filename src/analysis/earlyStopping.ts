/**
 * RobustDARTS' early-stopping rule (Zela et al., ICLR 2020, §4.3, and its code's `EVLocalAvg`): stop when the local
 * average of the dominant eigenvalue has grown by a factor over the last few measurements, and answer with the
 * genotype from before it grew. An average is dated at the centre of a full window.
 */

/** Default growth factor of the local average at which a search stops. */
export const FACTOR = 1.3

export interface EarlyStoppingOptions {
  /** Epochs between two measurements. */
  readonly every: number
  /** Number of measurements in a local average; fewer at the start, but at least ⌊window/2⌋ + 1. */
  readonly window?: number
  /** Number of measurements between the two averages that are compared. */
  readonly delta?: number
  /** Ratio of the two averages above which the search stops. */
  readonly factor?: number
  /** Earliest epoch whose genotype may be the answer. */
  readonly startEpoch?: number
}

export interface Measurement {
  readonly epoch: number
  readonly dominantEigenvalue: number
}

/**
 * Returns the epoch whose genotype is the answer, or undefined while the search should go on. The caller keeps the
 * genotype of every measured epoch.
 * @param measurements all measurements so far, in order
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

/** Returns the mean of the last `window` measurements, at each measurement. */
function localAverages(measurements: readonly Measurement[], window: number) {
  const half = Math.floor(window / 2)
  return measurements.flatMap((_, at) => {
    const inside = measurements.slice(Math.max(0, at - window + 1), at + 1)
    if (inside.length < half + 1) return []
    const average = inside.reduce((sum, { dominantEigenvalue }) => sum + dominantEigenvalue, 0) / inside.length
    return [{ epoch: measurements[at - half].epoch, average }]
  })
}
