/**
 * Reference algorithms. They do not search, but give a comparison table rows that searches are compared with. `optimal`
 * answers with the best architecture of a table, `genotype` with an architecture that the user names, `resnet` with the
 * residual cell of NAS-Bench-201 (He et al. 2016). Three algorithms stand in this file, which is therefore longer than
 * 120 lines.
 */
import { z } from 'zod'
import { defineReference, type ReferenceContext } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { accuracyOf } from '../core/metric.ts'
import type { Genotype } from '../core/space.ts'
import { parseArchitecture, parseIn } from '../spaces/index.ts'
import { fixed } from './shared/blackBox.ts'
import { choice, noOptions } from './shared/options.ts'

const optimalOptions = z.strictObject({
  by: choice(['test', 'validation'], 'test', 'which of the numbers that are reported first is the largest'),
})

/**
 * The reference `optimal`: the best architecture of a benchmark table by test or by validation accuracy, which no
 * search can beat. Papers print the maximum of every table column in one row, which no single architecture reaches on
 * ImageNet16-120; this row is one architecture.
 */
export const optimal = defineReference({
  name: 'optimal',
  version: 1,
  description: 'Reference: the best architecture of the table, by its test accuracy',
  source: 'Dong and Yang, "NAS-Bench-201", ICLR 2020, table 5',
  look: { colour: 'grey', dash: 'solid', marker: 'triangle' },
  spaces: ['nb201'],
  options: optimalOptions,
  check({ table }) {
    if (table === undefined || table.rows === table.architectures) return
    const found = `table ${table.name} has ${table.rows} of ${table.architectures} architectures`
    throw new BenchError('missing', `optimal needs the numbers of all, and ${found}; complete it, or leave optimal out`)
  },
  search: async (context, { by }) => fixed(await best(context, by)),
})

/**
 * Finds the architecture with the highest test or validation accuracy in the benchmark table; ties go to the lowest
 * index.
 * @throws BenchError `missing` if the table lacks the accuracy of an architecture
 */
async function best(context: ReferenceContext, by: 'test' | 'validation'): Promise<Genotype> {
  const { space, evaluator, headline } = context
  if (evaluator === undefined || headline === undefined || space.numbering === undefined) {
    throw new BenchError(
      'missing',
      `optimal needs a table of all architectures of ${space.name}; name one with --table`,
    )
  }
  let top: { readonly genotype: Genotype; readonly accuracyPct: number } | undefined
  for (let index = 0; index < space.numbering.count; index++) {
    const genotype = space.numbering.at(index)
    const metrics = (await evaluator.lookup(genotype))?.metrics ?? []
    const accuracyPct = accuracyOf(metrics, headline[by])
    if (accuracyPct === undefined) throw incomplete(index, headline[by])
    if (top === undefined || accuracyPct > top.accuracyPct) top = { genotype, accuracyPct }
  }
  if (top === undefined) throw incomplete(0, headline[by])
  return top.genotype
}

const incomplete = (index: number, qualifier: string) =>
  new BenchError('missing', `optimal needs ${qualifier} of every architecture; the table has none for #${index}`)

/**
 * Options of the reference `genotype`. The architecture's text is stored even if the user gives a published name or an
 * index, so that the name and the written-out cells make the same job.
 */
const genotypeOptions = z.strictObject({
  genotype: z
    .string()
    .default('DARTS_V2')
    .transform(asText)
    .describe('text of an architecture, its index, or the name of a published genotype'),
})

/**
 * Returns the text of an architecture that the user names. A text that no built-in space reads is returned unchanged:
 * the space of a plugin may read it.
 */
function asText(argument: string): string {
  try {
    const { space, genotype } = parseArchitecture(argument)
    return (space.family ?? space).format(genotype)
  } catch {
    return argument
  }
}

/**
 * The reference `genotype`: answers with an architecture that the user gives, published or not, so that it is looked up
 * or trained, and reported like the searched ones.
 */
export const genotype = defineReference({
  name: 'genotype',
  version: 1,
  description: 'Reference: a known architecture',
  source: 'the papers that published the cells',
  look: { colour: 'sky', dash: 'solid', marker: 'circle' },
  exceptions: {
    'it works on this space, or says on which spaces it does':
      'its default, DARTS_V2, is an architecture of the DARTS space; on another space the user names one of that space',
  },
  options: genotypeOptions,
  check: ({ space }, { genotype }) => void parseIn(space, genotype),
  search: async ({ space }, { genotype }) => fixed(parseIn(space, genotype)),
})

/** The residual cell as an architecture string of NAS-Bench-201 (index 11,472): two 3×3 convolutions and a shortcut. */
const RESNET = '|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|'

/**
 * The reference `resnet`: the residual cell that the tables in NAS-Bench-201's paper show beside the searched cells.
 */
export const resnet = defineReference({
  name: 'resnet',
  version: 1,
  description: 'Reference: the ResNet cell of NAS-Bench-201',
  source: 'He et al., "Deep Residual Learning for Image Recognition", CVPR 2016',
  look: { colour: 'grey', dash: 'dotted', marker: 'rect' },
  spaces: ['nb201'],
  options: noOptions,
  search: async ({ space }) => fixed(space.parse(RESNET)),
})
