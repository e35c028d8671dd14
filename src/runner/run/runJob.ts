/** One job, from its checkpoint or its beginning to its result. */
import { requireSearch } from '../../algorithms/contract/shape.ts'
import type { Algorithm, ReferenceContext, Search, SearchContext } from '../../core/algorithm.ts'
import type { ImageCounts } from '../../core/data.ts'
import { BenchError, type ErrorCode } from '../../core/errors.ts'
import type { Evaluation, Evaluator, Oracle } from '../../core/evaluation.ts'
import type { Executor } from '../../core/executor.ts'
import { requireFiniteNumbers } from '../../core/numbers.ts'
import type { Probe } from '../../core/probe.ts'
import type { Finder, Job, ResultRecord, SearchTime } from '../../core/result.ts'
import type { TrainingOutcome, TrainingTime } from '../../core/retraining.ts'
import type { SearchSpace } from '../../core/space.ts'
import { describeEnvironment } from '../../system/environment.ts'
import { asWritten } from '../../system/plugins.ts'
import { parseOptions } from '../plan/algorithmOptions.ts'
import type { RunFolder } from '../store/runFolder.ts'
import { runEpochs } from './epochs.ts'
import { Journal } from './journal.ts'
import type { RunEvent, RunReport } from './messages.ts'
import { SimulatedOracle } from './oracle.ts'
import { EvaluationMeter, ProgressMeter } from './progressMeter.ts'
import { type SearchResources, searchContext } from './searchContext.ts'

/** What a job needs besides its own description. */
export interface JobResources extends Pick<SearchResources, 'data' | 'executor'> {
  readonly algorithm: Algorithm
  readonly space: SearchSpace
  /** Absent where the result is a genotype only. */
  readonly evaluator?: Evaluator
  readonly probes: readonly Probe[]
  /** What the dataset holds; undefined where the search has read no image. */
  images?(): Promise<ImageCounts | undefined>
}

/**
 * Runs the job in its folder, or waits for the process that does. → the result, whoever made it
 *
 * @param open called once the folder holds the job's `run.json`, so that a failure to open something is on record, too
 * @throws whatever opening or searching throws; `failure.json` in the folder then says so
 */
export async function runJob(
  job: Job,
  run: RunFolder,
  open: () => Promise<JobResources & { close?(): Promise<void> }>,
  report: (report: RunReport) => void,
  foundBy?: Finder,
): Promise<ResultRecord> {
  const lock = await run.lock(({ pid, host }) => report({ kind: 'waiting', pid, host }))
  try {
    const earlier = run.result()
    if (earlier !== undefined) return earlier
    // Where this throws, the folder is another job's or damaged, and nothing is written into it.
    run.begin({ schema: 1, id: run.id, job, ...(foundBy && { foundBy }), environment: describeEnvironment() })
    return await openAndSearch(job, run, open, report)
  } finally {
    lock.release()
  }
}

async function openAndSearch(...[job, run, open, report]: Parameters<typeof runJob>): Promise<ResultRecord> {
  try {
    const resources = await open()
    return await searchThrough(job, run, resources, report).finally(() => resources.close?.())
  } catch (error) {
    const { message } = describeFailure(error)
    try {
      run.fail({ schema: 1, id: run.id, epoch: run.epochCount(), message })
    } catch {
      // On a full disk, or where the lock is lost, the error itself is still the one to report.
    }
    throw error
  }
}

/** Why a job failed, as events and `failure.json` say it. */
export type Failure = Pick<RunEvent & { readonly kind: 'failed' }, 'message' | 'code' | 'stack'>

