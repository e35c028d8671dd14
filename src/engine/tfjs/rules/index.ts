/** One rule for each kind of layer. */
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

/** The rule of a layer's kind. (The cast: a record cannot say that key and value type go together.) */
export const ruleOf = (layer: Layer) => rules[layer.kind] as unknown as Rule<Layer>
