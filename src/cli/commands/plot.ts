/** `bench plot`: draws a figure of finished runs as PNG, SVG or PDF. */
import { Command } from 'commander'
import { BenchError } from '../../core/errors.ts'
import {
  type FigureKind,
  type FigureOptions,
  figureKinds,
  makeFigure,
  quantitiesOf,
  requireBands,
  requireQuantity,
} from '../../report/figures/index.ts'
import { paretoCosts } from '../../report/figures/pareto.ts'
import type { AxisLimits } from '../../report/pictures/figure.ts'
import { axisLimits, jsonOption, oneOf, pictureFile, positiveNumber, quietOption } from '../options.ts'
import { print, writePictures } from '../output.ts'
import { referenceNames, spaceOf } from '../pluginRegistry.ts'
import { addSelectionFlags, SELECTION_HELP, type SelectionFlags, selectRuns } from '../runSelection.ts'

interface PlotFlags extends SelectionFlags, Pick<FigureOptions, 'quantity' | 'spread' | 'cost' | 'limits'> {
  readonly out?: readonly string[]
  readonly width?: number
  readonly xLimits?: AxisLimits
  readonly yLimits?: AxisLimits
  readonly json?: boolean
  readonly quiet?: boolean
}

const kinds = Object.keys(figureKinds) as FigureKind[]
/** The names of all quantities, and a line of the help text for each kind of figure that has some. */
const quantities = [...new Set(kinds.flatMap((kind) => Object.keys(quantitiesOf(kind))))]
const quantityHelp = kinds
  .map((kind) => [kind, Object.keys(quantitiesOf(kind))] as const)
  .filter(([, names]) => names.length > 0)
  .map(([kind, names]) => `${kind}: ${names.join(', ')}`)
const costs = Object.keys(paretoCosts)

export function plotCommand(): Command {
  const command = new Command('plot')
    .summary('draw a figure of runs as PNG, SVG or PDF')
    .description(
      `Draws finished runs, at the width of a paper's column. Kinds:\n${Object.entries(figureKinds)
        .map(([kind, { about }]) => `  ${kind.padEnd(10)} ${about}`)
        .join('\n')}`,
    )
    .argument('<kind>', 'what to draw', oneOf('kind of figure', kinds))
    .argument('[items...]', SELECTION_HELP)
  return addSelectionFlags(command)
    .option(
      '--out <file>',
      'picture to write, by its ending .png, .svg or .pdf; may be given several times',
      pictureFile,
    )
    .option('--width <mm>', 'width of the picture (default: 85, with panels side by side 178)', positiveNumber)
    .option(
      '--spread <name>',
      'band around the mean of the seeds: range, std, none (default: range; std for many seeds, none for many methods)',
      oneOf('spread', ['range', 'std', 'none']),
    )
    .option(
      '--quantity <name>',
      `what to draw; ${quantityHelp.join('; ')} (default: the first; training: losses and accuracies)`,
      oneOf('quantity', quantities),
    )
    .option(
      '--cost <name>',
      `pareto: cost to draw, one of ${costs.join(', ')} (default: parameters)`,
      oneOf('cost', costs),
    )
    .option('--x-limits <low,high>', 'ends of the x axis; either may be left out, as in 90,', axisLimits)
    .option('--y-limits <low,high>', 'ends of the y axis; either may be left out, as in ,95', axisLimits)
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench plot hessian --out hessian.pdf --out hessian.png\n  bench plot training --quantity validLoss --out loss.pdf\n  bench plot anytime runs --quantity regret --out regret.svg\n  bench plot scatter --algo drnas --dataset cifar10 --out scatter.svg',
    )
    .action(plot)
}

async function plot(kind: FigureKind, items: readonly string[], flags: PlotFlags): Promise<void> {
  const { out = [], width, quantity, spread, cost, plugin = [], xLimits, yLimits } = flags
  if (out.length === 0 && !flags.json) {
    throw new BenchError(
      'bad-input',
      `no picture is named; --out ${kind}.svg writes one, --json prints the figure's data`,
    )
  }
  if (out.length === 0 && width !== undefined) {
    throw new BenchError('bad-input', '--width is for a picture; name it with --out, or leave out --width')
  }
  if (quantity !== undefined) requireQuantity(kind, quantity)
  if (spread !== undefined) requireBands(kind)
  if (cost !== undefined && kind !== 'pareto') {
    throw new BenchError('bad-input', `--cost is for the figure pareto, not ${kind}; leave it out`)
  }
  const runs = await selectRuns(items, flags)
  const figure = await makeFigure(kind, runs, {
    quantity,
    spread,
    cost,
    limits: { x: xLimits, y: yLimits },
    space: await spaceOf(runs[0].manifest.job.space, plugin),
    references: await referenceNames(plugin),
  })
  if (flags.json) print(`${JSON.stringify(figure, null, 2)}\n`)
  if (out.length === 0) return
  await writePictures(figure, out, width)
  if (!flags.quiet && !flags.json) print(`${out.join(', ')}: ${figure.caption}\n`)
}
