/** What a worker process does with its order: the jobs, one or a few at a time, saying how they go. */
import pLimit from 'p-limit'
import type { ErrorCode } from '../../core/errors.ts'
import type { Plugin } from '../../core/plugin.ts'
import type { Job } from '../../core/result.ts'
import { ResourceOpener } from '../job/jobResources.ts'
import { runJob } from '../job/runJob.ts'
import { asWritten, registerPlugins } from '../plugins.ts'
import { Store } from '../store/store.ts'
import type { RunEvent, RunReport } from './events.ts'
import type { WorkOrder } from './workOrder.ts'

export async function work(order: WorkOrder, builtins: Plugin, onEvent: (event: RunEvent) => void): Promise<void> {
  const opening = registerPlugins(builtins, order.plugins).then((registered) => new ResourceOpener(order, registered))
  const store = new Store(order.store)
  const limit = pLimit(order.atATime ?? 1)
  await Promise.all(order.jobs.map(({ id, job }) => limit(() => workOff(id, job))))

  async function workOff(id: string, job: Job): Promise<void> {
    const report = (happened: RunReport) => onEvent({ id, ...happened })
    try {
      const opener = await opening
      await opener.reporting(report, async () => {
        const resources = await opener.open(job)
        await runJob(job, store.run(id), resources, report).finally(() => resources.close())
      })
      report({ kind: 'finished' })
    } catch (error) {
      report({ kind: 'failed', ...describeFailure(error) })
    }
  }
}

/** Why a job failed, as events say it. */
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
