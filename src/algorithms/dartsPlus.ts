/**
 * DARTS+ (Liang, Zhang, Sun, He, Huang, Zhuang, Li: "DARTS+: Improved Differentiable Architecture Search with Early
 * Stopping", 2019): first-order DARTS that ends before it collapses, by one of two rules (`shared/earlyStopping.ts`):
 *
 * - `skips`: two or more skip connections appear in the derived normal cell;
 * - `ranks`: the order of α among the learnable operations of each edge has been stable for ten epochs.
 *
 * The paper says to follow either. Here `skips` is the default, `either` takes whichever comes first. Any other search
 * has the rules as the option `earlyStop`. On NAS-Bench-201, which the paper does not search, the skip connections of
 * all six edges count. Where no skip connection is a candidate, `skips` could end no search, and is refused; on
 * `darts-s4` so is `ranks`. No rule ends a search in its first ten epochs. In a search of fewer than 50 epochs, both
 * tens are replaced by 20 % of its epochs.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { SearchSpace } from '../core/space.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { checkEarlyStop, type EarlyStopOptions, earlyStopped, hasRanks } from './shared/earlyStopping.ts'
import { choice, count, dependentOptions, optionalCount } from './shared/options.ts'
import type { SearchWithAlpha } from './shared/searchWith.ts'
import { possibleSkips } from './shared/skips.ts'

const allOptions = z.strictObject({
  rule: choice(['skips', 'ranks', 'either'], 'skips', 'what ends the search'),
  skips: count(2, 'number of skip connections in the normal cell that ends the search (criterion 1)'),
  stable: optionalCount('epochs in which α has kept its order; default: 10 (criterion 1*), 20 % of fewer than 50'),
  from: optionalCount('earliest epoch (from 0) that ends the search; default: 10, 20 % of fewer than 50 epochs', 0),
})

const options = dependentOptions(
  dependentOptions(allOptions, ['skips'], ({ rule }) => rule !== 'ranks', 'rule=skips or rule=either'),
  ['stable'],
  ({ rule }) => rule !== 'skips',
  'rule=ranks or rule=either',
)

/** Returns the early-stopping settings of each rule that the options choose. */
function rulesOf({ rule, skips, stable, from }: z.infer<typeof options>): readonly EarlyStopOptions[] {
  const settings = { skips: { earlyStopAt: skips }, ranks: { earlyStopAt: stable } }
  const rules = rule === 'either' ? (['skips', 'ranks'] as const) : [rule]
  return rules.map((earlyStop) => ({ earlyStop, earlyStopFrom: from, ...settings[earlyStop] }))
}

/** Checks that each chosen rule could end a search in this space. @throws BenchError `bad-input` otherwise */
function checkRules(space: SearchSpace, { rule }: z.infer<typeof options>): void {
  const lacks = {
    skips: possibleSkips(space) === 0 && `waits for skip connections, which ${space.name} does not have`,
    ranks: !hasRanks(space) && `compares convolutions, of which no edge of ${space.name} has two`,
  }
  const found = (rule !== 'ranks' && lacks.skips) || (rule !== 'skips' && lacks.ranks)
  if (found === false) return
  const other = lacks.skips ? 'ranks' : 'skips'
  const remedy = lacks[other] ? 'use darts-v1, since no rule of DARTS+ can end this search' : `take rule=${other}`
  throw new BenchError('bad-input', `darts-plus: rule=${rule} ${found}; ${remedy}`)
}

/** The algorithm `darts-plus`: first-order DARTS, ended by the number of skip connections or the order of α. */
export const dartsPlus = defineAlgorithm({
  name: 'darts-plus',
  version: 1,
  description: 'DARTS that ends at two skip connections, or when α keeps its order',
  source: 'Liang et al., "DARTS+: Improved Differentiable Architecture Search with Early Stopping", 2019',
  look: { colour: 'sky', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options,
  check(planned, given) {
    checkRules(planned.space, given)
    for (const rule of rulesOf(given)) checkEarlyStop('darts-plus', planned, rule, `rule=${rule.earlyStop}`)
  },
  async search(context, given) {
    const search: SearchWithAlpha = await bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
    })
    return rulesOf(given).reduce((stopped, rule) => earlyStopped(context, stopped, rule), search)
  },
})
