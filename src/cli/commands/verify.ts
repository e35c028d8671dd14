/** `bench verify` */
import { Command } from 'commander'
import { updateReport } from '../../report/committed/updateReport.ts'
import { type Finding, reportsIn, verifyReport } from '../../report/committed/verifyReport.ts'
import { jsonOption, repeated } from '../options.ts'
import { referenceNames, spaceOf } from '../registered.ts'

interface VerifyFlags {
  readonly plugin?: readonly string[]
  readonly update?: boolean
  readonly json?: boolean
}

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('recompute committed reports from their records, and fail with a diff where a number differs')
    .description(
      'Recomputes the tables and figures of report folders from the records that lie in them. Needs neither a GPU nor ' +
        'the lookup table; where the table is here, the looked-up numbers are compared with it, too. With --update ' +
        'tables, figures and page are written again first.',
    )
    .argument('<folders...>', 'report folders, or folders of them')
    .option('--plugin <file>', 'a plugin with spaces or algorithms of these runs', repeated)
    .option('--update', 'write what the records give, and then verify')
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  bench verify reports\n  bench verify reports/table4 --update')
    .action(verify)
}

async function verify(folders: readonly string[], { plugin = [], update, json }: VerifyFlags): Promise<void> {
  const reports = folders.flatMap(reportsIn)
  const known = { spaceOf: (name: string) => spaceOf(name, plugin), references: await referenceNames(plugin) }
  const findings: Finding[] = []
  for (const report of reports) {
    if (update) await updateReport(report, known)
    findings.push(await verifyReport(report, known))
  }
  process.stdout.write(json ? `${JSON.stringify(findings, null, 2)}\n` : findings.map(described).join(''))
  if (findings.some(({ differences }) => differences.length > 0)) process.exitCode = 1
}

function described({ report, runs, files, lookedUpAgain, differences }: Finding): string {
  const table = lookedUpAgain === undefined ? 'table not here' : `${lookedUpAgain} architectures looked up again`
  const head = `${differences.length === 0 ? 'ok  ' : 'FAIL'} ${report}: ${files} files recomputed from ${runs} runs; ${table}\n`
  return (
    head +
    differences
      .map(({ file, lines }) => `${[`  ${file}`, ...lines.map((line) => `    ${line}`)].join('\n')}\n`)
      .join('')
  )
}
