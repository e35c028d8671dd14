/**
 * P-DARTS (Chen, Xie, Wu, Tian: "Progressive Differentiable Architecture Search: Bridging the Depth Gap between Search
 * and Evaluation", ICCV 2019), for the DARTS space. The search has three stages of equally many epochs. Each has a new,
 * deeper search network and new α; after it every edge keeps its operations of largest α, 8 → 5 → 3, and the third
 * stage chooses one (§3.2). Two rules hold skip connections down (§3.3): dropout behind the skip connections, whose
 * rate falls within a stage, and at most two of them in the normal cell of the answer.
 *
 * α stays still for the first 10 of the 25 epochs of a stage, here for 40 % of them. Meanwhile the dropout rate falls
 * in a line from p, p (E − e − 1)/E in epoch e of E, then as p·exp(−0.2·25/E·(e − 0.4 E)) (`chenxin061/pdarts`:
 * train_search.py, for E = 25). Every stage has its own cosine, momentum and moments. Dropout drops the whole output of
 * a skip connection for single samples, where the authors' code drops single values of it. Algorithm files have at most
 * 120 lines; this one is longer because of the stages.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { normalMatrix } from '../core/mixing.ts'
import { pluralize } from '../core/plainText.ts'
import type { Supernet } from '../core/supernet.ts'
import { type BilevelMethod, type BilevelState, bilevelEpoch, bilevelStart, sgdOf } from './shared/bilevel.ts'
import { count, fractions, list } from './shared/options.ts'
import { keepStrongest, type Mask, maskedSoftmax, stageBegins } from './shared/pruning.ts'
import { checkFewSkips, deriveWithFewSkips } from './shared/skips.ts'

const STAGES = 3
/** Number of operations that each edge has in the stages after the first (§4.2.1). */
const KEPT = [5, 3]
/**
 * Number of cells by which the networks of the stages are deeper than that of the first (train_search.py, add_layers).
 */
const DEEPER = [0, 6, 12]

/** Dropout rate behind skip connections in epoch e (from 0) of a stage of E epochs whose initial rate is p. */
export function dropoutRate(p: number, e: number, E: number): number {
  const frozen = Math.floor(0.4 * E)
  return e < frozen ? (p * (E - e - 1)) / E : p * Math.exp((-0.2 * 25 * (e - frozen)) / E)
}

/** The algorithm `p-darts`: DARTS in stages, with deeper networks and fewer operations each. */
export const pDarts = defineAlgorithm({
  name: 'p-darts',
  version: 1,
  description: 'DARTS in three stages, each with a deeper network and fewer operations, and dropout behind skips',
  source: 'Chen et al., "Progressive Differentiable Architecture Search", ICCV 2019',
  look: { colour: 'grey', dash: 'longDashed', marker: 'star' },
  kind: 'supernet',
  spaces: ['darts', 'darts-no-none'],
  options: z.strictObject({
    dropout: fractions(
      [0, 0.4, 0.7],
      'dropout behind skips at the start of each stage (§4.2.1; 0.1,0.2,0.3 on cifar100)',
    ),
    layers: list('cells of the networks of the stages; default: network.depth, and 6 and 12 more (train_search.py)'),
    skips: count(2, 'largest number of skip connections in the normal cell of the answer (§3.3)', 0),
  }),
  check({ space, protocol, network }, { dropout, layers, skips }) {
    const refuse = (found: string) => {
      throw new BenchError('bad-input', `p-darts: ${found}`)
    }
    if (protocol.epochs < 3)
      refuse(`three stages need as many epochs; the protocol has ${protocol.epochs}; give it more`)
    if (dropout.length !== 3) refuse(`dropout has ${dropout.length} rates; give one for each of the three stages`)
    if (layers && layers.length !== 3)
      refuse(`layers has ${pluralize(layers.length, 'number')}; give one for each of the three stages`)
    const shallowest = Math.min(...(layers ?? [protocol.network.depth]))
    if (shallowest < 3) {
      const [remedy, given] = layers ? ['layers', `layers=${layers}`] : ['network.depth', `network.depth=${shallowest}`]
      refuse(`${given}: a network of ${pluralize(shallowest, 'cell')} has no normal cell; set ${remedy} to at least 3`)
    }
    checkFewSkips(space, skips, `p-darts: skips=${skips}`)
    network({ skipDropout: true })
  },
  idleUnder: ({ layers }) => (layers ? { 'network.depth': 'layers has the cells of every stage' } : {}),
  async search(context, { dropout, layers, skips }) {
    const { space, protocol, random } = context
    const widths = space.edges.map(({ operations }) => operations.length)
    const begins = [...stageBegins(STAGES, protocol.epochs), protocol.epochs]
    let now = 0
    const rate = () => dropoutRate(dropout[stage.index], now - begins[stage.index], lengthOf(stage.index))
    const lengthOf = (index: number) => Math.max(1, begins[index + 1] - begins[index])
    const depths = layers ?? DEEPER.map((more) => protocol.network.depth + more)
    const compile = (index: number) => context.supernet({ depth: depths[index], skipDropout: true }, rate)
    const startOf = (index: number) => normalMatrix(widths, 1e-3, random('architecture', 'start', index))
    const all: Mask = widths.map((width) => Array.from({ length: width }, () => true))
    let stage: { readonly index: number; readonly mask: Mask; readonly supernet: Supernet } = {
      ...{ index: 0, mask: all },
      supernet: await compile(0),
    }
    const method = (): BilevelMethod => ({
      start: startOf(stage.index),
      relaxation: () => maskedSoftmax(stage.mask),
      architectureFrom: begins[stage.index] + Math.floor(0.4 * lengthOf(stage.index)),
      sgd: (epoch) => sgdOf({ ...protocol, epochs: lengthOf(stage.index) }, epoch - begins[stage.index]),
    })
    let state: BilevelState = bilevelStart(method())
    const theta = () => maskedSoftmax(stage.mask).relax(state.parameters).mixing.theta

    /** Moves to a stage: a new network, its operations, and new α. */
    async function enter(index: number, mask: Mask): Promise<void> {
      stage.supernet.dispose()
      stage = { index, mask, supernet: await compile(index) }
      state = bilevelStart(method())
    }

    return {
      epochs: protocol.epochs,
      async epoch(index) {
        while (index === begins[stage.index + 1]) {
          await enter(
            stage.index + 1,
            keepStrongest(state.parameters, stage.mask, () => KEPT[stage.index]),
          )
        }
        now = index
        const after = await bilevelEpoch(context, method(), stage.supernet, state, index)
        state = after.state
        return { ...after.report, extra: { layers: depths[stage.index], dropout: rate() } }
      },
      genotype: () => deriveWithFewSkips(space, { theta: theta() }, skips),
      async save() {
        const network = await stage.supernet.executable.save()
        return { ...state, stage: stage.index, mask: stage.mask, network }
      },
      async restore(saved) {
        const { stage: index, mask, network, ...rest } = saved as unknown as Saved
        await enter(index, mask)
        stage.supernet.executable.restore(network)
        state = rest
      },
      get relaxed() {
        return { relaxation: maskedSoftmax(stage.mask), supernet: stage.supernet, parameters: () => state.parameters }
      },
      dispose: () => stage.supernet.dispose(),
    }
  },
})

/** The state of a search as saved in a checkpoint. */
interface Saved extends BilevelState {
  readonly stage: number
  readonly mask: Mask
  readonly network: ExecutableState
}
