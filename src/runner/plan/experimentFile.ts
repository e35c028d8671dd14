/**
 * Reads experiment files: YAML with the settings of `bench run`. Every key is checked; paths are relative to the file.
 */
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { REPORTED_METRICS } from '../../core/metric.ts'
import { backendNames } from '../../engine/index.ts'
import { evaluateSchema } from '../../retrain/settings.ts'
import { isPluginFile } from '../../system/plugins.ts'
import { oneOrMore, parsedWith, readYaml } from '../../system/yamlFile.ts'
import { isTablePath } from '../../tables/openTable.ts'
import { DEFAULTS, type Experiment, parseSeeds } from './experiment.ts'

/**
 * Schema for names in an experiment file: one name, a list of names, or names separated by commas as on the command
 * line.
 */
const names = oneOrMore(z.string()).transform((list) => list.flatMap(splitAtCommas))

const splitAtCommas = (text: string): string[] => text.split(',').map((name) => name.trim())

const algorithm = z.union(
  [
    z.string().transform((text) => splitAtCommas(text).map((name) => ({ name, options: {} }))),
    z.strictObject({
      name: z.string(),
      options: z.record(z.string(), z.unknown()).default({}),
      protocol: z.string().optional(),
      probes: oneOrMore(z.string()).optional(),
    }),
  ],
  { error: 'expected a name, or { name: drnas, options: { anchor: kl } }' },
)

/**
 * Schema for seeds in an experiment file. A number or text is read like `--seeds`; a list contains the seeds
 * themselves.
 */
const seeds = z
  .union([z.number(), z.string(), z.array(z.int().min(0)).min(1)], { error: 'expected 4, "0-3,777" or [0, 1, 777]' })
  .transform(parsedWith((value) => (Array.isArray(value) ? value : parseSeeds(String(value)))))

/**
 * Schema of the key `evaluate` in an experiment file: how found architectures are trained in full. The training seeds
 * may be written like those of the searches.
 */
const evaluate = z.preprocess(
  parsedWith((value) => {
    const { retrain } = (value ?? {}) as { readonly retrain?: { readonly seeds?: unknown } | null }
    if (typeof retrain?.seeds !== 'number' && typeof retrain?.seeds !== 'string') return value
    return { retrain: { ...retrain, seeds: parseSeeds(String(retrain.seeds)) } }
  }),
  evaluateSchema,
)

const seconds = z.number().positive()
const budget = z.union([seconds, z.record(z.string(), seconds)], {
  error: 'expected seconds above 0, or { cifar10: 20000, cifar100: 40000 }',
})

const schema = z.strictObject({
  algorithms: oneOrMore(algorithm).transform((list) => list.flat()),
  space: z.string().optional(),
  datasets: names.optional(),
  /** Image folder for each dataset name, or the folder of the experiment's only dataset. */
  data: z
    .union([z.string(), z.record(z.string(), z.string())], { error: 'expected a folder, or { cifar10: FOLDER }' })
    .optional(),
  table: z.string().optional(),
  evaluate: evaluate.optional(),
  protocol: z.string().optional(),
  metric: z.enum(REPORTED_METRICS).optional(),
  seeds: seeds.optional(),
  /** Budget of each black-box search in simulated seconds: the same for all datasets, or one by dataset name. */
  budget: budget.optional(),
  probes: oneOrMore(z.string()).optional(),
  plugins: oneOrMore(z.string()).optional(),
  backend: z.enum(backendNames).optional(),
  executor: z.enum(['auto', 'tfjs', 'static']).optional(),
  /** Whether kernels use fused multiply-adds, which are faster but change the last bits of the results. */
  fastMath: z.boolean().optional(),
  store: z.string().optional(),
  jobs: z.int().min(1).optional(),
  threads: z.int().min(1).optional(),
  /** Path of the file with claims of papers, with which reports compare the runs of the experiment. */
  claims: z.string().optional(),
})

/** The settings in an experiment file; those that the file leaves out are absent. */
export interface ExperimentFile {
  readonly experiment: Partial<Experiment>
  readonly store?: string
  readonly jobs?: number
  readonly threads?: number
  /** Path of the file with the papers' claims about the experiment. */
  readonly claims?: string
}

/**
 * Returns the settings in an experiment file.
 * @throws BenchError `missing`, or `bad-input` and `unknown-name` with the faulty key
 */
export function readExperimentFile(path: string): ExperimentFile {
  const { data } = readYaml(path, { what: 'experiment file', schema, example: '"algorithms: [drnas]"' })
  const { store, jobs, threads, claims, ...settings } = data
  const here = (file: string) => resolve(dirname(path), file)
  return {
    experiment: experimentOf(settings, here),
    ...(store !== undefined && { store: here(store) }),
    ...(jobs !== undefined && { jobs }),
    ...(threads !== undefined && { threads }),
    ...(claims !== undefined && { claims: here(claims) }),
  }
}

/**
 * Converts the settings in an experiment file to the settings of an experiment.
 * @param here resolves a path relative to the file
 */
function experimentOf(
  settings: Omit<z.infer<typeof schema>, 'store' | 'jobs' | 'threads' | 'claims'>,
  here: (file: string) => string,
): Partial<Experiment> {
  const { algorithms, seeds, budget, evaluate, data, plugins, table, ...other } = settings
  const { backend = 'auto', executor, fastMath, ...rest } = other
  const fileHere = (name: string) => (isPluginFile(name) ? here(name) : name)
  return {
    ...rest,
    algorithms: algorithms.map((algorithm) => ({ ...algorithm, name: fileHere(algorithm.name) })),
    executor: { backend, ...(executor && { executor }), ...(fastMath && { fastMath }) },
    ...(seeds !== undefined && { seeds }),
    ...(budget !== undefined && { budgetSeconds: budget }),
    ...(evaluate && { retraining: evaluate }),
    ...(data !== undefined && { data: foldersOf(data, rest.datasets ?? DEFAULTS.datasets, here) }),
    ...(table !== undefined && { table: isTablePath(table) ? here(table) : table }),
    ...(plugins && { plugins: plugins.map(fileHere) }),
  }
}

/** Returns the image folders in an experiment file, by dataset name. A single folder belongs to the only dataset. */
function foldersOf(
  data: string | Readonly<Record<string, string>>,
  datasets: readonly string[],
  here: (file: string) => string,
): Record<string, string> {
  if (typeof data !== 'string') {
    return Object.fromEntries(Object.entries(data).map(([name, folder]) => [name, here(folder)]))
  }
  if (datasets.length === 1) return { [datasets[0]]: here(data) }
  throw new BenchError('bad-input', `data: ${data}: with several datasets write data: { ${datasets[0]}: FOLDER }`)
}
