/**
 * Runs one job (one algorithm, dataset and seed), from its checkpoint or from the beginning, until its result record is
 * written.
 */
import { requireSearch } from '../../algorithms/contract/shape.ts'
import type { ProgramServices, ReferenceContext, Search, SearchContext } from '../../core/algorithm.ts'
import { withCleanup } from '../../core/cleanup.ts'
import type { ImageCounts } from '../../core/data.ts'
import { BenchError, type ErrorCode } from '../../core/errors.ts'
import type { Evaluation, Evaluator, Oracle } from '../../core/evaluation.ts'
import type { Executor } from '../../core/executor.ts'
import { requireFiniteNumbers } from '../../core/numbers.ts'
import { firstLine } from '../../core/plainText.ts'
import type { Environment, Finder, Job, ResultRecord, SearchTime } from '../../core/result.ts'
import type { TrainingOutcome, TrainingTime } from '../../core/retraining.ts'
import type { SearchSpace } from '../../core/space.ts'
import { describeEnvironment } from '../../system/environment.ts'
import { asWritten } from '../../system/plugins.ts'
import { ProcessorTime } from '../../system/processorTime.ts'
import type { ProgramIdentity } from '../../system/programProcesses.ts'
import { parseOptions } from '../plan/algorithmOptions.ts'
import type { RunFolder } from '../store/runFolder.ts'
import { runEpochs } from './epochs.ts'
import { Journal } from './journal.ts'
import type { RunEvent, RunReport } from './messages.ts'
import { SimulatedOracle } from './oracle.ts'
import { EvaluationMeter, ProgressMeter } from './progressMeter.ts'
import { type JobResources, searchContext } from './searchContext.ts'

/**
 * Runs a job in its run's folder. If another process is running the same job, waits for that process.
 * @param open opens the job's resources, such as images and executor; called after `run.json` is written, so that an
 * error in opening is recorded, too
 * @param recorded what `run.json` contains besides the job: the search that found a given architecture, and the
 * interpreter of an external program
 * @returns the result record, written by this process or by another one
 * @throws the error of opening the resources or of the search, after it is recorded in `failure.json`
 */
export async function runJob(
  job: Job,
  run: RunFolder,
  open: () => Promise<JobResources & { close?(): Promise<void> }>,
  report: (report: RunReport) => void,
  recorded: { readonly foundBy?: Finder; readonly interpreter?: string } = {},
): Promise<ResultRecord> {
  const lock = await run.lock(({ pid, host }) => report({ kind: 'waiting', pid, host }))
  const work = async () => {
    const earlier = run.result()
    if (earlier !== undefined) return earlier
    // If this throws, the folder belongs to another job or is damaged, so no failure is written into it.
    const { foundBy, interpreter } = recorded
    const environment: Environment = { ...describeEnvironment(), ...(interpreter !== undefined && { interpreter }) }
    run.begin({ schema: 1, id: run.id, job, ...(foundBy && { foundBy }), environment })
    return openAndSearch(job, run, open, report)
  }
  return withCleanup(work, () => lock.release())
}

async function openAndSearch(...[job, run, open, report]: Parameters<typeof runJob>): Promise<ResultRecord> {
  const processorTime = new ProcessorTime()
  try {
    const resources = await open()
    return await withCleanup(
      () => searchThrough(job, run, resources, report, processorTime),
      () => resources.close?.(),
    )
  } catch (error) {
    const { message } = describeFailure(error)
    try {
      run.fail({ schema: 1, id: run.id, epoch: run.epochCount(), message })
    } catch {
      // The failure record cannot be written, as on a full disk; the error itself is the one to report.
    }
    throw error
  } finally {
    processorTime.stop()
  }
}

/** The message, code and stack of the error with which a job failed, for events and `failure.json`. */
export type Failure = Pick<RunEvent & { readonly kind: 'failed' }, 'message' | 'code' | 'stack'>

