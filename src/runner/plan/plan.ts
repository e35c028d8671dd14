/**
 * Turns an experiment into its jobs (algorithm × dataset × seed), with every setting resolved. Reads names and hashes,
 * but opens no images and no backend. Only a plan that is to run looks for a GPU.
 */

import type { Algorithm } from '../../core/algorithm.ts'
import { areStated } from '../../core/classWeights.ts'
import { BenchError } from '../../core/errors.ts'
import type { ReportedMetric } from '../../core/metric.ts'
import { requireOnce } from '../../core/names.ts'
import { onceByKey } from '../../core/onceEach.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { Finder, Job } from '../../core/result.ts'
import type { RetrainingTask } from '../../core/retraining.ts'
import type { SearchSpace } from '../../core/space.ts'
import { knownName } from '../../data/datasetNames.ts'
import { type ExecutorIdentity, executorIdentity, possibleIdentities } from '../../engine/index.ts'
import { requireSettingsFor, resolveProtocol } from '../../protocols/index.ts'
import type { Registered } from '../../system/plugins.ts'
import { imageSizeOf, type Recipe } from '../../tables/recipe.ts'
import { resolveOptions } from './algorithmOptions.ts'
import { checkSearch } from './checkSearch.ts'
import { type AlgorithmRequest, budgetsByDataset, type Experiment } from './experiment.ts'
import { runId } from './identity.ts'
import { checkSearchable, datasetIdentity, type ImagesIdentity, searchImagesIdentity } from './images.ts'
import { findLookup, type Lookup, type LookupRequest, tableIdentity } from './lookup.ts'
import { planRetraining, retrainingImagesIdentity } from './retraining.ts'

/** The jobs of an experiment, and the tables in which their architectures are looked up. */
export interface Plan {
  readonly experiment: Experiment
  readonly space: SearchSpace
  /** For each dataset name: the lookup table and the columns of it that are reported. */
  readonly lookups: ReadonlyMap<string, Lookup>
  readonly jobs: readonly PlannedJob[]
}

/** A job of the plan, with the id of its run and its search algorithm. */
export interface PlannedJob {
  readonly id: string
  readonly job: Job
  readonly algorithm: Algorithm
  /** The search that found the job's architecture, if the job trains a given architecture in full. */
  readonly foundBy?: Finder
}

/**
 * Returns the jobs of an experiment and their lookup tables. Writes nothing to the store.
 * @param report called with messages to the user, such as that images are being decoded for the first time
 * @throws BenchError for an unknown name, a bad option or settings that contradict each other
 */
export async function makePlan(
  asked: Experiment,
  registered: Registered,
  report: (line: string) => void = () => {},
): Promise<Plan> {
  return planOn(asked, registered, report, executorIdentity)
}

/**
 * Returns the jobs of an experiment for a command that only reads their runs, and so looks for no GPU. Where the backend
 * is `auto`, the runs may have been made on a machine with a GPU or without: the jobs are those of which the most runs
 * exist, at a tie those of a GPU; if there are no runs, the jobs of a machine without a GPU.
 * @param isThere tells whether there is a run with this id
 * @throws BenchError as `makePlan`
 */
export async function jobsToRead(
  asked: Experiment,
  registered: Registered,
  { isThere, report }: { isThere(id: string): boolean; report(line: string): void },
): Promise<readonly PlannedJob[]> {
  const [portable, ...others] = possibleIdentities(asked.executor)
  const { jobs } = await planOn(asked, registered, report, async () => portable)
  if (others.length === 0) return jobs
  const candidates = [...others.map((identity) => jobs.map((planned) => onExecutor(planned, identity))), jobs]
  const counts = candidates.map((planned) => planned.filter(({ id }) => isThere(id)).length)
  const most = Math.max(...counts)
  return most === 0 ? jobs : candidates[counts.indexOf(most)]
}

/** Returns a planned job as another executor runs it; the same one if it trains no network. */
function onExecutor(planned: PlannedJob, identity: ExecutorIdentity): PlannedJob {
  if (planned.job.executor === undefined) return planned
  const job = { ...planned.job, ...identity }
  return { ...planned, id: runId(job), job }
}

