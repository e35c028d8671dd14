/** Finds the network that a full training produced, by the id or folder of a run, and reads its saved weights. */
import { createHash } from 'node:crypto'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { unknownName } from '../core/names.ts'
import type { Network } from '../core/network.ts'
import { parseRecord } from '../core/parseRecord.ts'
import { benchCommand, pluralize } from '../core/plainText.ts'
import { recordSchemas } from '../core/recordSchemas.ts'
import type { ResultRecord } from '../core/result.ts'
import type { KeptWeights, TrainedInput } from '../core/retraining.ts'
import type { Genotype, SearchSpace, SpaceFamily } from '../core/space.ts'
import { idInStore, noRunNamed } from '../retrain/runIds.ts'
import { deployedNetwork } from '../retrain/training.ts'
import { type TrainingRecord, trainingRecordSchema } from '../retrain/trainingRecord.ts'
import type { Store } from '../runner/store/store.ts'
import { readIfThere, statIfThere } from '../system/readable.ts'
import { decodeSafetensors } from '../system/safetensors.ts'
import { stateOf } from '../training/namedTensors.ts'

/** A trained network without auxiliary head and drop path, which are used only in training. */
export interface TrainedModel {
  /** Record of the training that produced the network. */
  readonly record: TrainingRecord
  /** The run that trained the network in full; absent if the training itself was named. */
  readonly run?: ResultRecord
  /** Which of the saved weights were read: an entry of the record's `weights`. */
  readonly weights: KeptWeights
  readonly genotype: Genotype
  readonly family: SpaceFamily
  readonly network: Network
  /** Weights and running statistics of the network, in the form that executors take. */
  readonly state: ExecutableState
  readonly input: TrainedInput
}

/** Which saved weights to read: those after the last epoch, after the best epoch, or after this number of epochs. */
export type WeightsChoice = 'final' | 'best' | { readonly epochs: number }

export interface ModelRequest {
  /** The store in which a run is looked up by its id. */
  readonly store: Store
  /** All search spaces whose networks can be built. */
  readonly spaces: readonly SearchSpace[]
  /** Seed of the full training; needed if the run has several. */
  readonly seed?: number
  /** Which saved weights to read; absent: those after the last epoch. */
  readonly weights?: WeightsChoice
  /** Options that the commands in error messages need to find the same run, as `--store my-runs`; absent: none. */
  readonly options?: readonly string[]
}

/**
 * Reads a trained network.
 * @param argument id of a run or training in the store, the unique beginning of such an id, or the path of its folder
 * @throws BenchError `missing` if there is no such run, or if it has no weights; `corrupt` for damaged files;
 * `unknown-name` if the plugin with the search space is missing
 */
export function openTrainedModel(argument: string, request: ModelRequest): TrainedModel {
  const { folder, record, run } = findTraining(argument, request)
  const weights = chooseWeights(record, folder, request.weights ?? 'final')
  const path = join(folder, weights.file)
  const bytes = readIfThere(path)
  if (bytes === undefined) {
    throw new BenchError('missing', `${path} is gone; restore it, or move its folder away and train again`)
  }
  if (createHash('sha256').update(bytes).digest('hex') !== weights.sha256) {
    throw new BenchError('corrupt', `${path} does not match its hash in result.json; restore it from a copy`)
  }
  const { tensors, metadata } = decodeSafetensors(bytes, path)
  const input = inputOf(metadata.input, path)
  const family = familyNamed(metadata.family, request.spaces)
  const genotype = family.parse(record.job.genotype)
  const { classNames, mean, std, ...image } = input
  const shape = { ...image, classes: classNames.length }
  const network = deployedNetwork({ family, genotype }, record.job.settings, shape)
  const state = stateOf(network, tensors, path)
  return { record, ...(run && { run }), weights, genotype, family, network, state, input }
}

interface FoundTraining {
  readonly folder: string
  readonly record: TrainingRecord
  readonly run?: ResultRecord
}

const REMEDY = 'restore it from a copy, or move its folder away'

