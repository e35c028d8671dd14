/** What a worker process does with its order: the jobs, one or a few at a time, saying how they go. */
import pLimit from 'p-limit'
import type { Plugin } from '../../core/plugin.ts'
import { registerPlugins } from '../../system/plugins.ts'
import { ResourceOpener, reportingTo } from '../run/jobResources.ts'
import type { RunEvent, RunReport, WorkOrder } from '../run/messages.ts'
import { describeFailure, runJob } from '../run/runJob.ts'
import { Store } from '../store/store.ts'

export async function work(order: WorkOrder, builtins: Plugin, onEvent: (event: RunEvent) => void): Promise<void> {
  const opening = registerPlugins(builtins, order.plugins).then((registered) => new ResourceOpener(order, registered))
  // Each job fails by it once it holds its folder; until then nobody awaits it.
  opening.catch(() => {})
  const store = new Store(order.store)
  const limit = pLimit(order.atATime ?? 1)
  await Promise.all(order.jobs.map((planned) => limit(() => workOff(planned))))

  async function workOff({ id, job, foundBy }: WorkOrder['jobs'][number]): Promise<void> {
    const report = (happened: RunReport) => onEvent({ id, ...happened })
    try {
      const open = async () => (await opening).open(job)
      await reportingTo(report, () => runJob(job, store.run(id), open, report, foundBy))
      report({ kind: 'finished' })
    } catch (error) {
      report({ kind: 'failed', ...describeFailure(error) })
    }
  }
}
