/**
 * Opens what is needed to score architectures: search space, images, executor and scores. Each worker process opens
 * them, too.
 */
import { builtinScores, scoreNamed } from '../analysis/scores/index.ts'
import { Scorer } from '../analysis/scores/input.ts'
import { gaussianBatch } from '../analysis/zenScore.ts'
import type { Batch, ImageShape } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { definePlugin } from '../core/plugin.ts'
import { random } from '../core/random.ts'
import type { RankScore, Score } from '../core/score.ts'
import type { SearchSpace } from '../core/space.ts'
import { eachBatch, type Images } from '../data/batches/batches.ts'
import { viewImages } from '../data/batches/imageView.ts'
import { balancedOrder } from '../data/batches/subset.ts'
import type { Dataset } from '../data/dataset.ts'
import { openDataset } from '../data/openDataset.ts'
import { type ExecutorOptions, executorIdentity, openExecutor } from '../engine/index.ts'
import { builtinSpaces } from '../spaces/index.ts'
import { registerPlugins } from '../system/plugins.ts'
import type { Initialisation } from '../training/initialise.ts'
import { GAUSSIAN, type ScoreSetting, singleScores } from './scoreSetting.ts'

/** The user's choices for a table of scores, which apply to all architectures. */
export interface ScoringChoice {
  readonly space: string
  /** Plugins with search spaces or scores: files or packages, as after `--plugin`. */
  readonly plugins: readonly string[]
  /** Names of scores. Names joined by + mean the sum of these scores' ranks. */
  readonly scores: readonly string[]
  /**
   * Name of the dataset whose training images the scores are computed on; `gaussian`: standard normal noise without
   * labels.
   */
  readonly dataset: string
  /** Folder of the images; absent: the user's data folder, or the built-in dataset. */
  readonly data?: string
  /** Channels after the stem (C); absent: as in the benchmark. `depth` and `imageSize` (in pixels) likewise. */
  readonly channels?: number
  readonly depth?: number
  readonly imageSize?: number
  readonly batchSize: number
  readonly initialisation: Initialisation
  readonly executor: ExecutorOptions
}

/** The opened search space, scores and executor with which architectures are scored. */
export interface Scoring {
  readonly space: SearchSpace
  readonly scores: readonly (Score | RankScore)[]
  /**
   * The scores to compute for each architecture: the named single scores, and those that the named rank sums combine.
   */
  readonly single: readonly Score[]
  readonly setting: ScoreSetting
  /** Returns the score or sum of ranks with this name. @throws BenchError `unknown-name` */
  named(name: string): Score | RankScore
  /** Returns name and content hash of the plugin that defines a score; undefined for a built-in score. */
  originOf(score: Score | RankScore): string | undefined
  /** Computes the given scores of an architecture with one seed. */
  score(arch: string, seed: number, scores: readonly Score[]): Promise<number[]>
}

const builtIn = definePlugin({ name: 'built in', spaces: Object.values(builtinSpaces), scores: builtinScores })

/**
 * The user's choices after a check of names and sizes, with the opened search space, scores and images. The executor is
 * not opened.
 */
export interface CheckedChoice extends Pick<Scoring, 'space' | 'scores' | 'single' | 'named' | 'originOf'> {
  readonly choice: ScoringChoice
  readonly source: ImageSource
  /** Name and content hash of the plugin that defines the search space; undefined for a built-in space. */
  readonly spacePlugin: string | undefined
}

/**
 * Opens the search space, scores and images that the user chose, and checks that they fit.
 * @throws BenchError for unknown names, missing images, a score that reads labels if the dataset has none, and network
 * sizes that the search space cannot build
 */
