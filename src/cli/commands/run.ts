/**
 * `bench run`: runs searches with several seeds, looks up the accuracies of the architectures found, and prints mean ±
 * std over the seeds.
 */
import { Command } from 'commander'
import { builtins } from '../../builtins.ts'
import { refuseIdleSettings } from '../../runner/plan/idleSettings.ts'
import { makePlan } from '../../runner/plan/plan.ts'
import { requireNamedBackend, type SbatchOptions } from '../../runner/slurm/submit.ts'
import { Store } from '../../runner/store/store.ts'
import type { LogFormat } from '../../system/progressLog.ts'
import { addExperimentFlags, type ExperimentFlags } from '../experimentFlags.ts'
import { jobsOption, positiveInteger, reuseOption, storeOption, threadsOption } from '../options.ts'
import { printAsideLine, type TableFlags, tableFormat, withTableOutput } from '../output.ts'
import { executePlan, logOption, runOpening, slurmOption } from '../planCommand.ts'
import { resolveExperiment } from '../resolveExperiment.ts'
import { reuseRuns } from '../reuseRuns.ts'

interface RunFlags extends ExperimentFlags, TableFlags {
  readonly jobs?: number
  readonly seedsPerDevice: number
  readonly threads?: number
  readonly slurm?: SbatchOptions
  readonly dryRun?: boolean
  readonly store?: string
  readonly reuse?: readonly string[]
  readonly log?: readonly LogFormat[]
}

export function runCommand(): Command {
  const command = new Command('run')
    .summary('run searches over seeds, look their architectures up, print mean ± std')
    .description(
      'Runs each algorithm on each dataset over the seeds, looks the architectures up and prints mean ± std.\n' +
        'Finished runs are not repeated; interrupted runs continue from their checkpoints.',
    )
    .argument('[file]', 'experiment file (YAML); flags win over it')
  addExperimentFlags(command)
    .addOption(jobsOption('; on GPUs, one each'))
    .option('--seeds-per-device <n>', 'seeds that share a process and its GPU (webgpu)', positiveInteger, 1)
    .addOption(threadsOption())
    .addOption(slurmOption())
    .option('--dry-run', 'run one search of a program (--algo ./my_method.py), show its messages, keep nothing')
    .addOption(storeOption())
    .addOption(reuseOption())
    .addOption(logOption())
  return withTableOutput(command)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  bench run --algo drnas --space nb201 --seeds 4\n' +
        '  bench run configs/nb201-table4.yaml --backend webgpu --slurm partition=gpu,gres=gpu:1,time=8:00:00',
    )
    .action(run)
}

async function run(path: string | undefined, flags: RunFlags): Promise<void> {
  const format = tableFormat(flags)
  const quiet = flags.quiet === true || flags.json === true
  const { experiment, registered, file } = await resolveExperiment(builtins, flags, path)
  if (flags.slurm && !flags.dryRun) requireNamedBackend(experiment, registered)
  const plan = await makePlan(experiment, registered, quiet ? undefined : printAsideLine)
  // With --algo only some algorithms of the file are run; its other settings may be for the rest.
  if (path === undefined || flags.algo === undefined) refuseIdleSettings(plan)
  if (flags.dryRun) return (await import('../dryRun.ts')).dryRun(plan, flags)
  const { seedsPerDevice, log, slurm, out, jobs = file.jobs, threads = file.threads } = flags
  const options = { jobs, threads, log, seedsPerDevice, slurm, format, quiet, out }
  const store = new Store(flags.store ?? file.store)
  await reuseRuns(plan, store, { ...flags, quiet })
  await executePlan(plan, store, runOpening, options)
}
