/**
 * How large D-DARTS' ablation loss is beside the validation loss: searches the DARTS space without `none` under `micro` on
 * `shapes`, with three cells and half of the images, and prints, by the size of the mean contribution M̄ of the cells to the loss, the norm of its gradient wrt the
 * mixing weights divided by that of the validation loss. L_AB,i = (M̄ − M_i)/M̄ has a pole at M̄ = 0.
 *
 *     npx jiti benchmarks/algorithms/ablation.ts [EPOCHS [SEED]]
 */
import { quantile } from 'simple-statistics'
import { ablationLoss, dDarts } from '../../src/algorithms/dDarts.ts'
import type { SearchContext } from '../../src/core/algorithm.ts'
import type { Matrix, MixingGradient } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import type { Supernet } from '../../src/core/supernet.ts'
import { searchData } from '../../src/data/imagesInMemory.ts'
import { usualShapes } from '../../src/data/shapes.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { resolveProtocol } from '../../src/protocols/index.ts'
import { dartsWithoutNone } from '../../src/spaces/darts/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'

const [epochs = 3, seed = 0] = process.argv.slice(2).map(Number)
const PARTS = 4

const space = dartsWithoutNone as unknown as SearchSpace
const usual = resolveProtocol('micro', { space: space.name, dataset: 'shapes', algorithm: dDarts.name })
const protocol = {
  ...usual,
  epochs,
  network: { ...usual.network, depth: 3 },
  data: { ...usual.data, limit: 1280 },
}
const { batchSize, network: size } = protocol
const data = searchData(usualShapes(), { data: protocol.data, batchSize, seed })
const executor = await openExecutor({ backend: 'wasm', deterministic: true })
const options = dDarts.options.parse({})

/** What an architecture step computed: the gradient with all cells, then with each cell ablated. */
interface Pass {
  readonly loss: number
  readonly cells: readonly Matrix[]
}
let passes: Pass[] = []

interface Step {
  /** |M̄|/L_val. */
  readonly contribution: number
  /** Largest |L_AB,i| of a cell. */
  readonly largest: number
  /** ‖w_AB · ∂L_AB‖/‖∂L_val‖, wrt the mixing weights of all cells. */
  readonly ratio: number
}
const steps: Step[] = []

const norm = (cells: readonly Matrix[]): number => Math.hypot(...cells.flat(2))

function take(loss: number, { cells = [] }: MixingGradient): void {
  passes.push({ loss, cells })
  if (passes.length <= cells.length) return
  const [whole, ...ablated] = passes
  passes = []
  const { values, gradients } = ablationLoss(whole, ablated)
  const mean = ablated.reduce((sum, each) => sum + whole.loss - each.loss, 0) / ablated.length
  steps.push({
    contribution: Math.abs(mean) / whole.loss,
    largest: Math.max(...values.map(Math.abs)),
    ratio: (options.ablation * norm(gradients)) / norm(whole.cells),
  })
}

function listeningTo(supernet: Supernet): Supernet {
  return {
    ...supernet,
    async gradient(...given) {
      const result = await supernet.gradient(...given)
      take(result.loss, result.mixing)
      return result
    },
  }
}

const search = await dDarts.search(
  {
    ...{ space, protocol, seed, data: async () => data },
    random: (...path: readonly (string | number)[]) => random(seed, ...path),
    async supernet(own = {}) {
      const batchNorm = { affine: size.affine, track: size.track }
      const network = space.supernet({
        shape: data.shape,
        channels: size.channels,
        depth: size.depth,
        batchNorm,
        ...own,
      })
      const stream = random(seed, 'weights', 'start')
      return listeningTo(await createSupernet({ executor, network, edges: space.edges, batchSize, stream }))
    },
  } as unknown as SearchContext,
  options,
)
for (let epoch = 0; epoch < epochs; epoch++) await search.epoch(epoch)
search.dispose()

const sorted = steps.toSorted((a, b) => a.contribution - b.contribution)
const digits = (value: number) => value.toPrecision(2).padStart(8)
process.stdout.write(`${steps.length} architecture steps, seed ${seed}, ${epochs} epochs, ${size.depth} cells\n`)
process.stdout.write('|M̄|/L_val up to   largest |L_AB| (median)   gradient ratio: median, greatest   above 1\n')
for (let part = 0; part < PARTS; part++) {
  const own = sorted.slice(Math.floor((part * sorted.length) / PARTS), Math.floor(((part + 1) * sorted.length) / PARTS))
  const ratios = own.map(({ ratio }) => ratio)
  const above = ratios.filter((ratio) => ratio > 1).length
  process.stdout.write(
    `${digits(own[own.length - 1].contribution)}          ${digits(
      quantile(
        own.map(({ largest }) => largest),
        0.5,
      ),
    )}` +
      `                    ${digits(quantile(ratios, 0.5))} ${digits(Math.max(...ratios))}             ${above} of ${own.length}\n`,
  )
}
