/** Parses requests for full trainings from experiment files and from `--evaluate retrain:…`. */
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import type { RetrainingRequest } from './settings.ts'

const count = z.coerce.number().int().min(1)

export const requestSchema = z.strictObject({
  preset: z.string().optional(),
  seeds: z.array(z.int().min(0)).min(1).optional(),
  epochs: count.optional(),
  channels: count.optional(),
  layers: count.optional(),
  batchSize: count.optional(),
  limit: count.optional(),
  imageSize: count.optional(),
  auxiliary: z.union([z.boolean(), z.stringbool()]).optional(),
  brokenImages: z.enum(['fail', 'skip']).optional(),
  family: z.enum(['cifar', 'imagenet']).optional(),
})

/** Schema of `evaluate` in experiment files: `retrain`, alone or with settings. */
export const evaluateSchema = z.union(
  [z.literal('retrain').transform(() => ({})), z.strictObject({ retrain: requestSchema }).transform((e) => e.retrain)],
  { error: 'expected retrain, or { retrain: { preset: trial, epochs: 2 } }' },
)

/** Parses `retrain` or `retrain:preset=trial,epochs=2`. @throws BenchError `unknown-name` or `bad-input` */
export function parseEvaluate(text: string): RetrainingRequest {
  const [word, changes] = text.split(/:(.*)/s)
  if (word !== 'retrain') throw unknownName('evaluation', word, ['retrain'])
  const entries = (changes?.split(',') ?? []).map((change) => change.split(/=(.*)/s).slice(0, 2))
  const known = Object.keys(requestSchema.shape).filter((key) => key !== 'seeds')
  const unknownKey = entries.find(([key]) => !known.includes(key))
  if (unknownKey !== undefined) throw unknownName('setting of --evaluate retrain', unknownKey[0], known)
  const parsed = requestSchema.safeParse(Object.fromEntries(entries))
  if (parsed.success) return parsed.data
  const [{ path, message }] = parsed.error.issues
  throw new BenchError('bad-input', `--evaluate ${text}: ${path.join('.')}: ${message}`)
}
