/**
 * TE-NAS (Chen, Gong, Wang: "Neural Architecture Search on ImageNet in Four GPU Hours: A Theoretically Inspired
 * Perspective", ICLR 2021): prunes an untrained supernet. In each round it removes from every edge the operation whose
 * removal does least harm, by the sum of two ranks: the change of the condition number κ of the neural tangent kernel
 * (which should fall) and of the number of linear regions (which should rise). It ends with one operation on each edge.
 *
 * Every remaining operation of an edge has the same mixing weight; `none` is removed first. As in the authors' code the
 * supernet has one cell per stage; 4 channels where they have 3, because kernels store channels in fours. κ is computed
 * on a batch of noise where they use images, linear regions are counted on 4×4 images of one channel where they have
 * 3×3, and both are means over `repeats` draws of weights. Each κ and each count costs as much simulated time as one
 * score. Algorithm files have at most 120 lines; this one is longer because of the two scores, their ranking and the
 * rounds.
 */
import { z } from 'zod'
import { neuralTangentKernel, ntkSpectrum } from '../analysis/ntk.ts'
import { distinctPatterns } from '../analysis/scores/activations.ts'
import { deterministicExecutor, oneTurn, ratedSize, SECONDS_PER_SCORE } from '../analysis/scores/rating.ts'
import { midRanks } from '../analysis/statistics/ranks.ts'
import { gaussianBatch } from '../analysis/zenScore.ts'
import { defineAlgorithm, type SearchContext } from '../core/algorithm.ts'
import type { Batch } from '../core/data.ts'
import type { Executable } from '../core/executor.ts'
import { flattenMixing, type Matrix } from '../core/mixing.ts'
import type { Network } from '../core/network.ts'
import { requireFinite } from '../core/numbers.ts'
import { initialWeights } from '../training/initialise.ts'
import { count } from './shared/options.ts'
import { scoredSearch } from './shared/scoredSearch.ts'

/** For each edge, the positions of its remaining operations among the edge's candidates. */
type Kept = readonly (readonly number[])[]

/** κ and the number of linear regions of a pruned supernet. */
interface Measured {
  readonly kappa: number
  readonly regions: number
}

/** The algorithm `te-nas`: prunes an untrained supernet by the neural tangent kernel and linear regions. */
export const teNas = defineAlgorithm({
  name: 'te-nas',
  version: 1,
  description: 'Prunes an untrained supernet by its neural tangent kernel and linear regions',
  source: 'Chen, Gong, Wang, "Neural Architecture Search on ImageNet in Four GPU Hours", ICLR 2021',
  look: { colour: 'purple', dash: 'dotted', marker: 'rect' },
  kind: 'black-box',
  reads: ['data.imageSize'],
  spaces: ['nb201'],
  options: z.strictObject({
    batch: count(16, 'images of the neural tangent kernel (72 in the paper’s code)', 2),
    images: count(1000, 'images whose linear regions are counted', 2),
    repeats: count(1, 'draws of weights over which κ and linear regions are averaged (3 in the paper’s code)'),
  }),
  async search(context, options) {
    return scoredSearch(context, async () => {
      const meter = await PruningMeter.open(context, options)
      try {
        const kept = await prune(context, meter)
        return { answer: context.space.derive(mixingOf(context, kept)), scored: meter.measured }
      } finally {
        meter.dispose()
      }
    })
  },
})

/** Removes operations until every edge has one; ends early if the budget is spent. Returns the remaining operations. */
async function prune({ space }: SearchContext, meter: PruningMeter): Promise<Kept> {
  let kept: Kept = space.edges.map(({ operations }) =>
    operations.map((_, op) => op).filter((op) => operations[op] !== 'none'),
  )
  while (kept.some((operations) => operations.length > 1)) {
    const whole = await meter.measure(kept)
    if (whole === undefined) return kept
    const removals: { readonly edge: number; readonly op: number; readonly kappa: number; readonly regions: number }[] =
      []
    for (const [edge, operations] of kept.entries()) {
      for (const op of operations.length > 1 ? operations : []) {
        const without = await meter.measure(
          kept.map((ops, i) => (i === edge ? ops.filter((other) => other !== op) : ops)),
        )
        if (without === undefined) return kept
        // Harm of the removal: κ grows, regions are lost.
        removals.push({ edge, op, kappa: without.kappa - whole.kappa, regions: whole.regions - without.regions })
      }
    }
    const [byKappa, byRegions] = [midRanks(removals.map((r) => r.kappa)), midRanks(removals.map((r) => r.regions))]
    const harm = removals.map((_, i) => byKappa[i] + byRegions[i])
    kept = kept.map((operations, edge) => {
      const own = [...removals.keys()].filter((i) => removals[i].edge === edge)
      if (own.length === 0) return operations
      const least = own.reduce((best, i) => (harm[i] < harm[best] ? i : best))
      return operations.filter((op) => op !== removals[least].op)
    })
  }
  return kept
}

