/**
 * Resolves the user's choices for a full training, from the command line or an experiment file, to all its settings.
 */

import { z } from 'zod'
import { type ClassWeighting, parseClassWeights, stateClassWeights } from '../core/classWeights.ts'
import { BenchError } from '../core/errors.ts'
import { REPORTED_METRICS, type ReportedMetric } from '../core/metric.ts'
import { requireOnce, unknownName } from '../core/names.ts'
import { problemIn } from '../core/parseRecord.ts'
import { pluralize } from '../core/plainText.ts'
import type { RetrainingSettings, WeightsToKeep } from '../core/retraining.ts'
import type { SpaceFamily } from '../core/space.ts'
import { requireOneBalance } from '../data/batches/subset.ts'
import { overridden, plainValues } from '../protocols/preset.ts'
import { parsedWith } from '../system/yamlFile.ts'
import { type RetrainingPreset, retrainingPresets } from './presets.ts'

/**
 * The user's choices for a full training: a preset and changes to it. The fields are named like the options on the
 * command line and in experiment files.
 */
export interface RetrainingRequest {
  /** Name of the preset for the full training; absent: the default for the architecture's family of search spaces. */
  readonly preset?: string
  /** Seeds of the full trainings, one training for each; absent: one training, with the seed of the search. */
  readonly seeds?: readonly number[]
  readonly epochs?: number
  readonly channels?: number
  readonly layers?: number
  readonly batchSize?: number
  /** Number of training images to use; absent: as in the preset. */
  readonly limit?: number
  /** Side in pixels to which the images of the training are scaled. */
  readonly imageSize?: number
  readonly auxiliary?: boolean
  /**
   * Classifier of the network: `linear`, or an MLP such as `mlp:512,256,128`, with the number of channels of each
   * hidden layer.
   */
  readonly head?: string
  readonly brokenImages?: 'fail' | 'skip'
  /** Metric to measure on the test images in addition to the accuracy. */
  readonly metric?: ReportedMetric
  /**
   * How training images are sampled. `uniform`: each image once per epoch. `balanced`: images of each class equally
   * often.
   */
  readonly sampling?: 'uniform' | 'balanced'
  /**
   * Class weights in the training loss. `none`: no weights. `balanced`: every class counts the same. Or one weight for
   * each class.
   */
  readonly classWeights?: ClassWeighting
  /** Which weights to save in addition to the final ones. */
  readonly keep?: WeightsToKeep
  /** Stem and preprocessing of the trained network; absent: `imagenet` for the dataset of that name, else `cifar`. */
  readonly family?: 'cifar' | 'imagenet'
}

/** Default preset for families of search spaces that name none. */
const DEFAULT_PRESET = 'darts-paper'

/**
 * Returns the preset of this name.
 * @throws BenchError `unknown-name` that suggests the nearest known name
 */
function findRetrainingPreset(name: string): RetrainingPreset {
  const preset = retrainingPresets.find((known) => known.name === name)
  if (preset !== undefined) return preset
  throw unknownName(
    'preset',
    name,
    retrainingPresets.map((known) => known.name),
  )
}

/** The properties of a family of search spaces that decide which presets and settings its full trainings can have. */
export type TrainedFamily = Pick<SpaceFamily, 'name' | 'presets' | 'networkSettings' | 'leastDepth' | 'depthCounts'>

/** A family that allows every network setting and every preset, used if none is given. */
const ANY_FAMILY: TrainedFamily = { name: 'any', networkSettings: ['auxiliary', 'family', 'head'] }

/** Returns the preset with which a family's architectures are trained if the user names none. */
export const defaultPreset = ({ presets = [DEFAULT_PRESET] }: Pick<TrainedFamily, 'presets'>): string => presets[0]

/**
 * Resolves all settings of a full training.
 * @param family the family of search spaces whose network is trained; absent: one that allows every preset and setting
 * @throws BenchError `unknown-name` for an unknown preset, `bad-input` for a change that the preset does not allow or a
 * setting that the family's networks lack
 */
