/** The table of layer rules, which run a kind of layer forward and backward: one for each kind of layer. */
import type { Layer, LayerKind } from '../../../core/network.ts'
import { conv, depthwiseConv, linear } from './convolution.ts'
import { dropPath, mix, noise, relu, sum, zeros } from './entrywise.ts'
import { batchNorm } from './normalisation.ts'
import { avgPool, globalMean, maxPool } from './pooling.ts'
import type { LayerOf, Rule } from './rule.ts'
import { concat, crop, shuffle, slice } from './shape.ts'

const rules = {
  conv,
  depthwiseConv,
  batchNorm,
  relu,
  avgPool,
  maxPool,
  globalMean,
  linear,
  crop,
  slice,
  shuffle,
  dropPath,
  noise,
  zeros,
  sum,
  concat,
  mix,
} satisfies { readonly [K in LayerKind]: Rule<LayerOf<K>> }

/** Returns the rule that runs a layer. The cast is needed because the table's type does not tie a key to its rule. */
export const ruleOf = (layer: Layer) => rules[layer.kind] as unknown as Rule<Layer>
