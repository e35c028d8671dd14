/** Exports a trained network, or an architecture with random weights, to files in other programs' formats. */
import { join, resolve } from 'node:path'
import type { ImageShape } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { random } from '../core/random.ts'
import type { TrainedInput } from '../core/retraining.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import { type ChannelStatistics, CIFAR10, CIFAR100, IMAGENET, IMAGENET16 } from '../data/batches/transforms.ts'
import { writeAllAtomically } from '../system/atomicFile.ts'
import { statIfThere } from '../system/readable.ts'
import { initialWeights } from '../training/initialise.ts'
import type { Deployment } from './deployment.ts'
import { type ExportedFile, type ExportFormatName, formatNamed } from './formats.ts'
import type { CardFacts } from './modelCard.ts'
import type { TrainedModel } from './trainedModel.ts'

/** A network to export, and facts for its model card. */
export interface Exportable {
  readonly deployment: Deployment
  readonly facts: Omit<CardFacts, 'files' | 'licence'>
}

/** Returns a trained network in the form in which it is exported. */
export function exportableModel({ network, state, input, record, run, weights }: TrainedModel): Exportable {
  const { id, job, epochs } = record
  const notes = {
    genotype: job.genotype,
    training: id,
    dataset: job.dataset.name,
    epochs: String(weights.epochs),
    testAccuracyPct: String(epochs[weights.epochs - 1]?.testAccuracyPct ?? record.testAccuracyPct),
  }
  return {
    deployment: { network, state, input, notes },
    facts: { record, ...(run && { run }), epochs: weights.epochs },
  }
}

export interface UntrainedRequest {
  readonly space: SearchSpace
  readonly genotype: Genotype
  /**
   * Dataset that determines the size of the network; absent: the dataset of the paper that published the architecture,
   * or the first one of the search space.
   */
  readonly dataset?: string
  /** Seed of the random weights. */
  readonly seed: number
}

/**
 * Channel means and standard deviations of the datasets that papers evaluate on. For other datasets, the exported
 * network does not normalise its images.
 */
const STATISTICS: Readonly<Record<string, ChannelStatistics>> = {
  cifar10: CIFAR10,
  cifar100: CIFAR100,
  'ImageNet16-120': IMAGENET16,
  imagenet: IMAGENET,
}

/**
 * Returns an architecture's network with random weights for export, in the size used by the paper of its search space.
 * Its classes are named by their numbers.
 * @throws BenchError `unsupported` for a search space without such sizes, `unknown-name` for another dataset
 */
export function untrainedModel({ space, genotype, dataset, seed }: UntrainedRequest): Exportable {
  const { evaluations = {} } = space
  const known = Object.keys(evaluations)
  const chosen = dataset ?? space.searchedOn?.(genotype) ?? known[0]
  if (chosen === undefined) {
    throw new BenchError('unsupported', `${space.name} names no size of its networks; train the architecture instead`)
  }
  if (!Object.hasOwn(evaluations, chosen)) throw unknownName(`dataset of the networks of ${space.name}:`, chosen, known)
  const options = evaluations[chosen]
  const network = space.network(genotype, options)
  const statistics = network.statistics.flatMap((channels) => [
    ...new Array<number>(channels).fill(0),
    ...new Array<number>(channels).fill(1),
  ])
  const state = {
    weights: initialWeights(network, random(seed, 'weights', 'start')),
    statistics: Float32Array.from(statistics),
  }
  const notes = { genotype: space.format(genotype), weights: `random, seed ${seed}` }
  return { deployment: { network, state, input: inputFor(options.shape, chosen), notes }, facts: { epochs: 0 } }
}

function inputFor({ height, width, channels, classes }: ImageShape, dataset: string): TrainedInput {
  const { mean, std } = STATISTICS[dataset] ?? { mean: [0, 0, 0], std: [1, 1, 1] }
  const classNames = Array.from({ length: classes }, (_, label) => String(label))
  return { height, width, channels, classNames, mean, std }
}

export interface ExportTarget {
  readonly formats: readonly ExportFormatName[]
  /**
   * Path of the file if there is one format, else of a folder for all files; absent: `net` with the format's ending, or
   * the folder `net`.
   */
  readonly out?: string
  readonly licence?: string
}

/** Returns the files of an export, with paths and contents, without writing them. */
export async function exportedFiles(
  { deployment, facts }: Exportable,
  { formats, out, licence }: ExportTarget,
): Promise<{ readonly path: string; readonly content: string | Uint8Array }[]> {
  const { folder, stem } = placeOf(formats, out)
  const written: ExportedFile[] = []
  for (const name of formats) {
    // The card lists the other files, so it is written last.
    if (name === 'card') continue
    const { write, ending } = formatNamed(name)
    const prefix = formats.length > 1 && ending === undefined ? `${name}/` : ''
    for (const file of await write(deployment, stem, { ...facts, files: [] })) {
      const own = prefix + file.name
      // The weights of --to pytorch are those of --to safetensors.
      if (!written.some((earlier) => earlier.name === own)) written.push({ ...file, name: own })
    }
  }
  if (formats.includes('card')) {
    const files = written.map((file) => file.name)
    const [card] = await formatNamed('card').write(deployment, stem, { ...facts, licence, files })
    written.push(formats.length > 1 || isFolder(out) ? { ...card, name: 'README.md' } : card)
  }
  return written.map(({ name, content }) => ({ path: join(folder, name), content }))
}

/** Returns the folder of the exported files and their name without ending. @throws BenchError `bad-input` */
function placeOf(formats: readonly ExportFormatName[], out: string | undefined) {
  const [first] = formats
  const { ending } = formatNamed(first)
  if (formats.length > 1) {
    if (out !== undefined && statIfThere(out)?.isFile()) {
      throw new BenchError('bad-input', `--out ${out} is a file; several formats need a folder`)
    }
    return { folder: out ?? 'net', stem: 'net' }
  }
  if (isFolder(out) || ending === undefined) return { folder: out ?? 'net', stem: 'net' }
  if (out === undefined) return { folder: '', stem: 'net' }
  if (!out.endsWith(ending) || out.length === ending.length) {
    throw new BenchError('bad-input', `--out ${out}: a file of --to ${first} ends in ${ending}; add that ending`)
  }
  const stem = out.slice(out.search(/[^/\\]*$/), -ending.length)
  return { folder: out.slice(0, out.length - stem.length - ending.length), stem }
}

const isFolder = (out: string | undefined): boolean =>
  out !== undefined && (/[/\\]$/.test(out) || statIfThere(out)?.isDirectory() === true)

/** Writes the files of an export. If one of them cannot be written, writes none. */
export const writeExport = (files: readonly { path: string; content: string | Uint8Array }[]): void =>
  writeAllAtomically(files.map(({ path, content }) => ({ path: resolve(path), content })))
