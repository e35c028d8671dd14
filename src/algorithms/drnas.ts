/**
 * DrNAS (Chen, Wang, Cheng, Tang, Hsieh: "DrNAS: Dirichlet Neural Architecture Search", ICLR 2021). The mixing weights
 * θ of an edge are not a softmax, as in DARTS, but a random sample from a Dirichlet distribution whose concentration is
 * learnt.
 *
 *     min over β of E_{θ ~ Dir(β)} L_val(w*, θ) + λ d(β, β̂)                                                    (eq. 2)
 *
 * Each forward pass samples one θ per edge, shared by all cells; the architecture step and the weight step sample
 * separately. β is the concentration; it is parametrised by η, our alpha: β = ELU(η) + 1 (§4.1). d is a distance with
 * weight λ.
 *
 * The distance d keeps β near β̂ = 1; the option `anchor` chooses it. `l2` is ½‖η‖² (§4.1, the paper's choice for all
 * its results), applied as Adam's weight decay λ like in the authors' code. `kl` is KL(Dir(β) ‖ Dir(1)) summed over the
 * edges (A.5), without weight decay. `none` has no anchor and no weight decay. λ replaces the protocol's weight decay
 * on α.
 *
 * With `progressive` the search runs in the stages of §2.4 (`drnasProgressive.ts`).
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { SearchSpace } from '../core/space.ts'
import { dirichletRelaxation, klPenalty } from './distributions/dirichletRelaxation.ts'
import { checkStages, progressiveSearch } from './drnasProgressive.ts'
import { type BilevelMethod, bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { choice, dependentOptions, flag, fraction, list, number, optionalCount } from './shared/options.ts'

const allOptions = z.strictObject({
  anchor: choice(['l2', 'kl', 'none'], 'l2', 'distance that keeps the concentration near 1 (§4.1, A.5)'),
  lambda: number(1e-3, 'weight of the anchor (§4.1; tables 1 and 5)', 0),
  progressive: flag(false, 'learn in stages, wider and with fewer operations each (§2.4)'),
  partialChannels: list(
    'K: operations see 1/K of the channels (table 1); with progressive, of each stage: 4,2 on nb201 and 6,4 elsewhere (the authors’ code; §4.1 and §4.2 have 6,3)',
  ),
  kept: fraction(0.5, 'share of the operations that a stage leaves to the next, rounded up: 5→3, 7→4, 8→4 (§4.1)'),
  restartRate: flag(false, 'each stage begins at the initial learning rate (the authors’ code)'),
  freeze: optionalCount('epochs at the start of a stage in which α stays still; default: 10, at most 40 % of it', 0),
})

const options = dependentOptions(
  dependentOptions(
    allOptions,
    ['kept', 'freeze', 'restartRate'],
    ({ progressive }) => progressive === true,
    'progressive=true',
  ),
  ['lambda'],
  ({ anchor }) => anchor !== 'none',
  'anchor=l2 or anchor=kl',
)

type Options = z.infer<typeof options>

/** The term λ d(β, 1) of DrNAS' loss, which keeps β near 1, as a weight decay or a penalty of the bilevel loop. */
const anchorOf = ({ anchor, lambda }: Options): Pick<BilevelMethod, 'penalty' | 'weightDecay'> => ({
  weightDecay: anchor === 'l2' ? lambda : 0,
  ...(anchor === 'kl' ? { penalty: klPenalty(lambda) } : {}),
})

/**
 * The default K of each stage of progressive DrNAS, as in its authors' code: operations see 1/K of the channels. The
 * paper has 6, 3 on the DARTS space (§4.1, §4.2) and no stages for NAS-Bench-201.
 */
const stagesOf = ({ name }: SearchSpace): readonly number[] => (name.startsWith('nb201') ? [4, 2] : [6, 4])

/**
 * Returns the single K (operations see 1/K of the channels) of the option `partialChannels`.
 * @throws BenchError `bad-input` for several K without `progressive`
 */
function onlyOne([k, ...more]: readonly number[]): number {
  if (more.length === 0) return k
  const given = [k, ...more].join(',')
  throw new BenchError('bad-input', `drnas: partialChannels=${given} are stages; add progressive=true, or give one K`)
}

/** The algorithm `drnas`: DrNAS with one supernet, or with the stages of its progressive search. */
export const drnas = defineAlgorithm({
  name: 'drnas',
  version: 2,
  description: 'Mixing weights drawn from a learnt Dirichlet distribution, with an anchor regulariser',
  source: 'Chen et al., "DrNAS: Dirichlet Neural Architecture Search", ICLR 2021',
  look: { colour: 'blue', dash: 'solid', marker: 'circle' },
  kind: 'supernet',
  options,
  idle: { 'architecture.weightDecay': 'the anchor has lambda in its place' },
  check(planned, chosen) {
    if (!chosen.progressive) {
      planned.network({ partialChannels: onlyOne(chosen.partialChannels ?? [1]) })
      return
    }
    const partialChannels = chosen.partialChannels ?? stagesOf(planned.space)
    for (const k of partialChannels) planned.network({ partialChannels: k })
    checkStages(planned.protocol.epochs, { ...chosen, partialChannels })
  },
  search(context, chosen) {
    if (chosen.progressive) {
      const partialChannels = chosen.partialChannels ?? stagesOf(context.space)
      return progressiveSearch(context, anchorOf(chosen), { ...chosen, partialChannels })
    }
    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => dirichletRelaxation,
      supernet: { partialChannels: onlyOne(chosen.partialChannels ?? [1]) },
      ...anchorOf(chosen),
    })
  },
})