export async function checkChoice(choice: ScoringChoice, report?: (line: string) => void): Promise<CheckedChoice> {
  const { registry, origins } = await registerPlugins(builtIn, choice.plugins)
  const space = registry.space(choice.space)
  const named = (name: string) => scoreNamed(registry, name)
  const scores = choice.scores.map(named)
  const single = singleScores(scores, named)
  if (choice.dataset === GAUSSIAN) refuseLabels(single)
  refuseSmallBatch(single, choice.batchSize)
  const source = await openImages(choice, space, report)
  if (source.shape.classes < 2) refuseOneClass(single, choice.dataset)
  const originOf = (item: SearchSpace | Score | RankScore) => origins.get(item)
  return { choice, space, scores, single, source, named, originOf, spacePlugin: originOf(space) }
}

/**
 * Opens everything that the user chose, and the executor. @throws BenchError as `checkChoice`, or if the backend is not
 * available
 */
export async function openScoring(choice: ScoringChoice, report?: (line: string) => void): Promise<Scoring> {
  return openExecution(await checkChoice(choice, report))
}

/** Opens the executor for a checked choice. @throws BenchError if the backend is not available */
export async function openExecution(checked: CheckedChoice): Promise<Scoring> {
  const { choice, space, scores, single, source, named, originOf, spacePlugin } = checked
  const { channels, depth, imageSize } = source.network
  const shape: ImageShape = { ...source.shape, height: imageSize, width: imageSize }
  const { executor: name } = await executorIdentity(choice.executor)
  const executor = lazily(() => openExecutor(choice.executor))
  const setting: ScoreSetting = {
    space: space.name,
    ...(spacePlugin && { spacePlugin }),
    dataset: { name: choice.dataset, contentHash: source.contentHash, classes: shape.classes },
    network: { channels, depth, imageSize },
    batchSize: choice.batchSize,
    initialisation: choice.initialisation,
    executor: name,
  }
  const scorers = new Map<number, Promise<Scorer>>()
  const scorerOf = async (seed: number) => {
    const batches = new Map<number, Batch>()
    return new Scorer({
      executor: await executor(),
      size: { channels, depth, shape },
      batchSize: choice.batchSize,
      initialisation: choice.initialisation,
      seed,
      batch(index) {
        const batch = batches.get(index) ?? source.batch(seed, index, shape)
        batches.set(index, batch)
        return batch
      },
    })
  }
  return {
    ...{ space, scores, single, setting, named, originOf },
    async score(arch, seed, wanted) {
      const scorer = scorers.get(seed) ?? scorerOf(seed)
      scorers.set(seed, scorer)
      const genotype = space.parse(arch)
      const task = `${arch}, seed ${seed}`
      const checked = wanted.map((score) => (originOf(score) === undefined ? score : ofPlugin(score, task)))
      return (await scorer).score(checked, (size) => space.network(genotype, size))
    },
  }
}

/** Returns a score of a plugin whose errors name the score and the network, in place of a fault of this program. */
function ofPlugin(score: Score, task: string): Score {
  return {
    ...score,
    async compute(input) {
      try {
        return await score.compute(input)
      } catch (cause) {
        if (cause instanceof BenchError) throw cause
        const found = `the score ${score.name} fails on ${task}: ${cause instanceof Error ? cause.message : String(cause)}`
        throw new BenchError('failed', `${found}; \`bench check plugin FILE\` checks it`, { cause })
      }
    },
  }
}

function lazily<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => {
    opened ??= open()
    return opened
  }
}

/** Checks that no score reads labels, for images without labels. @throws BenchError `bad-input` if one does */
function refuseLabels(scores: readonly Score[]): void {
  const labelled = scores.filter(({ reads }) => reads === 'labels').map(({ name }) => name)
  if (labelled.length === 0) return
  const verb = labelled.length === 1 ? 'reads' : 'read'
  throw new BenchError(
    'bad-input',
    `${labelled.join(', ')} ${verb} labels, and --dataset ${GAUSSIAN} has none; name a dataset, as --dataset shapes`,
  )
}

