/** `bench run` */
import { relative } from 'node:path'
import { Command } from 'commander'
import { builtins } from '../../builtins.ts'
import type { TableFormat } from '../../report/formats/renderTable.ts'
import { renderOutcomes } from '../../report/outcomes.ts'
import { refuseIdleSettings } from '../../runner/plan/idleSettings.ts'
import { makePlan } from '../../runner/plan/plan.ts'
import { prepareToRun } from '../../runner/processes/runPlan.ts'
import type { SbatchOptions } from '../../runner/slurm/submit.ts'
import { Store } from '../../runner/store/store.ts'
import { cores } from '../../system/cores.ts'
import { addExperimentFlags, type ExperimentFlags, resolveExperiment } from '../experimentFlags.ts'
import { reportLostRuns } from '../failures.ts'
import { jsonOption, outOption, positiveInteger, quietOption, storeOption, threadsOption } from '../options.ts'
import { print, printAside, sayAside, wrapped, writeOutput } from '../output.ts'
import { tableFormat, tableFormatOption } from '../outputFormat.ts'
import { preamble } from '../preamble.ts'
import { runWithProgress } from '../progress/planProgress.ts'
import { slurmOption, submitWhatIsLeft } from '../slurm.ts'

interface RunFlags extends ExperimentFlags {
  readonly jobs?: number
  readonly seedsPerDevice: number
  readonly threads?: number
  readonly slurm?: SbatchOptions
  readonly store?: string
  readonly format?: TableFormat
  readonly json?: boolean
  readonly quiet?: boolean
  readonly out?: string
}

export function runCommand(): Command {
  const command = new Command('run')
    .summary('run searches over seeds, look their architectures up, print mean ± std')
    .description(
      'Runs each algorithm on each dataset over the seeds, looks the architectures up and prints mean ± std.\n' +
        'What is finished is not run again; what was interrupted goes on from its checkpoint.',
    )
    .argument('[file]', 'experiment file (YAML); flags win over it')
  return addExperimentFlags(command)
    .option('--jobs <n>', `worker processes (default: the cores, here ${cores()}; on GPUs, one each)`, positiveInteger)
    .option('--seeds-per-device <n>', 'seeds that share a process and its GPU (webgpu)', positiveInteger, 1)
    .addOption(threadsOption())
    .addOption(slurmOption())
    .addOption(storeOption())
    .addOption(tableFormatOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addOption(outOption())
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
  const { experiment, registered, file } = await resolveExperiment(builtins, flags, path)
  const store = new Store(flags.store ?? file.store)
  const plan = await makePlan(experiment, registered, flags.quiet || flags.json ? undefined : sayAside)
  // Of a file of which some algorithms are run, a setting may be for the others.
  if (path === undefined || flags.algo === undefined) refuseIdleSettings(plan)
  const { seedsPerDevice, slurm } = flags
  const processes = { jobs: flags.jobs ?? file.jobs, threads: flags.threads ?? file.threads, seedsPerDevice }
  const submission = await submitWhatIsLeft(plan, store, { ...processes, sbatch: slurm }, flags.json)
  if (submission === undefined) await prepareToRun(plan, store)
  const quiet = flags.quiet || flags.json
  if (!quiet) (format === 'text' ? print : printAside)(wrapped(preamble(plan, store)))
  if (submission !== undefined) return writeOutput(submission, flags.out)
  const outcomes = await runWithProgress(plan, store, { ...processes, quiet: quiet === true })
  const width = flags.out === undefined ? process.stdout.columns : undefined
  const options = { store: relative('', store.folder), data: plan.experiment.data, width }
  writeOutput(await renderOutcomes(outcomes, format, options), flags.out)
  reportLostRuns(outcomes)
}
