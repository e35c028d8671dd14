/**
 * The residual cell that NAS-Bench-201's tables show beside the searched ones (He et al. 2016): two 3×3 convolutions and
 * a shortcut, number 11472 of the benchmark's list.
 */
import { defineReference } from '../core/algorithm.ts'
import { fixed } from './fixed.ts'
import { noOptions } from './options.ts'

const RESNET = '|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|'

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
