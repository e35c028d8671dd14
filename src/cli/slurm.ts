/** `--slurm`: jobs that are handed to a cluster instead of being run here. */
import { Option } from 'commander'
import { benchCommand } from '../core/plainText.ts'
import type { Plan } from '../runner/plan/plan.ts'
import {
  parseSbatchOptions,
  type SbatchOptions,
  type Submission,
  type SubmissionRequest,
} from '../runner/slurm/submit.ts'
import type { Store } from '../runner/store/store.ts'

export const slurmOption = () =>
  new Option(
    '--slurm <options>',
    'submit to Slurm, with options of sbatch: partition=gpu,gres=gpu:1,time=8:00:00',
  ).argParser((text, earlier: SbatchOptions | undefined) => ({ ...earlier, ...parseSbatchOptions(text) }))

/**
 * Submits what is unfinished. → what is to be said of it; undefined where that was not asked for, or nothing is left
 * @param sbatch as `--slurm` gave it
 */
export async function submitWhatIsLeft(
  plan: Plan,
  store: Store,
  { sbatch, ...request }: Omit<SubmissionRequest, 'sbatch'> & { readonly sbatch: SbatchOptions | undefined },
  json: boolean | undefined,
): Promise<string | undefined> {
  if (sbatch === undefined) return undefined
  const { submit } = await import('../runner/slurm/submit.ts')
  const submission = submit(plan, store, { ...request, sbatch })
  if (submission === undefined) return undefined
  return json ? `${JSON.stringify(record(submission), null, 2)}\n` : describe(submission, store)
}

const record = ({ array, submitted, queued }: Submission) => ({
  array: array ? { id: array.id, name: array.name, folder: array.folder, tasks: array.orders.length } : null,
  submitted: submitted.map(({ id }) => id),
  queued: queued.map(({ id }) => id),
})

function describe({ array, submitted, queued }: Submission, store: Store): string {
  return [
    ...(queued.length > 0 ? [`in the queue from before: ${queued.length}`] : []),
    ...(array ? [`submitted: ${submitted.length}, by array ${array.id}; logs in ${array.folder}`] : []),
    'the table, when they are finished: this command again; how they are:',
    `  ${benchCommand('status', '--store', store.folder)}`,
    '',
  ].join('\n')
}
