/**
 * Reads a search of NASLib on NAS-Bench-201: `errors.json`, which its trainer writes (automl/NASLib:
 * naslib/defaults/trainer.py), and the final architecture from `log.log` in the same folder.
 *
 * `errors.json` is the dict of the trajectory, or the list of configuration and trajectory (`lightweight_output`). The
 * trajectory has a number per epoch for `train_acc`, `valid_acc`, `runtime` and, of black-box searches, `train_time`.
 * It has no architectures. `log.log` has the final one in a line `Final architecture hash: (0, 2, 2, 0, 1, 2)`: the
 * operations of the six edges in NASLib's order.
 */
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { problemIn } from '../../core/parseRecord.ts'
import { limitOf } from '../../system/limits.ts'
import { isThere } from '../../system/readable.ts'
import { boundedText, type ForeignRun, type Reading } from './foreignRuns.ts'

const numbers = z.array(z.number().nullable())
const trajectorySchema = z.looseObject({
  train_acc: numbers.default([]),
  valid_acc: numbers,
  train_time: numbers.default([]),
})
const configSchema = z.looseObject({
  optimizer: z.string().max(200).optional(),
  dataset: z.string().max(200).optional(),
  search_space: z.string().max(200).optional(),
  seed: z.int().min(0).optional(),
  search: z.looseObject({ seed: z.int().min(0).optional() }).optional(),
})
const fileSchema = z.union([
  trajectorySchema.transform((trajectory) => ({ config: {} as z.infer<typeof configSchema>, trajectory })),
  z.tuple([configSchema, trajectorySchema]).transform(([config, trajectory]) => ({ config, trajectory })),
])

/**
 * Operations of NAS-Bench-201 by the integer that NASLib encodes them with
 * (naslib/search_spaces/nasbench201/conversions.py).
 */
const OPERATIONS = ['skip_connect', 'none', 'nor_conv_3x3', 'nor_conv_1x1', 'avg_pool_3x3'] as const

/** Returns the run in a file `errors.json`. @throws BenchError `bad-input` that says what is wrong or missing */
export async function readNaslib(text: string, reading: Reading): Promise<readonly ForeignRun[]> {
  const { config, trajectory } = contentOf(text, reading)
  const { options, path, name } = reading
  const folder = dirname(path)
  const seedOfFolder = /^\d{1,15}$/.test(basename(folder)) ? Number(basename(folder)) : undefined
  const missing = (what: string): never => {
    throw new BenchError('bad-input', `${name} does not say the ${what} of the search; give --${what}`)
  }
  const epochs = trajectory.valid_acc.length
  if (epochs > limitOf('run-points')) throw reading.fault('valid_acc', `more than ${limitOf('run-points')} epochs`)
  if (options.answerEpoch !== undefined) {
    throw new BenchError('bad-input', `${name}: NASLib records only the final architecture; leave --answer out`)
  }
  const run = {
    method: options.method ?? config.optimizer ?? missing('method'),
    seed: options.seed ?? config.search?.seed ?? config.seed ?? seedOfFolder ?? missing('seed'),
    dataset: options.dataset ?? config.dataset ?? missing('dataset'),
  }
  const log = join(folder, 'log.log')
  if (!isThere(log)) {
    const remedy = 'NASLib writes the final architecture there; copy it from the folder of the search'
    throw new BenchError('missing', `${name}: there is no ${log}; ${remedy}`)
  }
  const { code, place } = finalArchitecture(await boundedText(log), log)
  const genotype = reading.genotype(code, place)
  reading.add(run, { place, ...(genotype && { genotype }) })
  const queries = queriesOf(trajectory)
  return reading.runs().map((found) => ({ ...found, epochs, ...(queries && { queries }) }))
}

function contentOf(text: string, reading: Reading): z.infer<typeof fileSchema> {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw reading.fault('its content', 'no JSON, as if it were cut off; expected errors.json of NASLib')
  }
  const checked = fileSchema.safeParse(content)
  if (checked.success) return checked.data
  throw reading.fault('its content', `not errors.json of NASLib: ${problemIn(checked.error)}`)
}

/** Returns the final architecture in a NASLib log, as a string of NAS-Bench-201, and the line where it is. */
function finalArchitecture(text: string, log: string): { readonly code: string; readonly place: string } {
  const lines = text.split('\n')
  const form = /Final architecture hash: \(((?:[0-4], ){5}[0-4])\)\s*$/
  const at = lines.findLastIndex((line) => form.test(line))
  const digits = form.exec(lines[at] ?? '')?.[1]
  if (digits === undefined) {
    const expected = 'a line "Final architecture hash: (0, 2, 2, 0, 1, 2)", which NASLib writes on NAS-Bench-201'
    throw new BenchError('bad-input', `${log} has no final architecture; expected ${expected}`)
  }
  // NASLib's edges are those from node 0 (to 1, 2, 3), from node 1 (to 2, 3), and from node 2.
  const [e01, e02, e03, e12, e13, e23] = digits.split(', ').map((digit) => OPERATIONS[Number(digit)])
  return { code: `|${e01}~0|+|${e02}~0|${e12}~1|+|${e03}~0|${e13}~1|${e23}~2|`, place: `log.log line ${at + 1}` }
}

/** Returns accuracies and cumulative training times of a black-box search; undefined if the trajectory has no times. */
function queriesOf({ valid_acc, train_time }: z.infer<typeof trajectorySchema>): ForeignRun['queries'] {
  const isWhole = train_time.length === valid_acc.length && train_time.length > 0
  if (!isWhole || [...valid_acc, ...train_time].some((value) => value === null || value < 0)) return undefined
  let usedSeconds = 0
  return valid_acc.map((accuracyPct, i) => {
    usedSeconds += train_time[i] as number
    return { accuracyPct: accuracyPct as number, usedSeconds }
  })
}
