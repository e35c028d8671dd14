/** Runs a plan while showing how it goes. */
import { runLabel } from '../../runner/plan/identity.ts'
import type { Plan, PlannedJob } from '../../runner/plan/plan.ts'
import type { Processes } from '../../runner/processes/orders.ts'
import { type Outcome, runPlan } from '../../runner/processes/runPlan.ts'
import type { Store } from '../../runner/store/store.ts'
import { onInterrupt } from '../failures.ts'
import { silence } from './progress.ts'
import { showProgress } from './showProgress.ts'

export interface PlanProgressOptions extends Processes {
  readonly quiet: boolean
  /** What a run is called. */
  readonly label?: (planned: PlannedJob) => string
}

export async function runWithProgress(
  plan: Plan,
  store: Store,
  { quiet, label = ({ job }) => runLabel(job), ...processes }: PlanProgressOptions,
): Promise<readonly Outcome[]> {
  const labels = new Map(plan.jobs.map((planned) => [planned.id, label(planned)]))
  const progress = quiet ? silence : showProgress(process.stderr, (id) => labels.get(id) ?? id)
  const uninterrupted = onInterrupt(() => progress.end())
  try {
    return await runPlan(plan, store, processes, (event) => progress.event(event))
  } finally {
    uninterrupted()
    progress.end()
  }
}
