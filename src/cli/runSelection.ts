/** Which runs a command is about: those of a store, of an experiment, or named ones; narrowed by flags. */
import { existsSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import type { Command } from 'commander'
import { builtins } from '../builtins.ts'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { type RunRecord, readRun } from '../report/runRecord.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import { Store } from '../runner/store/store.ts'
import { commaList, repeated, storeOption } from './options.ts'
import { sayAside } from './output.ts'

export interface SelectionFlags {
  readonly store: string
  readonly algo?: readonly string[]
  readonly dataset?: readonly string[]
  readonly space?: string
  readonly protocol?: string
  readonly table?: string
  readonly plugin?: readonly string[]
  readonly data?: readonly string[]
}

export const SELECTION_HELP = 'experiment file (YAML), run folders, stores, or ids of runs; default: the whole store'

export function addSelectionFlags(command: Command): Command {
  return command
    .addOption(storeOption())
    .option('--algo <names>', 'only these algorithms', commaList)
    .option('--dataset <names>', 'only searches on these datasets', commaList)
    .option('--space <name>', 'only runs on this space')
    .option('--protocol <name>', 'only runs under this protocol')
    .option('--table <name>', 'only runs looked up in this table')
    .option('--plugin <file>', 'a plugin with spaces or algorithms of these runs', repeated)
    .option('--data <dir>', 'folder of the images, as in the experiment file or `bench run`', repeated)
}

/**
 * The selected runs, read into memory: in the experiment's order, else by id.
 * @throws BenchError `missing` where nothing is left, naming what the store has
 */
export async function selectRuns(items: readonly string[], flags: SelectionFlags): Promise<readonly RunRecord[]> {
  const folders =
    items.length === 0
      ? new Store(flags.store).runs()
      : (await Promise.all(items.map((item) => runsOf(item, flags)))).flat()
  const records = folders.map(readRun)
  if (records.length === 0) {
    throw new BenchError(
      'missing',
      `there are no runs in ${items.join(', ') || flags.store}; \`bench run\` makes some, --store names another store`,
    )
  }
  return narrowed(records, flags)
}

async function runsOf(item: string, flags: SelectionFlags): Promise<readonly RunFolder[]> {
  if (['.yaml', '.yml'].includes(extname(item))) return runsOfExperiment(item, flags)
  if (existsSync(join(item, 'run.json'))) return [new Store(dirname(item)).run(basename(item))]
  if (existsSync(item)) return new Store(item).runs()
  const store = new Store(flags.store)
  if (store.run(item).exists()) return [store.run(item)]
  throw unknownName(
    'run',
    item,
    store.runs().map(({ id }) => id),
  )
}

/** Runs that were begun; of the others it is said how many there are. */
async function runsOfExperiment(path: string, flags: SelectionFlags): Promise<readonly RunFolder[]> {
  const [{ resolveExperiment }, { makePlan }] = await Promise.all([
    import('./experimentFlags.ts'),
    import('../runner/planning/plan.ts'),
  ])
  const { experiment, registered, file } = await resolveExperiment(
    builtins,
    { plugin: flags.plugin, data: flags.data },
    path,
  )
  const { jobs } = await makePlan(experiment, registered, sayAside)
  const store = new Store(file.store ?? flags.store)
  const begun = jobs.map(({ id }) => store.run(id)).filter((run) => run.exists())
  const absent = jobs.length - begun.length
  if (absent > 0)
    sayAside(`${absent} of the ${jobs.length} runs of ${path} were never begun; bench run ${path} makes them`)
  return begun
}

const facets = {
  algo: ({ manifest }: RunRecord) => manifest.job.algorithm.name,
  dataset: ({ manifest }: RunRecord) => manifest.job.dataset.name,
  space: ({ manifest }: RunRecord) => manifest.job.space,
  protocol: ({ manifest }: RunRecord) => manifest.job.protocol.name,
  table: ({ manifest }: RunRecord) => manifest.job.table?.name ?? 'none',
} as const

function narrowed(records: readonly RunRecord[], flags: SelectionFlags): readonly RunRecord[] {
  let left = records
  for (const [flag, facet] of Object.entries(facets)) {
    const wanted = [flags[flag as keyof typeof facets] ?? []].flat()
    if (wanted.length === 0) continue
    const known = [...new Set(left.map(facet))]
    const unknown = wanted.find((name) => !known.includes(name))
    if (unknown !== undefined) throw unknownName(`${flag} among these runs`, unknown, known)
    left = left.filter((record) => wanted.includes(facet(record)))
  }
  return left
}
