/** Recipe files: YAML, every setting stated and checked. What the package brings is in `configs/recipes/`. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { deterministicBackends } from '../engine/index.ts'
import { oneOrMore, readYaml } from '../system/yamlFile.ts'
import type { Recipe } from '../tables/recipe.ts'

const FOLDER = fileURLToPath(new URL('../../configs/recipes', import.meta.url))

const size = z.int().min(1)
const share = z.number().min(0)

const schema = z.strictObject({
  space: z.string(),
  dataset: z.string(),
  executor: z.strictObject({ backend: z.enum(deterministicBackends), executor: z.enum(['tfjs', 'static']) }),
  network: z.strictObject({ channels: size, depth: size }),
  batchSize: size,
  training: z.strictObject({
    epochs: size,
    sgd: z.strictObject({
      momentum: share,
      nesterov: z.boolean(),
      weightDecay: share,
      clipNorm: z.number().positive().nullable(),
    }),
    learningRate: z.number().positive(),
    learningRateMin: share,
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

/** A recipe, but for the images, which are known by name only. */
export type RecipeFile = z.infer<typeof schema>

/**
 * @param nameOrPath `micro` and the like, or the path of a YAML file
 * @throws BenchError `missing`, or `bad-input` and `unknown-name` with the setting that is wrong
 */
export function readRecipe(nameOrPath: string): RecipeFile {
  const path = /[./\\]/.test(nameOrPath) ? nameOrPath : join(FOLDER, `${nameOrPath}.yaml`)
  const parsed = schema.safeParse(readYaml(path, 'recipe', 'give a YAML file, or "micro"'))
  if (parsed.success) return parsed.data
  throw explain(parsed.error.issues[0], path)
}

/** @param contentHash of the images of that name here */
export function recipeFor({ dataset, ...settings }: RecipeFile, contentHash: string): Recipe {
  return { version: 1, dataset: { name: dataset, contentHash }, ...settings }
}

function explain(issue: z.core.$ZodIssue, path: string): BenchError {
  const at = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    return unknownName(`setting in ${path}:`, [at, issue.keys[0]].filter(Boolean).join('.'), Object.keys(schema.shape))
  }
  return new BenchError('bad-input', `${path}: ${at === '' ? '' : `${at}: `}${issue.message}`)
}
