/** What a worker process does with its order: the jobs one after the other, saying how they go. */
import type { ErrorCode } from '../core/errors.ts'
import type { Plugin } from '../core/plugin.ts'
import type { RunEvent, RunReport } from './events.ts'
import { ResourceOpener } from './jobResources.ts'
import { registerPlugins } from './plugins.ts'
import { runJob } from './runJob.ts'
import { Store } from './store.ts'
import type { WorkOrder } from './workOrder.ts'

export async function work(order: WorkOrder, builtins: Plugin, onEvent: (event: RunEvent) => void): Promise<void> {
  const opener = new ResourceOpener(order, await registerPlugins(builtins, order.plugins))
  const store = new Store(order.store)
  for (const { id, job } of order.jobs) {
    const report = (happened: RunReport) => onEvent({ id, ...happened })
    try {
      const resources = await opener.open(job, report)
      await runJob(job, store.run(id), resources, report).finally(() => resources.close())
      report({ kind: 'finished' })
    } catch (error) {
      report({ kind: 'failed', ...describeFailure(error) })
    }
  }
}

/** A plugin may bring its own copy of the error class: the name and the code tell. */
function describeFailure(error: unknown): Pick<RunEvent & { readonly kind: 'failed' }, 'message' | 'code' | 'stack'> {
  if (!(error instanceof Error)) return { message: String(error), code: 'unexpected' }
  const { name, message, stack } = error
  if (name === 'BenchError' && 'code' in error) return { message, code: error.code as ErrorCode }
  return { message: `${name}: ${message.split('\n')[0]}`, code: 'unexpected', ...(stack !== undefined && { stack }) }
}