function findTraining(argument: string, { store, seed, options = [] }: ModelRequest): FoundTraining {
  const folder = folderOf(argument, store)
  const training = trainingIn(folder)
  if (training !== undefined) return { folder, record: training }
  const path = join(folder, 'result.json')
  const text = readIfThere(path)?.toString('utf8')
  if (text === undefined) {
    const found = readIfThere(join(folder, 'run.json')) ?? readIfThere(join(folder, 'checkpoint'))
    const problem =
      found === undefined ? 'there is no run.json or result.json' : 'it is not finished; the same command continues it'
    throw new BenchError('missing', `${folder} holds no trained network: ${problem}`)
  }
  const run = parseRecord(text, path, recordSchemas().runFiles['result.json'])
  const { trainings = [], id, genotype } = run
  if (trainings.length === 0) {
    const command = trainCommand(argument, options)
    const found = `run ${id} has no weights: its architecture ${genotype.slice(0, 80)} was not trained in full`
    throw new BenchError('missing', `${found}; train it, for example with \`${command}\``)
  }
  const chosen = seed === undefined ? trainings : trainings.filter((training) => training.seed === seed)
  if (chosen.length !== 1) {
    const seeds = trainings.map((training) => training.seed).join(', ')
    const asked = seed === undefined ? `has ${pluralize(trainings.length, 'training')}` : `has none of seed ${seed}`
    throw new BenchError('bad-input', `run ${id} ${asked}; name one of the training seeds ${seeds} with --seed`)
  }
  const own = join(dirname(folder), chosen[0].id)
  const record = trainingIn(own)
  if (record !== undefined) return { folder: own, record, run }
  throw new BenchError('missing', `the training of run ${id} is gone: there is no ${own}; restore it, or train again`)
}

/**
 * Returns the `bench retrain` command that trains an architecture in full, on CIFAR-10 for example.
 * @param options further options of the command, as `--store my-runs`
 */
export const trainCommand = (architecture: string, options: readonly string[]): string =>
  benchCommand('retrain', '--genotype', architecture, '--dataset', 'cifar10', ...options)

/** Returns the folder of a run or training, given by its path or by its id in the store. */
function folderOf(argument: string, store: Store): string {
  const path = basename(argument) === 'result.json' ? dirname(argument) : argument
  if (statIfThere(path)?.isDirectory()) return resolve(path)
  if (/[/\\]/.test(argument)) {
    throw new BenchError('missing', `there is no folder ${argument}; name a run by its id or folder`)
  }
  const id = idInStore(argument, store.folder)
  if (id === undefined) throw noRunNamed(argument, store.folder)
  return join(store.folder, id)
}

/** Returns the training's record in a folder; undefined if the folder is not that of a full training. */
function trainingIn(folder: string): TrainingRecord | undefined {
  const path = join(folder, 'result.json')
  const text = readIfThere(path)?.toString('utf8')
  if (text === undefined || !basename(folder).startsWith('retrain-')) return undefined
  return parseRecord(text, path, { schema: trainingRecordSchema(), what: 'the result of a training', remedy: REMEDY })
}

function chooseWeights({ id, weights = [], best }: TrainingRecord, folder: string, choice: WeightsChoice): KeptWeights {
  const final = weights.at(-1)
  if (final === undefined) {
    const problem = 'an earlier version of this program trained it and kept none'
    throw new BenchError('missing', `${id} has no weights: ${problem}; move ${folder} away and train it again`)
  }
  if (choice === 'final') return final
  const epochs = choice === 'best' ? best.epoch + 1 : choice.epochs
  const chosen = weights.find((kept) => kept.epochs === epochs)
  if (chosen !== undefined) return chosen
  const kept = weights.map((each) => each.epochs).join(', ')
  const what = choice === 'best' ? `of its best epoch, ${epochs},` : `after ${pluralize(epochs, 'epoch')}`
  throw new BenchError(
    'missing',
    `${id} did not keep the weights ${what} but those after ${kept}; name one of these, or train again with --keep`,
  )
}

const inputSchema: z.ZodType<TrainedInput> = z.object({
  height: z.int().min(1),
  width: z.int().min(1),
  channels: z.literal(3),
  classNames: z.array(z.string()).min(1),
  mean: z.array(z.number()).length(3),
  std: z.array(z.number().positive()).length(3),
})

function inputOf(text: string | undefined, path: string): TrainedInput {
  const what = 'the weights of a training (metadata `input`)'
  return parseRecord(text ?? '', path, { schema: inputSchema, what, remedy: REMEDY })
}

function familyNamed(name: string | undefined, spaces: readonly SearchSpace[]): SpaceFamily {
  const families = spaces.flatMap(({ family }) => family ?? [])
  const family = families.find((known) => known.name === name)
  if (family !== undefined) return family
  throw unknownName('family of search spaces (--plugin names the plugin that brings it):', name ?? 'none', [
    ...new Set(families.map((known) => known.name)),
  ])
}

/** Parses which weights to use: `final`, `best`, or a number of epochs. @throws BenchError `bad-input` */
export function parseWeightsChoice(text: string): WeightsChoice {
  if (text === 'final' || text === 'best') return text
  if (/^[1-9]\d{0,8}$/.test(text)) return { epochs: Number(text) }
  throw new BenchError('bad-input', `--weights ${text}: expected final, best, or a number of epochs, as 300`)
}
