/** The epochs of a search: each run, measured, looked up and written down. */
import { epochsProblem, notFinite, requireGenotype, requireReport } from '../../algorithms/contract/shape.ts'
import type { Search, SearchContext } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { Probe, ProbeContext } from '../../core/probe.ts'
import type { EpochRecord, Job } from '../../core/result.ts'
import type { Checkpoint } from '../store/checkpoint.ts'
import type { Journal } from '../store/journal.ts'
import type { RunReport } from '../workers/events.ts'
import type { ProgressMeter } from './progressMeter.ts'
import type { JobResources } from './runJob.ts'

/** What the epochs of a search go by. */
export interface Course {
  readonly job: Job
  readonly saved: Checkpoint | undefined
  readonly resources: JobResources
  readonly context: SearchContext
  readonly meter: ProgressMeter
  readonly journal: Journal
  report(report: RunReport): void
}

/** All that are left. → how many were run, over all attempts */
export async function runEpochs(search: Search, course: Course): Promise<number> {
  const { job, saved, resources, context, meter, journal, report } = course
  const problem = epochsProblem(search.epochs)
  if (problem !== undefined) throw new BenchError('bad-input', `${job.algorithm.name}: ${problem}`)
  if (saved !== undefined) await search.restore(saved.search)
  report({ kind: 'begun', epochs: search.epochs, from: saved?.epochs ?? 0 })
  const probing = resources.probes.length > 0 ? await probeContext(job, resources, context) : undefined
  let isOdd = false
  let epoch = saved?.epochs ?? 0
  for (; epoch < search.epochs && search.ended === undefined; epoch++) {
    meter.beginEpoch(epoch, search.epochs)
    const { record, odd } = await runEpoch(epoch, search, resources, probing)
    report({ kind: 'epoch', epoch, loss: record.trainLoss, accuracyPct: record.trainAccuracyPct })
    if (odd !== undefined && !isOdd) report({ kind: 'notice', message: `${odd}; what it answers may mean nothing` })
    isOdd ||= odd !== undefined
    await journal.add(record, search)
  }
  if (search.ended !== undefined) {
    report({ kind: 'notice', message: `ended after ${epoch} of ${search.epochs} epochs: ${search.ended}` })
  }
  return epoch
}

/**
 * An epoch, what probes see at its end, and what the table says of the architecture that it would answer.
 * → its record, and the first of its numbers that is none, in words
 */
async function runEpoch(
  epoch: number,
  search: Search,
  { algorithm, space, evaluator, probes }: JobResources,
  probing: ProbeContext | undefined,
): Promise<{ readonly record: EpochRecord; readonly odd: string | undefined }> {
  const started = performance.now()
  const report = requireReport(await search.epoch(epoch))
  const seconds = (performance.now() - started) / 1000
  const genotype = requireGenotype(search.genotype(), space)
  // A black-box search lists every query with its result.
  const known = algorithm.kind === 'supernet' ? await evaluator?.lookup(genotype) : undefined
  const record = {
    epoch,
    ...report,
    genotype: space.format(genotype),
    metrics: known?.metrics ?? [],
    ...(probing === undefined ? {} : { probes: await measure(probes, epoch, search, probing) }),
    seconds,
  }
  return { record, odd: notFinite(report, epoch) }
}

async function measure(probes: readonly Probe[], epoch: number, search: Search, context: ProbeContext) {
  const measured: Record<string, unknown> = {}
  for (const probe of probes) measured[probe.name] = await probe.epoch(epoch, search, context)
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
