/**
 * The best architecture of the space by a looked-up number, as the row that no search can beat: by the test accuracy
 * that is reported first, or by its validation accuracy. The tables of the literature print each column's own maximum
 * in one row, which on ImageNet16-120 no architecture has; here a row is one architecture. Of equals the lowest index.
 */
import { z } from 'zod'
import { defineReference, type ReferenceContext } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { accuracyOf } from '../core/metric.ts'
import type { Genotype } from '../core/space.ts'
import { fixed } from './fixed.ts'
import { choice } from './options.ts'

const options = z.strictObject({
  by: choice(['test', 'validation'], 'test', 'which of the numbers that are reported first is the largest'),
})

export const optimal = defineReference({
  name: 'optimal',
  version: 1,
  description: 'Reference: the best architecture of the table, by its test accuracy',
  source: 'Dong and Yang, "NAS-Bench-201", ICLR 2020, table 5',
  look: { colour: 'grey', dash: 'solid', marker: 'triangle' },
  spaces: ['nb201'],
  options,
  check({ table }) {
    if (table === undefined || table.rows === table.architectures) return
    const found = `table ${table.name} has ${table.rows} of ${table.architectures} architectures`
    throw new BenchError('missing', `optimal needs the numbers of all, and ${found}; complete it, or leave optimal out`)
  },
  search: async (context, { by }) => fixed(await best(context, by)),
})

/** @throws BenchError `missing` where the numbers of all architectures are not to be had */
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
