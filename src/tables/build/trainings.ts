/** Trainings of architectures that a table lacks, kept for good: one file an architecture, by recipe. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeAtomically } from '../../core/atomicFile.ts'
import { BenchError } from '../../core/errors.ts'
import { userTables } from '../tableFolders.ts'
import { type Recipe, recipeHash } from './recipe.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'

/** Digits of a hash that name a folder or a file. */
const DIGITS = 16

export interface KeptTrainings {
  readonly schema: 1
  readonly genotype: string
  readonly recipe: string
  /** One for each seed of the recipe. */
  readonly trainings: readonly TrainedArchitecture[]
}

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
    const path = this.#path(genotype)
    const text = readIfThere(path)
    if (text === undefined) return undefined
    const kept: KeptTrainings = JSON.parse(text)
    if (kept.schema !== 1 || kept.genotype !== genotype || kept.recipe !== this.#recipe) {
      throw new BenchError('corrupt', `${path} does not hold the trainings of ${genotype}; delete it`)
    }
    return kept.trainings
  }

  write(genotype: string, trainings: readonly TrainedArchitecture[]): void {
    const kept: KeptTrainings = { schema: 1, genotype, recipe: this.#recipe, trainings }
    writeAtomically(this.#path(genotype), `${JSON.stringify(kept)}\n`)
  }

  #path(genotype: string): string {
    const name = createHash('sha256').update(genotype).digest('hex').slice(0, DIGITS)
    return join(this.#folder, `${name}.json`)
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