/** @param identify returns the identity of the executor that the jobs run on, for those that train a network */
async function planOn(
  asked: Experiment,
  registered: Registered,
  report: (line: string) => void,
  identify: typeof executorIdentity,
): Promise<Plan> {
  const reported = new Set<string>()
  const reportOnce = (line: string) => {
    if (!reported.has(line)) report(line)
    reported.add(line)
  }
  const experiment = withKnownNames(asked)
  const space = registered.registry.space(experiment.space)
  const algorithms = experiment.algorithms.map(({ name, options, ...own }): AlgorithmEntry => {
    const algorithm = registered.registry.algorithm(name)
    checkSpace(algorithm, space)
    const { protocol, probes, foundBy }: Pick<AlgorithmRequest, 'foundBy'> & Experiment = { ...experiment, ...own }
    const plugin = registered.origins.get(algorithm)
    return { algorithm, options: resolveOptions(algorithm, options), protocol, probes, plugin, foundBy }
  })
  for (const { probes } of algorithms) await checkProbes(probes)
  const budgetOn = budgetsByDataset(experiment.datasets, experiment.budgetSeconds)
  const images = plannedImages(reportOnce)
  const lookups = new Map<string, Lookup>()
  const jobs: PlannedJob[] = []
  for (const dataset of experiment.datasets) {
    for (const entry of algorithms) {
      const { lookup, job } = await describeJob(
        experiment,
        {
          space,
          spacePlugin: registered.origins.get(space),
          dataset,
          budgetSeconds: budgetOn(dataset),
          images,
          identify,
        },
        entry,
      )
      lookups.set(dataset, lookup)
      for (const seed of experiment.seeds) jobs.push(plannedJob({ ...job, seed }, entry))
    }
  }
  return { experiment, space, lookups, jobs: firstOfEach(jobs) }
}

/**
 * Returns the experiment with dataset names in their official spelling; the user may type them in upper or lower case.
 */
function withKnownNames(experiment: Experiment): Experiment {
  const folders = Object.entries(experiment.data).map(([name, folder]) => [knownName(name), folder])
  return { ...experiment, datasets: experiment.datasets.map(knownName), data: Object.fromEntries(folders) }
}

/** A search algorithm of the experiment, with its options resolved. */
interface AlgorithmEntry {
  readonly algorithm: Algorithm
  readonly options: Record<string, unknown>
  readonly protocol: string
  readonly probes: readonly string[]
  readonly plugin: string | undefined
  readonly foundBy: Finder | undefined
}

/** Search space, dataset and budget that are the same for all algorithms of the experiment. */
interface SearchedOn {
  readonly space: SearchSpace
  readonly spacePlugin: string | undefined
  readonly dataset: string
  readonly budgetSeconds: number | undefined
  readonly images: PlannedImages
  readonly identify: typeof executorIdentity
}

/** Returns the description of a job except for its seed, and the lookup table of its dataset. */
async function describeJob(
  experiment: Experiment,
  { space, spacePlugin, dataset, budgetSeconds, images, identify }: SearchedOn,
  { algorithm, options, protocol: preset, probes, plugin }: AlgorithmEntry,
): Promise<{ readonly lookup: Lookup; readonly job: Omit<Job, 'seed'> }> {
  const { data, executor } = experiment
  const resolved = resolveProtocol(preset, { space: space.name, dataset, algorithm: algorithm.name })
  const { metric = resolved.metric ?? 'top1' } = experiment
  // A metric that changes nothing leaves the job the same, so that it is not run again.
  const protocol = metric === (resolved.metric ?? 'top1') ? resolved : { ...resolved, metric }
  const trains = algorithm.kind === 'supernet'
  if (trains) {
    requireSettingsFor(preset, space.name)
    checkSearchable(protocol, space, dataset)
  }
  const retraining =
    experiment.retraining && planRetraining(experiment.retraining, { space, algorithm, dataset, protocol })
  const lookup = await lookupFor(experiment, {
    space,
    dataset,
    wanted: protocol.headline[dataset],
    ...(spacePlugin && { plugins: experiment.plugins }),
  })
  checkSearch(algorithm, options, {
    space,
    protocol,
    dataset,
    lookup,
    budgetSeconds,
    retrained: retraining !== undefined,
  })
  if (protocol.metric) checkMetric(protocol.metric, algorithm, { retrained: retraining !== undefined, lookup })
  const folder = data[dataset]
  await checkImages(lookup, images, dataset, folder)
  if (retraining && trains) await checkRetrainable(retraining, images, dataset, folder)
  const job = {
    algorithm: { name: algorithm.name, version: algorithm.version, options, ...(plugin && { plugin }) },
    space: space.name,
    ...(spacePlugin && { spacePlugin }),
    dataset: {
      name: dataset,
      ...(trains && (await images.ofSearch(protocol, dataset, folder))),
      ...(retraining && !trains && (await images.ofRetraining(retraining, dataset, folder))),
    },
    ...(retraining && { retraining }),
    ...(lookup.manifest && { table: tableIdentity(lookup.manifest) }),
    protocol: { ...protocol, headline: { [dataset]: lookup.headline } },
    ...(!trains && budgetSeconds !== undefined && { budgetSeconds }),
    // A program measures itself.
    probes: algorithm.program ? [] : probes,
    ...(((trains && !algorithm.program) || retraining) && (await identify(executor))),
  }
  return { lookup, job }
}

