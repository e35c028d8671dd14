/** One job, from its checkpoint or its beginning to its result. */
import type { Algorithm, ReferenceContext, Search, SearchContext } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { Evaluation, Evaluator } from '../../core/evaluator.ts'
import type { Executor } from '../../core/executor.ts'
import type { Oracle } from '../../core/oracle.ts'
import type { Probe, ProbeContext } from '../../core/probe.ts'
import type { EpochRecord, Job, ResultRecord, SearchTime } from '../../core/result.ts'
import type { TrainingOutcome, TrainingTime } from '../../core/retraining.ts'
import type { SearchSpace } from '../../core/space.ts'
import { describeEnvironment } from '../environment.ts'
import { Journal } from '../store/journal.ts'
import type { RunFolder } from '../store/runFolder.ts'
import type { RunReport } from '../workers/events.ts'
import { SimulatedOracle } from './oracle.ts'
import { ProgressMeter } from './progressMeter.ts'
import { type SearchResources, searchContext } from './searchContext.ts'

/** What a job needs besides its own description. */
export interface JobResources extends Pick<SearchResources, 'data' | 'executor'> {
  readonly algorithm: Algorithm
  readonly space: SearchSpace
  /** Absent where the result is a genotype only. */
  readonly evaluator?: Evaluator
  readonly probes: readonly Probe[]
}

/**
 * Runs the job in its folder, or waits for the process that does. → the result, whoever made it
 *
 * @throws whatever the algorithm throws; `failure.json` in the folder then says so
 */
export async function runJob(
  job: Job,
  run: RunFolder,
  resources: JobResources,
  report: (report: RunReport) => void,
): Promise<ResultRecord> {
  const lock = await run.lock(({ pid, host }) => report({ kind: 'waiting', pid, host }))
  try {
    const earlier = run.result()
    if (earlier !== undefined) return earlier
    run.begin({ schema: 1, id: run.id, job, environment: describeEnvironment() })
    return await searchThrough(job, run, resources, report)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    run.fail({ schema: 1, id: run.id, epoch: run.epochCount(), message })
    throw error
  } finally {
    lock.release()
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
  const oracle = evaluator && new SimulatedOracle(evaluator, space, job.budgetSeconds, saved?.queries)
  const meter = new ProgressMeter((share) => report({ kind: 'progress', share }))
  const context = searchContext({
    ...resources,
    protocol: job.protocol,
    seed: job.seed,
    oracle: oracle ?? noOracle(job),
    epoch: () => meter.epoch,
    onBatch: (batchesPerEpoch) => meter.countBatch(batchesPerEpoch),
  })
  const sight = algorithm.kind === 'reference' ? inSightOfAll(context, job, evaluator) : context
  const search = await algorithm.search(sight, algorithm.options.parse(job.algorithm.options))
  const journal = new Journal(run, oracle, saved)
  try {
    if (saved !== undefined) await search.restore(saved.search)
    report({ kind: 'begun', epochs: search.epochs, from: saved?.epochs ?? 0 })
    const probing = resources.probes.length > 0 ? await probeContext(job, resources, context) : undefined
    let epoch = saved?.epochs ?? 0
    for (; epoch < search.epochs && search.ended === undefined; epoch++) {
      meter.beginEpoch(epoch, search.epochs)
      const record = await runEpoch(epoch, search, resources, probing)
      report({ kind: 'epoch', epoch, loss: record.trainLoss, accuracyPct: record.trainAccuracyPct })
      await journal.add(record, search)
    }
    if (search.ended !== undefined) {
      report({ kind: 'notice', message: `ended after ${epoch} of ${search.epochs} epochs: ${search.ended}` })
    }
    const searchSeconds = journal.timing().wallSeconds
    // Before the answer is trained, perhaps on more cores.
    const trained = algorithm.kind === 'supernet' && job.retraining !== undefined
    const device = trained ? deviceOf(await resources.executor()) : undefined
    const evaluation = await evaluator?.evaluate(search.genotype())
    const parts = evaluation?.trainings && timesOf(evaluation.trainings, searchSeconds, device)
    const timing = { ...journal.timing(), ...parts }
    const result = resultRecord(job, run.id, space, { search, epochs: epoch, oracle, evaluation, timing })
    journal.flush()
    run.finish(result)
    return result
  } finally {
    journal.flush()
    search.dispose()
  }
}

/** For reference rows alone. */
const inSightOfAll = (context: SearchContext, { protocol, dataset }: Job, evaluator?: Evaluator): ReferenceContext => ({
  ...context,
  ...(evaluator && { evaluator }),
  headline: protocol.headline[dataset.name]?.[0],
})

/** An epoch, what probes see at its end, and what the table says of the architecture that it would answer. */
async function runEpoch(
  epoch: number,
  search: Search,
  { algorithm, space, evaluator, probes }: JobResources,
  probing: ProbeContext | undefined,
): Promise<EpochRecord> {
  const started = performance.now()
  const report = await search.epoch(epoch)
  const seconds = (performance.now() - started) / 1000
  const genotype = search.genotype()
  // A black-box search lists every query with its result.
  const known = algorithm.kind === 'supernet' ? await evaluator?.lookup(genotype) : undefined
  return {
    epoch,
    ...report,
    genotype: space.format(genotype),
    metrics: known?.metrics ?? [],
    ...(probing === undefined ? {} : { probes: await measure(probes, epoch, search, probing) }),
    seconds,
  }
}

async function measure(probes: readonly Probe[], epoch: number, search: Search, context: ProbeContext) {
  const measured: Record<string, unknown> = {}
  for (const probe of probes) measured[probe.name] = await probe.epoch(epoch, search, context)
  return measured
}

/** What a search came to. */
interface Ending {
  readonly search: Search
  /** That were run. */
  readonly epochs: number
  readonly oracle: SimulatedOracle | undefined
  readonly evaluation: Evaluation | undefined
  readonly timing: ResultRecord['timing']
}

function resultRecord(
  job: Job,
  id: string,
  space: SearchSpace,
  { search, epochs, oracle, evaluation, timing }: Ending,
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

async function probeContext(job: Job, resources: JobResources, context: SearchContext): Promise<ProbeContext> {
  return {
    space: resources.space,
    protocol: job.protocol,
    dataset: job.dataset.name,
    executor: await resources.executor(),
    evaluator: resources.evaluator,
    data: context.data,
    random: (...path) => context.random('probe', ...path),
  }
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
