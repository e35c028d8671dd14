/** `bench doctor`: prints what is installed on this machine and what is missing. */
import { Command } from 'commander'
import { type Tabular, wordTable } from '../../report/formats/tabular.ts'
import { diagnose, type Finding } from '../../runner/diagnosis.ts'
import { jsonOption, outOption } from '../options.ts'
import { tableFormat, writeTable } from '../output.ts'

interface DoctorFlags {
  readonly json?: boolean
  readonly out?: string
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('what is installed on this machine, and what is missing')
    .description('Checks this machine: backends, datasets, tables. Exit status 1 if something prevents all work.')
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench doctor\n  bench doctor --json')
    .action(doctor)
}

async function doctor(flags: DoctorFlags): Promise<void> {
  const format = tableFormat(flags)
  const findings = await diagnose()
  writeTable(findingsTable(findings), format, flags.out)
  if (findings.some(({ state }) => state === 'broken')) process.exitCode = 1
}

const findingsTable = (findings: readonly Finding[]): Tabular =>
  wordTable(
    ['subject', 'state', 'detail'],
    findings.map(({ subject, state, detail }) => [subject, state, detail]),
  )
