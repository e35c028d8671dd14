/** Measures of a classifier on labelled images, computed from its logits. */

/** How well a classifier classifies a set of labelled images. All shares are in %. */
export interface ClassificationMeasures {
  readonly images: number
  /** Share of the images whose largest logit is that of the label. */
  readonly top1Pct: number
  /** Share of the images whose label is among the five largest logits; absent for at most five classes. */
  readonly top5Pct?: number
  /** Mean over the classes of the accuracy on the images of the class. */
  readonly balancedPct: number
  /** Mean over the classes of the average precision (mAP), one class against the rest, ranked by probability. */
  readonly meanAveragePrecisionPct: number
  /**
   * Expected calibration error (Guo et al., ICML 2017, equation 3): over 15 equal intervals of the largest probability,
   * the mean distance between accuracy and mean probability, weighted by images.
   */
  readonly calibrationErrorPct: number
  readonly classes: readonly ClassMeasures[]
  /** Number of images by class (row) and predicted class (column). */
  readonly confusion: readonly (readonly number[])[]
  readonly calibration: readonly CalibrationBin[]
}

export interface ClassMeasures {
  readonly images: number
  /** Share of the class's images that are classified correctly (recall); absent for a class without images. */
  readonly accuracyPct?: number
  /** Average precision of this class against the rest; absent for a class without images. */
  readonly averagePrecisionPct?: number
}

/**
 * One bin of the calibration: the images whose largest class probability is between `from` and `to`, with their
 * accuracy and their mean largest probability (absent if there are no such images).
 */
export interface CalibrationBin {
  readonly from: number
  readonly to: number
  readonly images: number
  readonly accuracyPct?: number
  readonly confidencePct?: number
}

const CALIBRATION_BINS = 15

/**
 * Returns the measures of a classifier on at least one image.
 * @param logits [images, classes]
 * @param labels class of each image, 0 … classes − 1
 */
export function measureClassification(
  logits: Float32Array,
  labels: Int32Array,
  classes: number,
): ClassificationMeasures {
  const images = labels.length
  const largest = new Float64Array(images)
  const sums = new Float64Array(images)
  const predicted = new Int32Array(images)
  let top5 = 0
  for (let i = 0; i < images; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes)
    predicted[i] = argmax(row)
    largest[i] = row[predicted[i]]
    sums[i] = sumOfExponentials(row, largest[i])
    if (rankOf(row, labels[i]) < 5) top5++
  }
  const probability = (image: number, label: number) =>
    Math.exp(logits[image * classes + label] - largest[image]) / sums[image]
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < images; i++) confusion[labels[i]][predicted[i]]++
  const perClass = confusion.map((row, label): ClassMeasures => {
    const count = row.reduce((sum, n) => sum + n, 0)
    if (count === 0) return { images: 0 }
    const scores = Float64Array.from({ length: images }, (_, i) => probability(i, label))
    const isPositive = (i: number) => labels[i] === label
    return {
      images: count,
      accuracyPct: (100 * row[label]) / count,
      averagePrecisionPct: 100 * averagePrecision(scores, isPositive),
    }
  })
  const present = perClass.filter(({ images }) => images > 0)
  const correct = confusion.reduce((sum, row, label) => sum + row[label], 0)
  const calibration = calibrationBins(
    Float64Array.from(predicted, (label, i) => probability(i, label)),
    (i) => predicted[i] === labels[i],
  )
  return {
    images,
    top1Pct: (100 * correct) / images,
    ...(classes > 5 && { top5Pct: (100 * top5) / images }),
    balancedPct: mean(present.map(({ accuracyPct = 0 }) => accuracyPct)),
    meanAveragePrecisionPct: mean(present.map(({ averagePrecisionPct = 0 }) => averagePrecisionPct)),
    calibrationErrorPct: calibrationError(calibration, images),
    classes: perClass,
    confusion,
    calibration,
  }
}

/**
 * Returns the average precision Σ_n (R_n − R_{n−1})·P_n over the thresholds n, with precision P_n and recall R_n of the
 * images whose score reaches the threshold; images of equal score count together, as in scikit-learn's
 * `average_precision_score`.
 * @param isPositive tells whether an image belongs to the class; it must be true for at least one
 */
export function averagePrecision(scores: Float64Array, isPositive: (image: number) => boolean): number {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a])
  let positives = 0
  let sum = 0
  for (let i = 0; i < order.length; ) {
    let found = 0
    const score = scores[order[i]]
    for (; i < order.length && scores[order[i]] === score; i++) if (isPositive(order[i])) found++
    positives += found
    sum += (found * positives) / i
  }
  return sum / positives
}

function calibrationBins(confidences: Float64Array, isCorrect: (image: number) => boolean): CalibrationBin[] {
  const bins = Array.from({ length: CALIBRATION_BINS }, () => ({ images: 0, correct: 0, confidence: 0 }))
  confidences.forEach((confidence, i) => {
    // The intervals are open at their lower end, as in Guo et al.
    const bin = bins[Math.max(0, Math.ceil(confidence * CALIBRATION_BINS) - 1)]
    bin.images++
    bin.confidence += confidence
    if (isCorrect(i)) bin.correct++
  })
  return bins.map(({ images, correct, confidence }, i) => ({
    from: i / CALIBRATION_BINS,
    to: (i + 1) / CALIBRATION_BINS,
    images,
    ...(images > 0 && { accuracyPct: (100 * correct) / images, confidencePct: (100 * confidence) / images }),
  }))
}

const calibrationError = (bins: readonly CalibrationBin[], images: number): number =>
  bins.reduce(
    (sum, { images: count, accuracyPct = 0, confidencePct = 0 }) =>
      sum + (count / images) * Math.abs(accuracyPct - confidencePct),
    0,
  )

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Returns the softmax of a row of logits. */
export function softmax(row: Float32Array): Float64Array {
  const largest = row[argmax(row)]
  const sum = sumOfExponentials(row, largest)
  return Float64Array.from(row, (logit) => Math.exp(logit - largest) / sum)
}

/** Returns Σ exp(logit − largest), which does not overflow. */
const sumOfExponentials = (row: Float32Array, largest: number): number =>
  row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0)

/** Returns the index of the largest entry, the first if several are equal. */
function argmax(row: Float32Array): number {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i
  return best
}

/** Returns the number of entries that are larger than the one at `index`, or equal and before it. */
function rankOf(row: Float32Array, index: number): number {
  let rank = 0
  for (let i = 0; i < row.length; i++) if (row[i] > row[index] || (row[i] === row[index] && i < index)) rank++
  return rank
}
