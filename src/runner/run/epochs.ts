/**
 * Runs the epochs of a search. After each epoch, the probes measure the search network, the current architecture is
 * looked up in the table, and a record of the epoch is written.
 */
import { epochsProblem, requireFiniteReport, requireGenotype, requireReport } from '../../algorithms/contract/shape.ts'
import type { Search, SearchContext } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { requireFiniteNumbers, withEpoch } from '../../core/numbers.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Probe, ProbeContext } from '../../core/probe.ts'
import type { EpochRecord, Job } from '../../core/result.ts'
import type { Checkpoint } from '../store/runFolder.ts'
import type { Journal } from './journal.ts'
import type { RunReport } from './messages.ts'
import type { EvaluationMeter, ProgressMeter } from './progressMeter.ts'
import type { JobResources } from './searchContext.ts'

/** What the loop over a search's epochs uses: job, resources, search context and journal. */
export interface EpochLoop {
  readonly job: Job
  readonly saved: Checkpoint | undefined
  readonly resources: JobResources
  readonly context: SearchContext
  readonly meter: ProgressMeter
  /** Reports the queries of a black-box search to the user; undefined for other searches. */
  readonly evaluations: EvaluationMeter | undefined
  readonly journal: Journal
  report(report: RunReport): void
}

/**
 * Runs the remaining epochs of a search.
 * @returns the number of finished epochs, including those of earlier, interrupted attempts
 * @throws the error of the first epoch that fails; no record of that epoch is written
 */
export async function runEpochs(search: Search, loop: EpochLoop): Promise<number> {
  const { job, saved, resources, context, meter, evaluations, journal, report } = loop
  const problem = epochsProblem(search.epochs)
  if (problem !== undefined) throw new BenchError('bad-input', `${job.algorithm.name}: ${problem}`)
  if (saved !== undefined) await search.restore(saved.search)
  const inEpochs = resources.algorithm.kind === 'supernet'
  report({ kind: 'begun', epochs: search.epochs, from: saved?.epochs ?? 0, inEpochs })
  evaluations?.report()
  const probing = resources.probes.length > 0 ? await probeContext(job, resources, context) : undefined
  const metric = () => validationMetric(search, job.protocol, context)
  let epoch = saved?.epochs ?? 0
  for (; epoch < search.epochs && search.ended === undefined; epoch++) {
    meter.beginEpoch(epoch, search.epochs)
    const record = await finiteEpoch(epoch, search, { ...resources, probing, metric })
    evaluations?.report()
    const isSaved = await journal.add(record, search)
    report({ kind: 'epoch', epoch, isSaved, loss: record.trainLoss, accuracyPct: record.trainAccuracyPct })
  }
  if (search.ended !== undefined) {
    report({ kind: 'notice', message: `ended after ${epoch} of ${pluralize(search.epochs, 'epoch')}: ${search.ended}` })
  }
  return epoch
}

/** What an epoch of a search uses: the job's resources, the context of its probes, and its validation metric. */
interface EpochResources extends JobResources {
  readonly probing: ProbeContext | undefined
  metric(): Promise<Pick<EpochRecord, 'validMetricPct'>>
}

/**
 * Measures the search network on all validation images by the protocol's metric, with the current mixing weights and
 * batch statistics. Returns an empty object if the metric is the accuracy, which searches report themselves, or if the
 * search has no mixing weights. Does not change the search network.
 */
async function validationMetric(
  { relaxed }: Search,
  { metric = 'top1' }: Job['protocol'],
  { data }: SearchContext,
): Promise<Pick<EpochRecord, 'validMetricPct'>> {
  if (metric === 'top1' || relaxed === undefined) return {}
  const [{ measureNetwork, metricPct }, { feedOf }] = await Promise.all([
    import('../../analysis/reportedMetric.ts'),
    import('../../training/supernet.ts'),
  ])
  const { relaxation, supernet, parameters } = relaxed
  const { mixing } = relaxation.relax(parameters())
  const { validation } = await data()
  async function* feeds() {
    for (let index = 0; index < validation.batchesPerEpoch; index++) {
      yield feedOf(await validation.batch(index), mixing)
    }
  }
  return { validMetricPct: metricPct(metric, await measureNetwork(supernet.executable, feeds(), 'probe')) }
}

/**
 * Runs one epoch of a search and checks that all numbers that it reports are finite.
 * @throws BenchError `failed` that names the epoch and the number
 */
async function finiteEpoch(epoch: number, search: Search, resources: EpochResources) {
  try {
    return await runEpoch(epoch, search, resources)
  } catch (error) {
    throw withEpoch(error, epoch, search.epochs)
  }
}

/**
 * Runs one epoch of a search and returns its record: losses, current architecture, that architecture's table entry, and
 * what the probes measured.
 */
async function runEpoch(
  epoch: number,
  search: Search,
  { algorithm, space, evaluator, probes, probing, metric }: EpochResources,
): Promise<EpochRecord> {
  const started = performance.now()
  const { probes: ownProbes, ...reported } = requireReport(await search.epoch(epoch))
  const report = requireFiniteReport({ ...reported, ...(reported.validMetricPct === undefined && (await metric())) })
  const seconds = (performance.now() - started) / 1000
  if (search.relaxed !== undefined) requireFiniteNumbers(search.relaxed.parameters(), 'architecture parameters')
  const genotype = requireGenotype(search.genotype(), space)
  // A black-box search records every query with its answer, so its epochs need no lookup.
  const found = algorithm.kind === 'supernet' ? await evaluator?.lookup(genotype) : undefined
  return {
    epoch,
    ...report,
    genotype: space.format(genotype),
    metrics: requireFiniteNumbers(found?.metrics ?? [], 'metrics'),
    ...((ownProbes ?? probing) && {
      probes: {
        ...requireFiniteNumbers(ownProbes, 'probes'),
        ...(probing && (await measure(probes, epoch, search, probing))),
      },
    }),
    seconds,
  }
}

async function measure(probes: readonly Probe[], epoch: number, search: Search, context: ProbeContext) {
  const measured: Record<string, unknown> = {}
  for (const probe of probes) {
    measured[probe.name] = requireFiniteNumbers(await probe.epoch(epoch, search, context), `probe ${probe.name}`)
  }
  return measured
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
