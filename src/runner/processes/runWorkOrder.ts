/** Runs the jobs of a work order inside a worker process, and reports events such as finished epochs. */
import pLimit from 'p-limit'
import type { Plugin } from '../../core/plugin.ts'
import { registerPlugins } from '../../system/plugins.ts'
import { ResourceOpener, reportingTo } from '../run/jobResources.ts'
import type { RunEvent, RunReport, WorkOrder } from '../run/messages.ts'
import { describeFailure, runJob } from '../run/runJob.ts'
import { Store } from '../store/store.ts'

/**
 * Runs all jobs of a work order, `atATime` at a time. Never throws: each job ends with an event `finished` or `failed`.
 */
export async function runWorkOrder(
  order: WorkOrder,
  builtins: Plugin,
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  const opening = registerPlugins(builtins, order.plugins).then((registered) => new ResourceOpener(order, registered))
  // If opening fails, every job reports the error when it awaits this promise; until then nobody handles the rejection.
  opening.catch(() => {})
  const store = new Store(order.store)
  const limit = pLimit(order.atATime ?? 1)
  await Promise.all(order.jobs.map((planned) => limit(() => runOne(planned))))

  async function runOne({ id, job, ...recorded }: WorkOrder['jobs'][number]): Promise<void> {
    const report = (event: RunReport) => onEvent({ id, ...event })
    try {
      const open = async () => (await opening).open(job)
      await reportingTo(report, () => runJob(job, store.run(id), open, report, recorded))
      report({ kind: 'finished' })
    } catch (error) {
      report({ kind: 'failed', ...describeFailure(error) })
    }
  }
}
