/** Trainings of architectures that a table lacks, kept for good: one file an architecture, by recipe. */
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { parseRecord } from '../core/recordSchemas.ts'
import { writeAtomically } from '../system/atomicFile.ts'
import { readIfThere } from '../system/readable.ts'
import { type Recipe, recipeHash } from '../tables/recipe.ts'
import { userTables } from '../tables/tableFolders.ts'
import { type TrainedArchitecture, trainedArchitecture } from './trainArchitecture.ts'

/** Digits of a hash that name a folder or a file. */
const DIGITS = 16

export interface KeptTrainings {
  readonly schema: 1
  readonly genotype: string
  readonly recipe: string
  /** One for each seed of the recipe. */
  readonly trainings: readonly TrainedArchitecture[]
}

const keptTrainings: z.ZodType<KeptTrainings> = z.looseObject({
  schema: z.literal(1),
  genotype: z.string(),
  recipe: z.string(),
  trainings: z.array(trainedArchitecture).min(1),
})

export class Trainings {
  readonly #folder: string
  readonly #recipe: string

  /** @param root where trainings of all recipes are kept; absent: beside the user's tables */
  constructor(recipe: Recipe, root: string = join(dirname(userTables()), 'trained')) {
    this.#recipe = recipeHash(recipe)
    this.#folder = join(root, this.#recipe.slice(0, DIGITS))
  }

  /** @throws BenchError `corrupt` where the file is another architecture's */
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

  write(genotype: string, trainings: readonly TrainedArchitecture[]): void {
    const kept: KeptTrainings = { schema: 1, genotype, recipe: this.#recipe, trainings }
    writeAtomically(this.path(genotype), `${JSON.stringify(kept)}\n`)
  }

  /** Where the trainings of an architecture are kept. */
  path(genotype: string): string {
    const name = createHash('sha256').update(genotype).digest('hex').slice(0, DIGITS)
    return join(this.#folder, `${name}.json`)
  }
}