/**
 * Returns the message and code of an error, and the stack of an unexpected one. A plugin may have its own copy of the
 * class `BenchError`, so the name of the class is compared.
 */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), code: 'unexpected' }
  const { name, message, stack } = error
  if (name === 'BenchError' && 'code' in error) return { message, code: error.code as ErrorCode }
  return {
    message: asWritten(`${name}: ${firstLine(message)}`),
    code: 'unexpected',
    ...(stack !== undefined && { stack }),
  }
}

async function searchThrough(
  job: Job,
  run: RunFolder,
  resources: JobResources,
  report: (report: RunReport) => void,
  processorTime: ProcessorTime,
): Promise<ResultRecord> {
  const { algorithm, evaluator, space } = resources
  const saved = run.resume()
  let evaluations: EvaluationMeter | undefined
  let search: Search | undefined
  const oracle =
    evaluator && new SimulatedOracle(evaluator, space, job.budgetSeconds, saved?.queries, () => evaluations?.answered())
  const { log } = resources
  const headline = job.protocol.headline[job.dataset.name]
  const journal = new Journal(run, oracle, saved, {
    ...(log && { log }),
    headline,
    ...(algorithm.program === undefined && { processorTime }),
  })
  const meter = new ProgressMeter((share) => report({ kind: 'progress', share }))
  const context = searchContext({
    ...resources,
    protocol: job.protocol,
    seed: job.seed,
    ...(algorithm.program && { program: programServices(job, run, resources, report) }),
    oracle: oracle ?? noOracle(job),
    epoch: () => search?.scheduleEpoch?.(meter.epoch) ?? meter.epoch,
    onStep: ({ learningRate }) => journal.tellLearningRate(learningRate),
    onBatch: (batchesPerEpoch) => meter.countBatch(batchesPerEpoch),
  })
  const work = async () => {
    const algorithmContext = algorithm.kind === 'reference' ? referenceContext(context, job, evaluator) : context
    const options = parseOptions(algorithm, job.algorithm.options)
    search = requireSearch(await algorithm.search(algorithmContext, options), algorithm)
    if (oracle && algorithm.kind === 'black-box') evaluations = new EvaluationMeter(oracle, search.evaluations, report)
    const epochs = await runEpochs(search, { job, saved, resources, context, meter, evaluations, journal, report })
    // A full training may take days, in which `bench status` reads what the search found.
    journal.flush()
    const { evaluation, timing } = await evaluate(search, job, resources, journal)
    const images = evaluation?.images ?? (await resources.images?.())
    journal.flush()
    journal.addAnswer(evaluation?.metrics, epochs)
    const validMetricPct = job.protocol.metric && run.epochs().at(-1)?.validMetricPct
    const outcome = { search, epochs, oracle, evaluation, images, timing, validMetricPct }
    const result = resultRecord(job, run.id, space, outcome)
    run.finish(result)
    return result
  }
  return withCleanup(
    work,
    () => journal.flush(),
    () => search?.dispose(),
    () => {
      if (algorithm.program) run.endProgram()
    },
  )
}

/**
 * Returns what an external program that does a search gets: a folder, a log file, images, and callbacks for its
 * processes and messages.
 */
function programServices(
  { dataset }: Job,
  run: RunFolder,
  { threads, withMessages, imageFolder, programImages }: JobResources,
  report: (report: RunReport) => void,
): ProgramServices {
  const opened = run.openProgram()
  return {
    ...opened,
    dataset: dataset.name,
    images: async () => {
      if (programImages) return programImages(opened.folder)
      throw new BenchError('unsupported', `there are no images for a search on ${dataset.name}`)
    },
    ...(imageFolder !== undefined && { imageFolder }),
    ...(threads !== undefined && { threads }),
    onStart: (identity) => run.beginProgram(identity as ProgramIdentity),
    ...(withMessages && { onMessage: (direction, line) => report({ kind: 'message', direction, line }) }),
  }
}

