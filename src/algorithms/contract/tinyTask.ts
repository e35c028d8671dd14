/**
 * The task on which the contract suite runs a search: random images whose brightness depends on their label, the
 * smallest supernet of a space, and an oracle that answers from a formula. Everything is a pure function of the seed.
 */
import type { ProgramServices, ReferenceContext } from '../../core/algorithm.ts'
import type { Batch, BatchSource, ImageShape, SearchData } from '../../core/data.ts'
import type { Oracle } from '../../core/evaluation.ts'
import { formatQualifier } from '../../core/metric.ts'
import type { Protocol } from '../../core/protocol.ts'
import { random } from '../../core/random.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { writeSearchImages } from '../../data/imageFiles.ts'

const SHAPE: ImageShape = { height: 8, width: 8, channels: 3, classes: 4 }
const BATCH_SIZE = 4

/**
 * Makes the data of the tiny task: batches of random 8×8 images in four classes.
 * @param stepsPerEpoch weight steps (batches of the weight half) per epoch
 */
export function tinyData(seed: number, stepsPerEpoch: number): SearchData {
  const source = (half: string): BatchSource => ({
    batchSize: BATCH_SIZE,
    batchesPerEpoch: stepsPerEpoch,
    batch: async (index) => tinyBatch(random(seed, 'contract', half, index).uint32()),
  })
  return {
    shape: SHAPE,
    weights: source('weights'),
    architecture: source('architecture'),
    validation: source('validation'),
    whole: () => ({ weights: source('whole weights'), architecture: source('whole architecture') }),
  }
}

/** Makes a batch of random images whose mean brightness depends on their class. */
function tinyBatch(seed: number): Batch {
  const stream = random(seed, 'batch')
  const labels = Int32Array.from({ length: BATCH_SIZE }, () => stream.integer(SHAPE.classes))
  const pixels = SHAPE.height * SHAPE.width * SHAPE.channels
  const images = Float32Array.from(
    { length: BATCH_SIZE * pixels },
    (_, i) => labels[Math.floor(i / pixels)] / 2 - 1 + stream.uniform(),
  )
  return { images, labels, size: BATCH_SIZE }
}

/**
 * The search protocol of the tiny task: 4 channels; one cell per stage on NAS-Bench-201, one normal and two reduction
 * cells on the DARTS space.
 */
export function tinyProtocol(space: Pick<SearchSpace, 'edges'>, epochs: number): Protocol {
  const reductions = space.edges.some(({ cell }) => cell === 'reduce')
  return {
    name: 'contract',
    epochs,
    batchSize: BATCH_SIZE,
    weights: {
      learningRate: 0.05,
      learningRateMin: 0.001,
      momentum: 0.9,
      nesterov: false,
      weightDecay: 3e-4,
      clipNorm: 5,
    },
    architecture: { learningRate: 0.02, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 1e-3 },
    network: { channels: 4, depth: reductions ? 3 : 1, affine: false, track: true },
    stepOrder: 'architecture-first',
    data: { trainPortion: 0.5, cropPadding: 0, flip: false, cutout: 0, imageSize: null, limit: null },
    headline: {},
  }
}

/** Number of images in the training set that an external program gets on the tiny task. */
const IMAGES = 100

/**
 * Services for an external program on the tiny task: 100 random images in four classes, 50 in each half, as files in a
 * folder.
 */
export function tinyProgramServices(folder: string, seed: number): ProgramServices {
  const images = () => {
    const batches = Array.from({ length: IMAGES / BATCH_SIZE }, (_, i) => tinyBatch(random(0, 'contract', i).uint32()))
    const pixels = Uint8Array.from(
      batches.flatMap((batch) => [...batch.images]),
      (value) => 80 * (value + 1),
    )
    const labels = Int32Array.from(batches.flatMap((batch) => [...batch.labels]))
    const set = { count: IMAGES, pixels, labels }
    const half = [0.5, 0.5, 0.5]
    const { data } = tinyProtocol({ edges: [] }, 1)
    return writeSearchImages(folder, { shape: SHAPE, train: set, test: set, mean: half, std: half }, { data, seed })
  }
  return { folder, dataset: 'contract', threads: 1, images: async () => images() }
}

/** Time budget of every black-box search that the contract suite runs, in simulated seconds. */
export const BUDGET_SECONDS = 2000

/** An oracle with accuracies from a formula. A query costs 50 to 150 simulated seconds; all queries are recorded. */
export class TinyOracle implements Oracle {
  readonly budgetSeconds = BUDGET_SECONDS
  readonly #space: SearchSpace
  readonly asked: string[] = []
  /** Number of queries made after this oracle had refused one because the time budget was spent. */
  queriesAfterRefusal = 0
  #usedSeconds = 0
  #refused = false

  constructor(space: SearchSpace) {
    this.#space = space
  }

  get usedSeconds(): number {
    return this.#usedSeconds
  }

  charge(seconds: number): boolean {
    if (this.#usedSeconds + seconds > this.budgetSeconds) return false
    this.#usedSeconds += seconds
    return true
  }

  async query(genotype: Genotype) {
    const text = this.#space.format(genotype)
    const stream = random(0, 'contract oracle', text)
    const answer = { accuracyPct: 100 * stream.uniform(), seconds: 50 + 100 * stream.uniform() }
    if (this.#refused) this.queriesAfterRefusal++
    if (this.#usedSeconds + answer.seconds > this.budgetSeconds) {
      this.#refused = true
      return undefined
    }
    this.#usedSeconds += answer.seconds
    this.asked.push(text)
    return answer
  }
}

/** What a reference algorithm may read on the tiny task: accuracies of all architectures, computed from a formula. */
export function tinyReference(space: SearchSpace): Pick<ReferenceContext, 'evaluator' | 'headline'> {
  const qualifier = { dataset: 'contract', split: 'x-test', epochs: 1, seed: 0 }
  const column = formatQualifier(qualifier)
  const accuracyPct = (genotype: Genotype) => 100 * random(0, 'contract test', space.format(genotype)).uniform()
  const evaluate = async (genotype: Genotype) => ({
    metrics: [{ ...qualifier, accuracyPct: accuracyPct(genotype) }],
  })
  const validate = async (genotype: Genotype) => ({ accuracyPct: accuracyPct(genotype), seconds: 1 })
  return {
    evaluator: { identity: 'formula', evaluate, lookup: evaluate, validate },
    headline: { dataset: 'contract', validation: column, test: column },
  }
}
