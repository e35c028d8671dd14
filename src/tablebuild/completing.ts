/**
 * An evaluator that looks architectures up in a built table, and trains those that the table lacks by the table's
 * recipe.
 */
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { ImageShape } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import type { Evaluation, Evaluator } from '../core/evaluation.ts'
import type { Metric } from '../core/metric.ts'
import { macCount, parameterCount } from '../core/network.ts'
import { parseRecord } from '../core/parseRecord.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import { writeAtomically } from '../system/atomicFile.ts'
import { readIfThere } from '../system/readable.ts'
import { type Recipe, recipeHash, shapeFor } from '../tables/recipe.ts'
import { MissingRow } from '../tables/tableEvaluator.ts'
import { userTables } from '../tables/tableFolders.ts'
import { mean } from './tableTrainings.ts'
import { SPLITS, type TrainedArchitecture, trainedArchitecture } from './trainArchitecture.ts'
import { representative } from './trainingSet.ts'

export interface Completion<G extends Genotype> {
  readonly space: SearchSpace<G>
  readonly recipe: Recipe
  /** Shape of the dataset's images, before the recipe scales them. */
  readonly shape: ImageShape
  /** Store on disk for the trainings of architectures that the table lacks. */
  readonly trainings: Trainings
  /** Trains one architecture with one training seed by the table's recipe. */
  train(genotype: G, seed: number): Promise<TrainedArchitecture>
}

/**
 * Returns an evaluator that looks architectures up in an incomplete table and trains those that the table lacks.
 * @param table evaluator of the table, which throws `MissingRow` for architectures that the table lacks
 */
export function completingEvaluator<G extends Genotype>(table: Evaluator, completion: Completion<G>): Evaluator {
  const { space, recipe, trainings } = completion

  const kept = (genotype: Genotype) => trainings.read(space.format(representative(space, genotype as G, recipe)))

  const trained = async (genotype: Genotype): Promise<readonly TrainedArchitecture[]> => {
    const earlier = kept(genotype)
    if (earlier !== undefined) return earlier
    const chosen = representative(space, genotype as G, recipe)
    const made: TrainedArchitecture[] = []
    for (const seed of recipe.seeds) made.push(await completion.train(chosen, seed))
    trainings.write(space.format(chosen), made)
    return made
  }

  const evaluation = (genotype: Genotype, made: readonly TrainedArchitecture[]): Evaluation => {
    const network = space.network(genotype as G, { shape: shapeFor(recipe, completion.shape), ...recipe.network })
    return { metrics: metricsOf(made, recipe), parameters: parameterCount(network), macs: macCount(network) }
  }

  return {
    identity: `${table.identity}+${recipeHash(recipe)}`,
    evaluate: (genotype) =>
      unlessMissing(table.evaluate(genotype), async () => evaluation(genotype, await trained(genotype))),
    lookup: (genotype) =>
      unlessMissing(table.lookup(genotype), async () => {
        const made = kept(genotype)
        return made === undefined ? undefined : evaluation(genotype, made)
      }),
    validate: (genotype) => unlessMissing(table.validate(genotype), async () => answerOf(await trained(genotype))),
  }
}

async function unlessMissing<T>(answer: Promise<T>, otherwise: () => Promise<T>): Promise<T> {
  try {
    return (await answer) ?? (await otherwise())
  } catch (error) {
    if (error instanceof MissingRow) return otherwise()
    throw error
  }
}

/**
 * Returns the accuracies of an architecture on each split (such as `x-valid`): one for each training seed, then the
 * mean over the seeds.
 */
function metricsOf(trainings: readonly TrainedArchitecture[], { dataset, training: { epochs } }: Recipe): Metric[] {
  return SPLITS.flatMap((split) => {
    const qualifier = { dataset: dataset.name, split, epochs }
    const singles = trainings.map(({ seed, accuraciesPct }) => ({
      ...qualifier,
      seed,
      accuracyPct: accuraciesPct[split],
    }))
    return [...singles, { ...qualifier, seed: 'mean' as const, accuracyPct: mean(singles.map((m) => m.accuracyPct)) }]
  })
}

/**
 * Returns the answer to a query of a black-box search: the validation accuracy, and the seconds of training plus one
 * validation pass, each the mean over the training seeds.
 */
const answerOf = (trainings: readonly TrainedArchitecture[]) => ({
  accuracyPct: mean(trainings.map(({ accuraciesPct }) => accuraciesPct['x-valid'])),
  seconds: mean(trainings.map(({ seconds }) => seconds.train + seconds.valid)),
})

/** Number of hexadecimal digits of a hash that are used in a folder or file name. */
const DIGITS = 16

/** Content of the file that stores the trainings of one architecture that a table lacks. */
export interface KeptTrainings {
  readonly schema: 1
  readonly genotype: string
  readonly recipe: string
  /** The trainings of the architecture, one for each training seed of the recipe. */
  readonly trainings: readonly TrainedArchitecture[]
}

const keptTrainings: z.ZodType<KeptTrainings> = z.looseObject({
  schema: z.literal(1),
  genotype: z.string(),
  recipe: z.string(),
  trainings: z.array(trainedArchitecture).min(1),
})

/**
 * Stores on disk the trainings of architectures that a table lacks. Each recipe has a folder with one file per
 * architecture.
 */
export class Trainings {
  readonly #folder: string
  readonly #recipe: string

  /**
   * @param root folder that contains a folder of trainings for each recipe; absent: `trained`, beside the user's tables
   */
  constructor(recipe: Recipe, root: string = join(dirname(userTables()), 'trained')) {
    this.#recipe = recipeHash(recipe)
    this.#folder = join(root, this.#recipe.slice(0, DIGITS))
  }

  /** Returns the stored trainings of an architecture; undefined if there are none. @throws BenchError `corrupt` */
  read(genotype: string): readonly TrainedArchitecture[] | undefined {
    const path = this.path(genotype)
    const text = readIfThere(path)?.toString('utf8')
    if (text === undefined) return undefined
    const kept = parseRecord(text, path, {
      schema: keptTrainings,
      what: 'a file of kept trainings',
      remedy: 'delete it',
    })
    if (kept.genotype !== genotype || kept.recipe !== this.#recipe) {
      throw new BenchError('corrupt', `${path} does not hold the trainings of ${genotype}; delete it`)
    }
    return kept.trainings
  }

  /** Writes the trainings of an architecture to their file. */
  write(genotype: string, trainings: readonly TrainedArchitecture[]): void {
    const kept: KeptTrainings = { schema: 1, genotype, recipe: this.#recipe, trainings }
    writeAtomically(this.path(genotype), `${JSON.stringify(kept)}\n`)
  }

  /** Returns the path of the file with the stored trainings of an architecture. */
  path(genotype: string): string {
    const name = createHash('sha256').update(genotype).digest('hex').slice(0, DIGITS)
    return join(this.#folder, `${name}.json`)
  }
}
