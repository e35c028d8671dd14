import { expect, test } from 'vitest'
import { averagePrecision, measureClassification, softmax } from '../../src/analysis/classification.ts'

/** scikit-learn 1.5: average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), the example of its documentation. */
test('average precision is that of scikit-learn', () => {
  const scores = Float64Array.of(0.1, 0.4, 0.35, 0.8)
  expect(averagePrecision(scores, (i) => i >= 2)).toBeCloseTo(0.8333333333333333, 14)
})

test('images of equal score count together, whatever their order', () => {
  // All at one threshold: precision is the share of the class.
  const equal = new Float64Array(4)
  for (const positive of [0, 3]) expect(averagePrecision(equal, (i) => i === positive)).toBe(0.25)
  const tied = Float64Array.of(0.9, 0.5, 0.5, 0.1)
  // Thresholds 0.9 (P = 1, R = 1/2) and 0.5 (P = 2/3, R = 1).
  for (const other of [1, 2]) expect(averagePrecision(tied, (i) => i === 0 || i === other)).toBeCloseTo(1 / 2 + 1 / 3)
})

test('softmax does not overflow, and ignores a shift of the logits', () => {
  expect([...softmax(Float32Array.of(1000, 1000))]).toEqual([0.5, 0.5])
  const [a, b] = [Float32Array.of(1, 2, 3), Float32Array.of(101, 102, 103)].map((row) => softmax(row))
  a.forEach((value, i) => {
    expect(value).toBeCloseTo(b[i], 14)
  })
})

/** Four images of class 0, one of class 1, one of class 2; logits so that probabilities are easy to write down. */
const labels = Int32Array.of(0, 0, 0, 0, 1, 2)
const predicted = [0, 0, 0, 1, 1, 0]
const logits = Float32Array.from(predicted.flatMap((label) => [0, 1, 2].map((k) => (k === label ? Math.log(2) : 0))))

test('accuracies are of images, of classes, and of their mean', () => {
  const measures = measureClassification(logits, labels, 3)
  expect(measures.top1Pct).toBeCloseTo((100 * 4) / 6)
  expect(measures.classes.map(({ images, accuracyPct }) => [images, accuracyPct])).toEqual([
    [4, 75],
    [1, 100],
    [1, 0],
  ])
  expect(measures.balancedPct).toBeCloseTo(175 / 3)
  expect(measures.confusion).toEqual([
    [3, 1, 0],
    [0, 1, 0],
    [1, 0, 0],
  ])
  expect(measures).not.toHaveProperty('top5Pct')
})

test('calibration compares accuracy and probability in 15 intervals', () => {
  const { calibration, calibrationErrorPct } = measureClassification(logits, labels, 3)
  // Every largest probability is 1/2, in the eighth of 15 intervals: (7/15, 8/15].
  expect(calibration).toHaveLength(15)
  expect(calibration.filter(({ images }) => images > 0)).toEqual([
    { from: 7 / 15, to: 8 / 15, images: 6, accuracyPct: (100 * 4) / 6, confidencePct: expect.closeTo(50) },
  ])
  expect(calibrationErrorPct).toBeCloseTo((100 * 4) / 6 - 50)
})

test('a class without images counts in no mean', () => {
  const two = measureClassification(logits.subarray(0, 15), labels.subarray(0, 5), 3)
  expect(two.classes[2]).toEqual({ images: 0 })
  expect(two.balancedPct).toBeCloseTo(87.5)
  expect(Number.isFinite(two.meanAveragePrecisionPct)).toBe(true)
})

test('top-5 counts the label among the five largest logits, the first of equal ones first', () => {
  const rows = Float32Array.of(6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0)
  expect(measureClassification(rows, Int32Array.of(5, 4), 6).top5Pct).toBe(50)
  expect(measureClassification(rows, Int32Array.of(4, 5), 6).top5Pct).toBe(50)
  expect(measureClassification(rows, Int32Array.of(4, 4), 6).top5Pct).toBe(100)
})

test('a perfect classifier has 100 % everywhere and no calibration error', () => {
  const sure = Float32Array.from(labels, () => 0)
  const perfect = Float32Array.from([...sure].flatMap((_, i) => [0, 1, 2].map((k) => (k === labels[i] ? 100 : 0))))
  const { top1Pct, balancedPct, meanAveragePrecisionPct, calibrationErrorPct } = measureClassification(
    perfect,
    labels,
    3,
  )
  expect([top1Pct, balancedPct, meanAveragePrecisionPct]).toEqual([100, 100, 100])
  expect(calibrationErrorPct).toBeCloseTo(0, 10)
})
