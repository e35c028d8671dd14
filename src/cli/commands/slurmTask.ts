/**
 * `bench slurm-task`: executes the runs assigned to one task of a Slurm job array. Slurm calls it after `bench run
 * --slurm`.
 */
import { Command } from 'commander'
import { pluralize } from '../../core/plainText.ts'
import { runLabel } from '../../runner/plan/identity.ts'
import { runTask, taskOrder } from '../../runner/slurm/arrayTask.ts'
import { onInterrupt } from '../failures.ts'
import { print, printAsideLine } from '../output.ts'
import { showProgress } from '../progressDisplay.ts'

export function slurmTaskCommand(): Command {
  return new Command('slurm-task')
    .description('Runs one task of a job array that bench run --slurm submitted. Slurm calls it.')
    .argument('<folder>', 'folder of the array in the store')
    .addHelpText('after', '\nExamples:\n  bench run --algo drnas --backend wasm --slurm time=2:00:00')
    .action(slurmTask)
}

async function slurmTask(folder: string): Promise<void> {
  const order = taskOrder(folder, process.env)
  const labels = new Map(order.jobs.map(({ id, job }) => [id, runLabel(job)]))
  const progress = showProgress(process.stderr, (id) => labels.get(id) ?? id)
  const removeHandler = onInterrupt(() => progress.end())
  const ended = { finished: 0, failed: 0 }
  await runTask(
    order,
    (event) => {
      if (event.kind === 'finished' || event.kind === 'failed') ended[event.kind]++
      progress.event(event)
    },
    printAsideLine,
  )
  removeHandler()
  progress.end()
  print(`${ended.finished} of ${pluralize(order.jobs.length, 'run')} finished\n`)
  if (ended.failed > 0) process.exitCode = 1
}
