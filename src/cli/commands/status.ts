/** `bench status` */
import { Command } from 'commander'
import { builtins } from '../../builtins.ts'
import { parseTableFormat, renderTable, TABLE_FORMATS, type TableFormat } from '../../report/formats/renderTable.ts'
import { statusTable } from '../../report/listings/statusTable.ts'
import { makePlan } from '../../runner/planning/plan.ts'
import { storeStatus } from '../../runner/store/status.ts'
import { Store } from '../../runner/store/store.ts'
import { addExperimentFlags, type ExperimentFlags, resolveExperiment } from '../experimentFlags.ts'
import { jsonOption, outOption, storeOption } from '../options.ts'
import { sayAside, writeOutput } from '../output.ts'

interface StatusFlags extends ExperimentFlags {
  readonly store?: string
  readonly format: TableFormat
  readonly json?: boolean
  readonly out?: string
}

export function statusCommand(): Command {
  const command = new Command('status')
    .summary('what is finished, running, failed or missing in a store')
    .description(
      'Lists the runs of a store with their state. Given an experiment, as `bench run` takes it, only its runs,\n' +
        'those that were never begun among them.',
    )
    .argument('[file]', 'experiment file (YAML)')
  return addExperimentFlags(command)
    .addOption(storeOption())
    .option('--format <name>', `of the table: ${TABLE_FORMATS.join(', ')}`, parseTableFormat, 'text')
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench status\n  bench status configs/nb201-table4.yaml --store runs')
    .action(status)
}

async function status(path: string | undefined, flags: StatusFlags): Promise<void> {
  const store = new Store(flags.store)
  const asked = path !== undefined || flags.algo !== undefined
  const planned = asked ? await planOf(path, flags) : undefined
  writeOutput(
    renderTable(statusTable(storeStatus(store, planned?.jobs)), flags.json ? 'json' : flags.format),
    flags.out,
  )
}

async function planOf(path: string | undefined, flags: StatusFlags) {
  const { experiment, registered } = await resolveExperiment(builtins, flags, path)
  return makePlan(experiment, registered, sayAside)
}