/**
 * Checks that the requested metric has an effect on a run: on the validation that the search reports, or on the test
 * results of its full training.
 * @throws BenchError `bad-input` if architectures are looked up in a table, or if nothing is trained
 */
function checkMetric(
  metric: ReportedMetric,
  { name, kind }: Algorithm,
  { retrained, lookup: { manifest } }: { readonly retrained: boolean; readonly lookup: Lookup },
): void {
  if (retrained || metric === 'top1') return
  const remedy = 'add --evaluate retrain, or leave the metric out'
  if (manifest !== undefined) {
    throw new BenchError(
      'bad-input',
      `metric ${metric}: table ${manifest.name} knows top-1 accuracies alone; ${remedy}`,
    )
  }
  if (kind !== 'supernet') throw new BenchError('bad-input', `metric ${metric}: ${name} trains no network; ${remedy}`)
}

/**
 * Functions that return the identity of the images of a job. For all jobs that train on the same images, it is determined
 * once, since that lists every file of the folder.
 */
interface PlannedImages {
  ofSearch(protocol: Protocol, dataset: string, folder: string | undefined): Promise<ImagesIdentity>
  ofRetraining(retraining: RetrainingTask, dataset: string, folder: string | undefined): Promise<ImagesIdentity>
  /** The images on which missing rows of a lookup table are trained. */
  ofTable(recipe: Recipe, folder: string | undefined): Promise<ImagesIdentity>
}

function plannedImages(report: (line: string) => void): PlannedImages {
  const known = onceByKey<Promise<ImagesIdentity>>()
  return {
    ofSearch(protocol, dataset, folder) {
      const { network, data } = protocol
      const key = ['search', dataset, folder, network.family, data.imageSize, data.classWeights]
      return known(key, () => searchImagesIdentity(protocol, dataset, folder, report))
    },
    ofRetraining(retraining, dataset, folder) {
      const { network, data } = retraining.settings
      const key = ['retraining', dataset, folder, network.family, data]
      return known(key, () => retrainingImagesIdentity(retraining, dataset, folder, report))
    },
    ofTable(recipe, folder) {
      const { name } = recipe.dataset
      const size = imageSizeOf(recipe)
      return known(['table', name, folder, size], () => datasetIdentity({ name, folder, report, ...size }))
    },
  }
}

/**
 * If a lookup table lacks rows, which are then trained during the search, checks that the images for these trainings
 * are available.
 * @throws BenchError if not
 */
async function checkImages(
  { manifest }: Lookup,
  images: PlannedImages,
  dataset: string,
  folder: string | undefined,
): Promise<void> {
  if (manifest?.recipe === undefined || manifest.rows === manifest.architectures) return
  await images.ofTable(manifest.recipe, manifest.recipe.dataset.name === dataset ? folder : undefined)
}

/**
 * Checks that the images of a search also suit the full training of the found architecture, which may need another
 * image size or more memory.
 */
async function checkRetrainable(
  retraining: RetrainingTask,
  images: PlannedImages,
  dataset: string,
  folder: string | undefined,
): Promise<void> {
  const { network, data } = retraining.settings
  if (network.family === 'cifar' || areStated(data.classWeights)) {
    await images.ofRetraining(retraining, dataset, folder)
  }
}

/**
 * Returns the lookup table of a search and its reported columns; empty if the found architecture is trained in full.
 * @throws BenchError `bad-input` if the user asks for both
 */
function lookupFor({ retraining, table }: Experiment, request: Omit<LookupRequest, 'table'>): Promise<Lookup> | Lookup {
  if (retraining === undefined) return findLookup({ ...request, table })
  if (table === undefined) return { headline: [] }
  throw new BenchError('bad-input', `--evaluate retrain looks nothing up; leave out --table ${table}`)
}

const plannedJob = (job: Job, { algorithm, foundBy }: AlgorithmEntry): PlannedJob => ({
  ...{ id: runId(job), job, algorithm },
  ...(foundBy && { foundBy }),
})

function checkSpace({ name, spaces }: Algorithm, space: SearchSpace): void {
  if (spaces === undefined || spaces.includes(space.name)) return
  throw new BenchError('unsupported', `${name} does not work on ${space.name}; it works on ${spaces.join(', ')}`)
}

async function checkProbes(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  const { parseProbe } = await import('../../analysis/probes/index.ts')
  for (const line of lines) parseProbe(line)
  requireOnce(
    lines.map((line) => line.split(':')[0]),
    '--probe',
  )
}

/** Returns the jobs without repetitions. */
function firstOfEach(jobs: readonly PlannedJob[]): PlannedJob[] {
  return [...new Map(jobs.map((job) => [job.id, job])).values()]
}
