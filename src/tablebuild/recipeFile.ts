/**
 * Reads recipe files: YAML with every setting of the trainings of a built table. The package's own recipes are in
 * `configs/recipes/`.
 */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { unknownName } from '../core/names.ts'
import { deterministicBackends } from '../engine/index.ts'
import { oneOrMore, readYaml } from '../system/yamlFile.ts'
import type { Recipe } from '../tables/recipe.ts'

const FOLDER = fileURLToPath(new URL('../../configs/recipes', import.meta.url))

const size = z.int().min(1)
const nonNegative = z.number().min(0)

const schema = z.strictObject({
  space: z.string(),
  dataset: z.string(),
  executor: z.strictObject({ backend: z.enum(deterministicBackends), executor: z.enum(['tfjs', 'static']) }),
  network: z.strictObject({ channels: size, depth: size }),
  batchSize: size,
  training: z.strictObject({
    epochs: size,
    sgd: z.strictObject({
      momentum: nonNegative,
      nesterov: z.boolean(),
      weightDecay: nonNegative,
      clipNorm: z.number().positive().nullable(),
    }),
    learningRate: z.number().positive(),
    learningRateMin: nonNegative,
  }),
  data: z.strictObject({
    cropPadding: z.int().min(0),
    flip: z.boolean(),
    cutout: z.int().min(0),
    imageSize: size.nullable(),
    limit: size.nullable(),
  }),
  share: z.boolean(),
  seeds: oneOrMore(z.int().min(0)),
})

/** Content of a recipe file: a recipe with the name of its image dataset but without the content hash of the images. */
export type RecipeFile = z.infer<typeof schema> & Pick<Recipe, 'spacePlugin'>

/**
 * Returns the recipe in a recipe file, after checking its settings.
 * @param nameOrPath name of one of the package's recipes (`micro`), or the path of a YAML file
 * @throws BenchError `missing`, or `bad-input` and `unknown-name` that name the faulty setting
 */
export function readRecipe(nameOrPath: string): RecipeFile {
  const kind = { what: 'recipe', schema, example: join(FOLDER, 'micro.yaml'), remedy: 'give a YAML file, or "micro"' }
  if (/[./\\]/.test(nameOrPath)) return readYaml(nameOrPath, kind).data
  const names = readdirSync(FOLDER).map((file) => basename(file, '.yaml'))
  if (!names.includes(nameOrPath)) throw unknownName('recipe', nameOrPath, names)
  return readYaml(join(FOLDER, `${nameOrPath}.yaml`), kind).data
}

/**
 * Returns a complete recipe, made from a recipe file and the hash of the images.
 * @param contentHash hash of the dataset's images on this machine
 */
export function recipeFor({ dataset, ...settings }: RecipeFile, contentHash: string): Recipe {
  return { version: 1, dataset: { name: dataset, contentHash }, ...settings }
}
