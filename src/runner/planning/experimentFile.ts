/** Experiment files: YAML, every key checked, paths relative to the file. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { backendNames } from '../../engine/executors.ts'
import { evaluateSchema } from '../../retrain/requestSchema.ts'
import { isTablePath } from '../../tables/openTable.ts'
import { isPluginFile } from '../plugins.ts'
import type { Experiment } from './experiment.ts'
import { parseSeeds } from './seeds.ts'

const names = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat())

const algorithm = z.union(
  [
    z.string().transform((name) => ({ name, options: {} })),
    z.strictObject({
      name: z.string(),
      options: z.record(z.string(), z.unknown()).default({}),
      protocol: z.string().optional(),
      probes: names.optional(),
    }),
  ],
  { error: 'expected a name, or { name: drnas, options: { anchor: kl } }' },
)

const seeds = z.union([z.number(), z.string(), z.array(z.int().min(0)).min(1)])

const seconds = z.number().positive()
const budget = z.union([seconds, z.record(z.string(), seconds)], {
  error: 'expected seconds above 0, or { cifar10: 20000, cifar100: 40000 }',
})

const schema = z.strictObject({
  algorithms: z.array(algorithm).min(1),
  space: z.string().optional(),
  datasets: names.optional(),
  /** Folder of each dataset. */
  data: z.record(z.string(), z.string()).optional(),
  table: z.string().optional(),
  evaluate: evaluateSchema.optional(),
  protocol: z.string().optional(),
  seeds: seeds.optional(),
  /** Simulated seconds, by dataset where they differ. */
  budget: budget.optional(),
  probes: names.optional(),
  plugins: names.optional(),
  backend: z.enum(backendNames).optional(),
  executor: z.enum(['auto', 'tfjs', 'static']).optional(),
  /** Faster multiply-adds, in other bits. */
  fastMath: z.boolean().optional(),
  store: z.string().optional(),
  jobs: z.int().min(1).optional(),
  threads: z.int().min(1).optional(),
})

/** What a file says; what it leaves out is absent. */
export interface ExperimentFile {
  readonly experiment: Partial<Experiment>
  readonly store?: string
  readonly jobs?: number
  readonly threads?: number
}

/** @throws BenchError `missing`, or `bad-input` and `unknown-name` with the place of what is wrong */
export function readExperimentFile(path: string): ExperimentFile {
  const parsed = schema.safeParse(parseYaml(readText(path), path))
  if (!parsed.success) throw explain(parsed.error.issues, path)
  const { store, jobs, threads, ...said } = parsed.data
  const here = (file: string) => resolve(dirname(path), file)
  return {
    experiment: experimentOf(said, here),
    ...(store !== undefined && { store: here(store) }),
    ...(jobs !== undefined && { jobs }),
    ...(threads !== undefined && { threads }),
  }
}

/** @param here resolves a path of the file */
function experimentOf(
  said: Omit<z.infer<typeof schema>, 'store' | 'jobs' | 'threads'>,
  here: (file: string) => string,
): Partial<Experiment> {
  const { seeds, budget, evaluate, data, plugins, table, backend = 'auto', executor, fastMath, ...rest } = said
  return {
    ...rest,
    executor: { backend, ...(executor && { executor }), ...(fastMath && { fastMath }) },
    ...(seeds !== undefined && { seeds: Array.isArray(seeds) ? seeds : parseSeeds(String(seeds)) }),
    ...(budget !== undefined && { budgetSeconds: budget }),
    ...(evaluate && { retraining: evaluate }),
    ...(data && { data: Object.fromEntries(Object.entries(data).map(([name, folder]) => [name, here(folder)])) }),
    ...(table !== undefined && { table: isTablePath(table) ? here(table) : table }),
    ...(plugins && { plugins: plugins.map((plugin) => (isPluginFile(plugin) ? here(plugin) : plugin)) }),
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new BenchError(
      'missing',
      `cannot read the experiment file ${path} (${(cause as NodeJS.ErrnoException).code})`,
      {
        cause,
      },
    )
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch (cause) {
    const [line] = (cause as Error).message.split('\n')
    throw new BenchError('bad-input', `${path} is not YAML: ${line}`, { cause })
  }
}

/** A key that does not exist explains best what else is wrong. */
function explain(issues: readonly z.core.$ZodIssue[], path: string): BenchError {
  const stranger = issues.find((issue) => issue.code === 'unrecognized_keys')
  if (stranger !== undefined) {
    const key = [...stranger.path, stranger.keys[0]].join('.')
    return unknownName(`setting in ${path}:`, key, Object.keys(schema.shape))
  }
  const [{ path: at, message }] = issues
  return new BenchError('bad-input', `${path}: ${at.length === 0 ? '' : `${at.join('.')}: `}${message}`)
}
