/**
 * An architecture of the DARTS space that is known beforehand, as a row beside the searched ones: published cells trained
 * under the same budget, or any cells that are to be trained in full. It sees nothing and learns nothing.
 */
import { z } from 'zod'
import { defineReference } from '../core/algorithm.ts'
import { darts, parseCells } from '../spaces/darts/index.ts'
import { fixed } from './fixed.ts'

/** A name and the cells that it stands for are the same option, so that they are the same job. */
const options = z.strictObject({
  genotype: z
    .string()
    .default('DARTS_V2')
    .transform((text) => darts.format(parseCells(text)))
    .describe('name of a published genotype, or its text'),
})

export const genotype = defineReference({
  name: 'genotype',
  version: 1,
  description: 'Reference: a known architecture of the DARTS space',
  source: 'the papers that published the cells',
  look: { colour: 'sky', dash: 'solid', marker: 'circle' },
  spaces: ['darts'],
  options,
  search: async (_, { genotype }) => fixed(parseCells(genotype)),
})
