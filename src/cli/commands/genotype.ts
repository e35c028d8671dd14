/** `bench genotype` */
import { Command } from 'commander'
import { builtins } from '../../builtins.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { genotypeCard, renderCard } from '../../report/listings/genotypeCard.ts'
import { registerPlugins } from '../../runner/plugins.ts'
import { jsonOption, outOption, repeated } from '../options.ts'
import { writeOutput } from '../output.ts'

interface GenotypeFlags {
  readonly space?: string
  readonly plugin?: readonly string[]
  readonly json?: boolean
  readonly svg?: boolean
  readonly out?: string
}

export function genotypeCommand(): Command {
  const show = new Command('show')
    .description('Shows the cells of an architecture, with the parameters and multiply-accumulates of its network.')
    .argument('<architecture>', 'string, index, or the name of a published genotype, as DARTS_V2')
    .option('--space <name>', 'search space (default: nb201 for |…| and an index, else darts)')
    .option('--plugin <file>', 'with the spaces of a plugin', repeated)
    .option('--svg', 'draw the cells as SVG')
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench genotype show 6111\n  bench genotype show DARTS_V2 --json')
    .action(showGenotype)
  return new Command('genotype')
    .summary('show an architecture: its cells, parameters and multiply-accumulates')
    .description('Architectures, as people read them.')
    .addCommand(show)
    .addHelpText('after', '\nExamples:\n  bench genotype show 6111\n  bench genotype show DARTS_V2 --json')
}

async function showGenotype(text: string, { space: name, plugin = [], json, svg, out }: GenotypeFlags): Promise<void> {
  const { registry } = await registerPlugins(builtins, plugin)
  const space = registry.space(name ?? (/^([|#]|\d+$)/.test(text) ? 'nb201' : 'darts'))
  const genotype = parse(space, text)
  if (svg) return writeOutput(await drawn(genotype, text), out)
  const card = genotypeCard(space, genotype)
  writeOutput(json ? `${JSON.stringify(card, null, 2)}\n` : renderCard(card), out)
}

async function drawn(genotype: Genotype, title: string): Promise<string> {
  const [{ cellDrawings }, { stackedSvg }] = await Promise.all([
    import('../../report/figures/cells.ts'),
    import('../../report/pictures/drawingSvg.ts'),
  ])
  return stackedSvg(cellDrawings(genotype, title))
}

function parse(space: SearchSpace, text: string): Genotype {
  const index = /^#?(\d+)$/.exec(text)?.[1]
  return index !== undefined && space.numbering ? space.numbering.at(Number(index)) : space.parse(text)
}