export function resolveSettings(
  request: RetrainingRequest,
  dataset: string,
  family: TrainedFamily = ANY_FAMILY,
): RetrainingSettings {
  const { preset: name = defaultPreset(family), family: stem = dataset === 'imagenet' ? 'imagenet' : 'cifar' } = request
  const preset = fittingPreset(name, family)
  checkNetworkSettings(request, stem, family)
  const { [stem]: cited, byFamily = {}, byDataset = {} } = preset
  if (cited === undefined) throw new BenchError('unsupported', `preset ${name} has no network for photographs`)
  const values = plainValues<Omit<RetrainingSettings, 'preset'>>(
    overridden(cited, byFamily[family.name], byDataset[dataset]),
  )
  const {
    network: { head: presetHead, ...network },
    data,
    metric: presetMetric,
    ...others
  } = values
  const metric = request.metric ?? presetMetric
  const head = headText(request.head ?? presetHead, family)
  const settings = {
    preset: name,
    ...others,
    epochs: request.epochs ?? values.epochs,
    batchSize: request.batchSize ?? values.batchSize,
    ...(metric !== undefined && metric !== 'top1' && { metric }),
    network: {
      ...network,
      channels: request.channels ?? network.channels,
      layers: request.layers ?? network.layers,
      auxiliary: request.auxiliary ?? network.auxiliary,
      ...(head !== undefined && { head }),
    },
    data: {
      ...data,
      imageSize: request.imageSize ?? data.imageSize,
      limit: request.limit ?? data.limit,
      brokenImages: request.brokenImages ?? data.brokenImages,
      ...(request.sampling === 'balanced' && { sampling: request.sampling }),
      ...(request.classWeights && request.classWeights !== 'none' && { classWeights: request.classWeights }),
    },
  }
  requireOneBalance(settings.data)
  const { leastDepth = 1 } = family
  if (settings.network.layers >= leastDepth) return settings
  throw new BenchError(
    'bad-input',
    `a network of ${pluralize(settings.network.layers, 'cell')} has no normal cell; give at least ${leastDepth}`,
  )
}

/** Returns the preset of this name. @throws BenchError if there is none, or if it does not fit the family's networks */
function fittingPreset(name: string, family: TrainedFamily): RetrainingPreset {
  const preset = findRetrainingPreset(name)
  const { presets } = family
  if (presets === undefined || presets.includes(name)) return preset
  throw new BenchError(
    'unsupported',
    `preset ${name} is not for networks of ${family.name}; take ${presets.join(' or ')}`,
  )
}

/** Maximum number of hidden layers of a network's head; each may have up to `WIDEST_HIDDEN` channels. */
const MOST_HIDDEN = 8
const WIDEST_HIDDEN = 65_536

/**
 * Parses the head of a network, such as `mlp:512,256`, to the numbers of channels of its hidden layers; an empty list
 * for `linear` or undefined.
 * @throws BenchError `bad-input`
 */
export function parseHead(head = 'linear'): readonly number[] {
  if (head === 'linear') return []
  const widths = /^mlp:(\d+(?:[,+]\d+)*)$/.exec(head.replaceAll(' ', ''))?.[1].split(/[,+]/).map(Number) ?? []
  const fits = widths.length <= MOST_HIDDEN && widths.every((width) => width >= 1 && width <= WIDEST_HIDDEN)
  if (widths.length > 0 && fits) return widths
  const expected = `linear, or mlp: and the channels of 1 to ${MOST_HIDDEN} hidden layers, each 1 to ${WIDEST_HIDDEN}`
  throw new BenchError('bad-input', `head "${head}": expected ${expected}, as in mlp:512,256,128`)
}

/**
 * Returns the text of a head in the canonical form in which settings record it; undefined for a linear head.
 * @throws BenchError if the text is invalid, or if the heads of the family's networks have no hidden layers
 */
function headText(head: string | undefined, { name, networkSettings = [] }: TrainedFamily): string | undefined {
  const hidden = parseHead(head)
  if (hidden.length === 0) return undefined
  if (networkSettings.includes('head')) return `mlp:${hidden.join()}`
  throw new BenchError('unsupported', `the head of networks of ${name} has no hidden layers; leave out head ${head}`)
}

