/** The per-epoch curves of what was trained, for every architecture that the trainings serve. */
import { groupBy } from '../system/groupBy.ts'
import { encodeCurves } from '../tables/curves.ts'
import type { CurvesBatch } from '../tables/curvesFile.ts'
import type { ArchitectureRuns, TrainingRun } from '../tables/importers/trainingRuns.ts'
import type { Recipe } from '../tables/recipe.ts'
import type { Sharing } from './sharing.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'
import type { TrainingRecord } from './trainingSet.ts'

/** Architectures in one record batch: what is read to show one of them. */
const BATCH = 256

/** Of the steps of each epoch; validation and test accuracies are measured at the end only. */
export function* builtCurves(
  records: readonly TrainingRecord<TrainedArchitecture>[],
  recipe: Recipe,
  { count, servedBy }: Sharing,
): Generator<CurvesBatch> {
  const recordsOf = groupBy(records, ({ index }) => index)
  for (let first = 0; first < count; first += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => first + i)
    const architectures = indices.flatMap((index): ArchitectureRuns[] => {
      const own = recordsOf.get(servedBy(index)) ?? []
      return own.length === 0 ? [] : [{ index, arch: '', runs: own.map(({ trained }) => runOf(trained, recipe)) }]
    })
    if (architectures.length === 0) continue
    const last = architectures[architectures.length - 1]
    yield { range: [architectures[0].index, last.index], bytes: encodeCurves(architectures) }
  }
}

function runOf({ seed, curves, seconds }: TrainedArchitecture, { dataset, training: { epochs } }: Recipe): TrainingRun {
  const train = {
    split: 'train',
    accuracyPct: Float64Array.from(curves.trainAccuracyPct),
    loss: Float64Array.from(curves.trainLoss),
    seconds: new Float64Array(epochs).fill(seconds.train / epochs),
  }
  return { dataset: dataset.name, epochs, seed, splits: [train] }
}