/** Returns mixing weights in which the remaining operations of each edge have equal weights. */
const mixingOf = ({ space }: Pick<SearchContext, 'space'>, kept: Kept): Matrix =>
  space.edges.map(({ operations }, edge) =>
    operations.map((_, op) => (kept[edge].includes(op) ? 1 / kept[edge].length : 0)),
  )

/** Measures κ and linear regions of pruned supernets, and charges them to the simulated clock. */
class PruningMeter {
  readonly #context: SearchContext
  readonly #kernel: Executable
  readonly #regions: Executable
  readonly #batch: Batch
  readonly #images: Batch
  readonly #repeats: number
  #measured = 0

  static async open(
    context: SearchContext,
    { batch, images, repeats }: { readonly batch: number; readonly images: number; readonly repeats: number },
  ) {
    const { space, random } = context
    const { shape } = ratedSize(context)
    const tiny = { ...shape, height: 4, width: 4, channels: 1 }
    const supernet = (of: typeof shape, channels: number): Network =>
      space.supernet({ shape: of, channels, depth: 1, batchNorm: { affine: false, track: false } })
    const counted = supernet(tiny, 1)
    const observed = [...new Set(counted.layers.flatMap((layer) => (layer.kind === 'relu' ? [layer.input] : [])))]
    const executor = await deterministicExecutor()
    return new PruningMeter(
      context,
      await executor.compile(supernet(shape, 4), { batchSize: batch }),
      await executor.compile({ ...counted, observed }, { batchSize: images }),
      gaussianBatch(shape, batch, random('images', 'kernel')),
      gaussianBatch(tiny, images, random('images', 'regions')),
      repeats,
    )
  }

  private constructor(
    context: SearchContext,
    kernel: Executable,
    regions: Executable,
    batch: Batch,
    images: Batch,
    repeats: number,
  ) {
    this.#context = context
    this.#kernel = kernel
    this.#regions = regions
    this.#batch = batch
    this.#images = images
    this.#repeats = repeats
  }

  /** Number of measurements of κ and of linear regions. */
  get measured(): number {
    return this.#measured
  }

  /**
   * Returns κ and the number of linear regions of the pruned supernet; undefined if the budget does not suffice.
   * @throws NotFiniteError if the kernel is not finite
   */
  async measure(kept: Kept): Promise<Measured | undefined> {
    const { oracle, random } = this.#context
    const coefficients = flattenMixing({ theta: mixingOf(this.#context, kept) })
    const active = Uint8Array.from(coefficients, (value) => (value === 0 ? 0 : 1))
    if (!oracle.charge(2 * this.#repeats * SECONDS_PER_SCORE)) return undefined
    await oneTurn()
    let [kappa, regions] = [0, 0]
    for (let draw = 0; draw < this.#repeats; draw++) {
      this.#measured += 2
      this.#kernel.weights.write(initialWeights(this.#kernel.network, random('weights', 'kernel', draw), 'kaiming'))
      this.#regions.weights.write(initialWeights(this.#regions.network, random('weights', 'regions', draw), 'kaiming'))
      const spectrum = ntkSpectrum(
        await neuralTangentKernel(this.#kernel, { batch: this.#batch, coefficients, active }),
      )
      requireFinite(spectrum.trace, 'the trace of the neural tangent kernel')
      // A singular kernel counts as very badly conditioned; TE-NAS' code has 100,000 there.
      kappa += Math.min(1e5, spectrum.conditionNumber) / this.#repeats
      const { observed } = await this.#regions.forward({ batch: this.#images, coefficients, active }, 'probe')
      regions += distinctPatterns(observed, this.#images.size) / this.#repeats
    }
    return { kappa, regions }
  }

  dispose(): void {
    this.#kernel.dispose()
    this.#regions.dispose()
  }
}