/** Throws for settings that the networks of a family do not have. @throws BenchError `unsupported` */
function checkNetworkSettings(
  { auxiliary }: RetrainingRequest,
  stem: 'cifar' | 'imagenet',
  { name, networkSettings }: TrainedFamily,
): void {
  if (networkSettings === undefined) return
  if (auxiliary && !networkSettings.includes('auxiliary')) {
    throw new BenchError('unsupported', `networks of ${name} have no auxiliary head; leave auxiliary out`)
  }
  if (stem === 'imagenet' && !networkSettings.includes('family')) {
    const remedy = 'name the folder with --data and a size with --image-size 32 (imageSize: 32 in a file)'
    throw new BenchError('unsupported', `networks of ${name} are for small images, not for ImageNet’s; ${remedy}`)
  }
}

/**
 * Parses which weights to save in addition to the final ones: `best`, `every:10`, or both separated by a comma or plus
 * sign.
 * @throws BenchError `bad-input`
 */
export function parseKeep(text: string): WeightsToKeep {
  const words = text.split(/[,+]/).map((word) => word.trim())
  requireOnce(
    words.map((word) => word.split(':')[0]),
    'keep',
  )
  return Object.assign({}, ...words.map((word) => keepWord(word, text)))
}

function keepWord(word: string, text: string): WeightsToKeep {
  if (word === 'best') return { best: true }
  const [, epochs] = /^every:([1-9]\d{0,8})$/.exec(word) ?? []
  if (epochs !== undefined) return { every: Number(epochs) }
  throw new BenchError('bad-input', `weights to keep: found "${text}", expected best, every:10, or best,every:10`)
}

/** Schema for the weights to save: a text like that of `--keep`, or a list of its parts. */
const keepSchema = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform(parsedWith((value) => parseKeep([value].flat().join(','))))

/** Schema for class weights: a text like that of `--class-weights`, or the weight of each class by its name. */
const classWeightsSchema = z
  .union([z.string(), z.record(z.string(), z.number())], { error: 'expected balanced, or a weight for each class' })
  .transform(
    parsedWith((value) =>
      typeof value === 'string' ? parseClassWeights(value) : stateClassWeights(Object.entries(value)),
    ),
  )

const count = z.coerce.number().int().min(1)

export const requestSchema = z.strictObject({
  preset: z.string().optional(),
  seeds: z.array(z.int().min(0)).min(1).optional(),
  epochs: count.optional(),
  channels: count.optional(),
  layers: count.optional(),
  batchSize: count.optional(),
  limit: count.optional(),
  imageSize: count.optional(),
  auxiliary: z.union([z.boolean(), z.stringbool()]).optional(),
  head: z.string().optional(),
  brokenImages: z.enum(['fail', 'skip']).optional(),
  sampling: z.enum(['uniform', 'balanced']).optional(),
  classWeights: classWeightsSchema.optional(),
  metric: z.enum(REPORTED_METRICS).optional(),
  keep: keepSchema.optional(),
  family: z.enum(['cifar', 'imagenet']).optional(),
})

/** Schema for the field `evaluate` in experiment files: `retrain`, alone or with settings of the full training. */
export const evaluateSchema = z
  .preprocess(
    (value) => (value === 'retrain' ? { retrain: {} } : value),
    z.strictObject(
      { retrain: requestSchema },
      { error: 'expected retrain, or { retrain: { preset: trial, epochs: 2 } }' },
    ),
  )
  .transform(({ retrain }) => retrain)

/**
 * Parses the text of `--evaluate`: `retrain` or `retrain:preset=trial,epochs=2`.
 * @throws BenchError `unknown-name` or `bad-input`
 */
export function parseEvaluate(text: string): RetrainingRequest {
  const [word, changes] = text.split(/:(.*)/s)
  if (word !== 'retrain') throw unknownName('evaluation', word, ['retrain'])
  // A value may have commas of its own, as head=mlp:512,256,128 has.
  const entries = (changes?.split(/,(?=\w+=)/) ?? []).map((change) => change.split(/=(.*)/s).slice(0, 2))
  const known = Object.keys(requestSchema.shape).filter((key) => key !== 'seeds')
  const unknownKey = entries.find(([key]) => !known.includes(key))
  if (unknownKey !== undefined) throw unknownName('setting of --evaluate retrain', unknownKey[0], known)
  requireOnce(
    entries.map(([key]) => key),
    '--evaluate',
  )
  const parsed = requestSchema.safeParse(Object.fromEntries(entries))
  if (parsed.success) return parsed.data
  throw new BenchError('bad-input', `--evaluate ${text}: ${problemIn(parsed.error)}`)
}
