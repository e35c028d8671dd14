/** Measures a network on labelled images by the metric that the user chose: top-1, balanced accuracy or mAP. */
import type { Executable, Feed, Mode } from '../core/executor.ts'
import type { ReportedMetric } from '../core/metric.ts'
import { type ClassificationMeasures, measureClassification } from './classification.ts'

/** Returns the measures of a network over all batches, computed from the logits of its main head. */
export async function measureNetwork(
  executable: Pick<Executable, 'network' | 'forward'>,
  feeds: Iterable<Feed> | AsyncIterable<Feed>,
  mode: Mode,
): Promise<ClassificationMeasures> {
  const { classes } = executable.network
  const logits: Float32Array[] = []
  const labels: Int32Array[] = []
  for await (const feed of feeds) {
    const { size } = feed.batch
    logits.push((await executable.forward(feed, mode)).logits.slice(0, size * classes))
    labels.push(feed.batch.labels.slice(0, size))
  }
  const images = labels.reduce((sum, part) => sum + part.length, 0)
  return measureClassification(
    joined(logits, new Float32Array(images * classes)),
    joined(labels, new Int32Array(images)),
    classes,
  )
}

function joined<T extends Float32Array | Int32Array>(parts: readonly T[], whole: T): T {
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Returns the value of the chosen metric from the measures of a network, in %. */
export function metricPct(metric: ReportedMetric, measures: ClassificationMeasures): number {
  switch (metric) {
    case 'top1':
      return measures.top1Pct
    case 'balanced':
      return measures.balancedPct
    case 'mAP':
      return measures.meanAveragePrecisionPct
  }
}