/** Checks that no score reads labels, for images of one class. @throws BenchError `bad-input` if one does */
function refuseOneClass(scores: readonly Score[], dataset: string): void {
  const labelled = scores.filter(({ reads }) => reads === 'labels').map(({ name }) => name)
  if (labelled.length === 0) return
  const found = `${labelled.join(', ')}: the images of ${dataset} are all of one class, so the loss of every network is 0`
  throw new BenchError('bad-input', `${found}; name a dataset of at least 2 classes, or a score that reads no labels`)
}

/** Checks that the batch is large enough for all scores. @throws BenchError `bad-input` if it is not */
function refuseSmallBatch(scores: readonly Score[], batchSize: number): void {
  const refusing = scores.find(({ smallestBatch = 1 }) => batchSize < smallestBatch)
  if (refusing === undefined) return
  const found = `--batch ${batchSize}: ${refusing.name} compares the images of a batch with each other`
  throw new BenchError('bad-input', `${found}; give at least ${refusing.smallestBatch}`)
}

interface ImageSource {
  readonly contentHash: string
  /** Shape of the images before scaling, and number of classes. */
  readonly shape: ImageShape
  readonly network: ScoreSetting['network']
  /** Returns batch number `index` of images for a seed, scaled to `shape`. */
  batch(seed: number, index: number, shape: ImageShape): Batch
}

async function openImages(
  choice: ScoringChoice,
  space: SearchSpace,
  report?: (line: string) => void,
): Promise<ImageSource> {
  const { dataset: name, data: folder, batchSize } = choice
  const evaluation = space.evaluations?.[name] ?? Object.values(space.evaluations ?? {})[0]
  const sizeFor = (side: number | undefined): ScoreSetting['network'] => {
    const { channels = evaluation?.channels, depth = evaluation?.depth } = choice
    const imageSize = choice.imageSize ?? evaluation?.shape.height ?? side
    if (channels !== undefined && depth !== undefined && imageSize !== undefined) return { channels, depth, imageSize }
    const found = `space ${space.name} does not say how large its networks are`
    throw new BenchError('bad-input', `${found}; give --channels, --depth and --image-size`)
  }
  if (name === GAUSSIAN) {
    if (folder !== undefined)
      throw new BenchError('bad-input', `--dataset ${GAUSSIAN} reads no files; leave out --data`)
    const shape = evaluation?.shape ?? { height: 32, width: 32, channels: 3, classes: 10 }
    return {
      contentHash: GAUSSIAN,
      shape,
      network: sizeFor(undefined),
      batch: (seed, index, scaled) => gaussianBatch(scaled, batchSize, random(seed, 'score', 'images', index)),
    }
  }
  const dataset = await openDataset(name, { folder, imageSize: choice.imageSize ?? null, ...(report && { report }) })
  for (const note of dataset.notes ?? []) report?.(note)
  const network = sizeFor(Math.min(dataset.shape.height, dataset.shape.width))
  return { ...sourceOf(dataset, batchSize, network.imageSize), network }
}

/** Returns a source of batches of training images. The seed decides which images; classes occur in proportion. */
function sourceOf(dataset: Dataset, batchSize: number, imageSize: number): Omit<ImageSource, 'network'> {
  const orders = new Map<number, Uint32Array>()
  const { train, shape, contentHash } = dataset
  if (train.count < batchSize) {
    throw new BenchError(
      'bad-input',
      `--batch ${batchSize}: ${dataset.name} has ${pluralize(train.count, 'training image')}; give at most that`,
    )
  }
  return {
    contentHash,
    shape,
    batch(seed, index) {
      const order = orders.get(seed) ?? balancedOrder(train.labels, random(seed, 'score', 'images'))
      orders.set(seed, order)
      // Batches follow each other in the order, from its beginning again where it ends.
      const rows = Uint32Array.from({ length: batchSize }, (_, i) => order[(index * batchSize + i) % order.length])
      const view = viewImages({ set: train, shape, rows }, imageSize)
      return firstBatch({ ...view, statistics: dataset }, batchSize)
    },
  }
}

function firstBatch(images: Images, batchSize: number): Batch {
  const [batch] = eachBatch(images, { batchSize, seed: 0, role: 'scoring' })
  return batch
}
