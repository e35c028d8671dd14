/** Refuses settings that the user gave but that affect no job of the plan, since the user expects an effect. */
import { BenchError } from '../../core/errors.ts'
import type { Protocol } from '../../core/protocol.ts'
import { changedSettings } from '../../protocols/index.ts'
import { parseOptions } from './algorithmOptions.ts'
import type { Plan, PlannedJob } from './plan.ts'

/**
 * Checks that every setting that the user gave affects some job of the plan.
 * @throws BenchError `bad-input` for a changed protocol setting, a probe or a budget that affects no job
 */
export function refuseIdleSettings({ experiment, jobs }: Plan): void {
  for (const protocol of new Set(jobs.map(({ job }) => job.protocol.name))) {
    const under = jobs.filter(({ job }) => job.protocol.name === protocol)
    for (const setting of changedSettings(protocol)) refuseIdle(`protocol setting ${setting}`, under, reasonOf(setting))
  }
  for (const probe of new Set(jobs.flatMap(({ job }) => job.probes))) {
    refuseIdle(
      `probe ${probe}`,
      jobs.filter(({ job }) => job.probes.includes(probe)),
      withoutNetwork,
    )
  }
  if (experiment.budgetSeconds !== undefined) {
    refuseIdle('a budget', jobs, ({ algorithm }) =>
      algorithm.kind === 'black-box' ? undefined : 'no black-box search',
    )
  }
}

/** Returns why a setting that the user gave has no effect on a job; undefined if it has one. */
type Reason = (planned: PlannedJob) => string | undefined

function refuseIdle(what: string, jobs: readonly PlannedJob[], reasonFor: Reason): void {
  const reasons = new Set<string>()
  for (const planned of jobs) {
    const reason = reasonFor(planned)
    if (reason === undefined) return
    reasons.add(`${planned.algorithm.name} (${reason})`)
  }
  if (reasons.size === 0) return
  throw new BenchError('bad-input', `${what} does nothing for ${[...reasons].join(', ')}; leave it out`)
}

const withoutNetwork: Reason = ({ algorithm }) =>
  algorithm.kind === 'supernet' ? undefined : 'no search network is trained'

const reasonOf =
  (setting: string): Reason =>
  (planned) => {
    const idle = {
      ...planned.algorithm.idle,
      ...idleUnderOptions(planned),
      ...idleImageSettings(planned.job.protocol),
    }
    const found = Object.entries(idle).find(([part]) => setting === part || setting.startsWith(`${part}.`))
    if (planned.algorithm.reads?.includes(setting)) return undefined
    return withoutNetwork(planned) ?? found?.[1]
  }

/**
 * Returns the settings that an algorithm ignores under its options, each with the reason. Where probes or a metric
 * measure the search network on the architecture half, the size of the halves has an effect all the same.
 */
function idleUnderOptions({
  algorithm,
  job: { protocol, probes, ...job },
}: PlannedJob): Readonly<Record<string, string | undefined>> {
  const idle = algorithm.idleUnder?.(parseOptions(algorithm, job.algorithm.options), protocol) ?? {}
  if (probes.length === 0 && protocol.metric === undefined) return idle
  return Object.fromEntries(Object.entries(idle).filter(([setting]) => !setting.endsWith('Portion')))
}

/** Returns the image settings (`data.…`) that have no effect under a protocol, each with the reason. */
function idleImageSettings({ network, data }: Protocol): Readonly<Record<string, string>> {
  if (network.family === 'imagenet') {
    const windows = 'photographs are mirrored random windows'
    return { 'data.cropPadding': windows, 'data.flip': windows, 'data.cutout': windows, 'data.cutoutGrows': windows }
  }
  const decoded = 'its images are decoded beforehand'
  return { 'data.brokenImages': decoded, ...(data.cutout === 0 && { 'data.cutoutGrows': 'data.cutout is 0' }) }
}