/** A plugin may bring its own copy of the error class: the name and the code tell. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), code: 'unexpected' }
  const { name, message, stack } = error
  if (name === 'BenchError' && 'code' in error) return { message, code: error.code as ErrorCode }
  return {
    message: asWritten(`${name}: ${message.split('\n')[0]}`),
    code: 'unexpected',
    ...(stack !== undefined && { stack }),
  }
}

async function searchThrough(
  job: Job,
  run: RunFolder,
  resources: JobResources,
  report: (report: RunReport) => void,
): Promise<ResultRecord> {
  const { algorithm, evaluator, space } = resources
  const saved = run.resume()
  let evaluations: EvaluationMeter | undefined
  const oracle =
    evaluator && new SimulatedOracle(evaluator, space, job.budgetSeconds, saved?.queries, () => evaluations?.answered())
  const meter = new ProgressMeter((share) => report({ kind: 'progress', share }))
  const context = searchContext({
    ...resources,
    protocol: job.protocol,
    seed: job.seed,
    oracle: oracle ?? noOracle(job),
    epoch: () => meter.epoch,
    onBatch: (batchesPerEpoch) => meter.countBatch(batchesPerEpoch),
  })
  const algorithmContext = algorithm.kind === 'reference' ? referenceContext(context, job, evaluator) : context
  const options = parseOptions(algorithm, job.algorithm.options)
  const search = requireSearch(await algorithm.search(algorithmContext, options), algorithm)
  const journal = new Journal(run, oracle, saved)
  if (oracle && algorithm.kind === 'black-box') evaluations = new EvaluationMeter(oracle, search.evaluations, report)
  try {
    const epochs = await runEpochs(search, { job, saved, resources, context, meter, evaluations, journal, report })
    const { evaluation, timing } = await evaluate(search, job, resources, journal)
    const images = evaluation?.images ?? (await resources.images?.())
    const result = resultRecord(job, run.id, space, { search, epochs, oracle, evaluation, images, timing })
    journal.flush()
    run.finish(result)
    return result
  } finally {
    journal.flush()
    search.dispose()
  }
}

/** What the answer is worth, and what it cost to find and to know that. */
async function evaluate(search: Search, { retraining }: Job, resources: JobResources, journal: Journal) {
  const { algorithm, evaluator, executor } = resources
  const searchSeconds = journal.timing().wallSeconds
  // Before the answer is trained, perhaps on more cores.
  const trained = algorithm.kind === 'supernet' && retraining !== undefined
  const device = trained ? deviceOf(await executor()) : undefined
  const evaluation = requireFiniteNumbers(await evaluator?.evaluate(search.genotype()), 'evaluation')
  const parts = evaluation?.trainings && timesOf(evaluation.trainings, searchSeconds, device)
  return { evaluation, timing: { ...journal.timing(), ...parts } }
}

/** The context of a reference algorithm: a search context with the evaluator and the reported columns added. */
const referenceContext = (
  context: SearchContext,
  { protocol, dataset }: Job,
  evaluator?: Evaluator,
): ReferenceContext => ({
  ...context,
  ...(evaluator && { evaluator }),
  headline: protocol.headline[dataset.name]?.[0],
})

/** What a search came to. */
interface Ending {
  readonly search: Search
  /** That were run. */
  readonly epochs: number
  readonly oracle: SimulatedOracle | undefined
  readonly evaluation: Evaluation | undefined
  readonly images: ImageCounts | undefined
  readonly timing: ResultRecord['timing']
}

function resultRecord(
  job: Job,
  id: string,
  space: SearchSpace,
  { search, epochs, oracle, evaluation, images, timing }: Ending,
): ResultRecord {
  const queries = oracle?.queries ?? []
  return {
    schema: 1,
    id,
    algorithm: job.algorithm.name,
    space: job.space,
    dataset: job.dataset.name,
    table: job.table?.name ?? null,
    protocol: job.protocol.name,
    seed: job.seed,
    genotype: space.format(search.genotype()),
    metrics: evaluation?.metrics ?? [],
    parameters: evaluation?.parameters,
    macs: evaluation?.macs,
    epochs,
    ...(images && { images }),
    ...(evaluation?.trainings && { trainings: evaluation.trainings.map(withoutTime) }),
    ...(oracle !== undefined && queries.length > 0
      ? { oracle: { budgetSeconds: job.budgetSeconds ?? null, usedSeconds: oracle.usedSeconds, queries } }
      : {}),
    timing,
  }
}

/** What differs between two runs of the same job stands under `timing`. */
function withoutTime({ wallSeconds, peakMemoryBytes, ...outcome }: TrainingOutcome & TrainingTime): TrainingOutcome {
  return outcome
}

/** @param device of the search; absent where nothing was trained by it */
function timesOf(
  trainings: readonly TrainingTime[],
  seconds: number,
  device: SearchTime['device'] | undefined,
): Pick<ResultRecord['timing'], 'search' | 'trainings'> {
  const times = trainings.map(({ wallSeconds, peakMemoryBytes }) => ({ wallSeconds, peakMemoryBytes }))
  return { ...(device && { search: { seconds, device } }), trainings: times }
}

/** WebAssembly and plain JavaScript keep one core busy, but for threads of our own. */
function deviceOf({ name, onGpu, threads = 1 }: Executor): SearchTime['device'] {
  if (onGpu) return 'gpu'
  return /\/(wasm|cpu)$/.test(name) && threads === 1 ? 'one core' : 'cpu'
}

/** Where nothing is looked up, nothing can be asked. */
function noOracle({ algorithm, space }: Job): Oracle {
  return {
    budgetSeconds: 0,
    usedSeconds: 0,
    query: () => {
      const message = `${algorithm.name} asks for accuracies, and there is no table of ${space}; name one with --table`
      return Promise.reject(new BenchError('missing', message))
    },
  }
}
