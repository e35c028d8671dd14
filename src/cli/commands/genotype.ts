/** `bench genotype show`: prints or draws an architecture. */
import { Command } from 'commander'
import { builtins } from '../../builtins.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { knownName } from '../../data/datasetNames.ts'
import { genotypeCard, renderCard } from '../../report/listings/genotypeCard.ts'
import { readArchitecture } from '../../retrain/genotypeArgument.ts'
import { writeNamedFile } from '../../system/namedFile.ts'
import { registerPlugins } from '../../system/plugins.ts'
import { jsonOption, outOption, repeated } from '../options.ts'
import { outputFormat, writeOutput } from '../output.ts'

interface GenotypeFlags {
  readonly space?: string
  readonly dataset?: string
  readonly plugin?: readonly string[]
  readonly json?: boolean
  readonly svg?: boolean
  readonly out?: string
}

export function genotypeCommand(): Command {
  const show = new Command('show')
    .summary('show an architecture')
    .description('Shows the cells of an architecture, with the parameters and multiply-accumulates of its network.')
    .argument('<architecture>', 'string, index, name of a published genotype, as DARTS_V2, or a file with one of these')
    .option(
      '--dataset <name>',
      'dataset of the network (default: the one that the cells were published for, else cifar10)',
    )
    .option('--space <name>', 'search space (default: the first that reads the architecture; nb201 for an index)')
    .option('--plugin <file>', 'plugin that brings the space', repeated)
    .option('--svg', 'draw the cells as SVG (with --out FILE.svg, .png or .pdf they are drawn without it, too)')
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench genotype show 6111\n  bench genotype show DARTS_V2 --out darts.pdf')
    .action(showGenotype)
  return new Command('genotype')
    .summary('show an architecture: its cells, parameters and multiply-accumulates')
    .description('Shows architectures: cells, parameters and multiply-accumulates.')
    .addCommand(show)
    .addHelpText('after', '\nExamples:\n  bench genotype show 6111\n  bench genotype show DARTS_V2 --out darts.pdf')
}

async function showGenotype(argument: string, flags: GenotypeFlags): Promise<void> {
  const { space: name, dataset, plugin = [], svg, out } = flags
  const format = outputFormat({ ...flags, ...(svg && { format: 'svg' as const, flag: '--svg' }) }, FORMATS, 'text')
  const { registry } = await registerPlugins(builtins, plugin)
  const { space, genotype } = readArchitecture(argument, {
    spaces: name === undefined ? registry.spaces : [registry.space(name)],
  })
  // The text of a whole genotype is too long for a title.
  const title = argument.length <= 60 ? argument.trim() : ''
  if (format === 'svg') return writeOutput(await drawnSvg(space, genotype, title), out)
  if (format === 'png' || format === 'pdf') {
    return writeNamedFile(out as string, await drawn(space, genotype, title, format))
  }
  const card = genotypeCard(space, genotype, dataset && knownName(dataset))
  writeOutput(format === 'json' ? `${JSON.stringify(card, null, 2)}\n` : renderCard(card, space), out)
}

const FORMATS = ['text', 'json', 'svg', 'png', 'pdf'] as const

async function drawnSvg(space: SearchSpace, genotype: Genotype, title: string): Promise<string> {
  const [{ cellDrawings, columnsOf }, { stackedSvg }] = await Promise.all([
    import('../../report/figures/cells.ts'),
    import('../../report/pictures/drawingSvg.ts'),
  ])
  const drawings = cellDrawings(space, genotype, title)
  return stackedSvg(drawings, undefined, columnsOf(drawings))
}

async function drawn(
  space: SearchSpace,
  genotype: Genotype,
  title: string,
  format: 'png' | 'pdf',
): Promise<Uint8Array> {
  const [{ cellDrawings, columnsOf }, { renderFigure }] = await Promise.all([
    import('../../report/figures/cells.ts'),
    import('../../report/pictures/picture.ts'),
  ])
  const panels = cellDrawings(space, genotype, title)
  return renderFigure({ name: 'cells', caption: '', columns: columnsOf(panels), panels }, format)
}