/**
 * Evaluates the architecture that a search found, by lookup or full training. Returns the evaluation, with the times of
 * the search and the trainings.
 */
async function evaluate(search: Search, { retraining }: Job, resources: JobResources, journal: Journal) {
  const { algorithm, evaluator, executor } = resources
  const searchSeconds = journal.timing().wallSeconds
  // The device is read before the full training, which may use more cores than the search.
  const trained = algorithm.kind === 'supernet' && retraining !== undefined
  const device = trained ? deviceOf(await executor()) : undefined
  const evaluation = requireFiniteNumbers(await evaluator?.evaluate(search.genotype()), 'evaluation')
  const parts = evaluation?.trainings && timesOf(evaluation.trainings, searchSeconds, device)
  return { evaluation, timing: { ...journal.timing(), ...parts } }
}

/**
 * Returns the context of a reference algorithm: the search context with the evaluator and the reported columns added.
 */
const referenceContext = (
  context: SearchContext,
  { protocol, dataset }: Job,
  evaluator?: Evaluator,
): ReferenceContext => ({
  ...context,
  ...(evaluator && { evaluator }),
  headline: protocol.headline[dataset.name]?.[0],
})

/** What a search's result record is made from after the search has ended. */
interface SearchOutcome {
  readonly search: Search
  /** Number of finished epochs of the search. */
  readonly epochs: number
  readonly oracle: SimulatedOracle | undefined
  readonly evaluation: Evaluation | undefined
  readonly images: ImageCounts | undefined
  readonly timing: ResultRecord['timing']
  readonly validMetricPct: number | undefined
}

function resultRecord(
  job: Job,
  id: string,
  space: SearchSpace,
  { search, epochs, oracle, evaluation, images, timing, validMetricPct }: SearchOutcome,
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
    ...(validMetricPct !== undefined && { validMetricPct }),
    ...(images && { images }),
    ...(evaluation?.trainings && { trainings: evaluation.trainings.map(withoutTime) }),
    ...(oracle !== undefined && queries.length > 0
      ? { oracle: { budgetSeconds: job.budgetSeconds ?? null, usedSeconds: oracle.usedSeconds, queries } }
      : {}),
    timing,
  }
}

/**
 * Returns the outcome of a full training without its time and memory, which differ between two runs of the same job and
 * are recorded under `timing`.
 */
function withoutTime({ wallSeconds, peakMemoryBytes, ...outcome }: TrainingOutcome & TrainingTime): TrainingOutcome {
  return outcome
}

/**
 * Returns the times of a search and of its full trainings, for the result record.
 * @param device device that the search ran on; absent if it trained nothing
 */
function timesOf(
  trainings: readonly TrainingTime[],
  seconds: number,
  device: SearchTime['device'] | undefined,
): Pick<ResultRecord['timing'], 'search' | 'trainings'> {
  const times = trainings.map(({ wallSeconds, peakMemoryBytes }) => ({ wallSeconds, peakMemoryBytes }))
  return { ...(device && { search: { seconds, device } }), trainings: times }
}

/**
 * Returns the kind of device that an executor runs on: a GPU, one core (WebAssembly and plain JavaScript without
 * threads), or the whole CPU.
 */
function deviceOf({ name, onGpu, threads = 1 }: Executor): SearchTime['device'] {
  if (onGpu) return 'gpu'
  return /\/(wasm|cpu)$/.test(name) && threads === 1 ? 'one core' : 'cpu'
}

/** Returns an oracle for jobs without a lookup table. It refuses every query. */
function noOracle({ algorithm, space }: Job): Oracle {
  return {
    budgetSeconds: Number.POSITIVE_INFINITY,
    usedSeconds: 0,
    charge: () => true,
    query: () => {
      const message = `${algorithm.name} asks for accuracies, and there is no table of ${space}; name one with --table`
      return Promise.reject(new BenchError('missing', message))
    },
  }
}
