/** Options of the commands that use a trained network, and the function that opens the network they name. */
import type { Command } from 'commander'
import { builtins } from '../builtins.ts'
import type { Executor } from '../core/executor.ts'
import { type BackendName, openExecutor } from '../engine/index.ts'
import { openTrainedModel, parseWeightsChoice, type TrainedModel, type WeightsChoice } from '../export/trainedModel.ts'
import { Store } from '../runner/store/store.ts'
import { registerPlugins } from '../system/plugins.ts'
import { placeOptions, repeated, seedNumber, storeOption } from './options.ts'

/** Help text of the argument that names a trained network. */
export const RUN_HELP =
  'id of a run with a full training, its beginning, or the run’s folder (`bench status` lists runs)'

export interface ModelFlags {
  readonly weights?: WeightsChoice
  readonly seed?: number
  readonly store?: string
  readonly plugin?: readonly string[]
}

/** Adds the options that choose a trained network to a command. */
export const withModelOptions = (command: Command): Command =>
  command
    .option('--weights <which>', 'final, best, or a number of epochs (default: final)', parseWeightsChoice)
    .option('--seed <seed>', 'training seed, if the run has several', seedNumber)
    .addOption(storeOption())
    .option('--plugin <file>', 'plugin that brings the search space', repeated)

/** Opens the trained network that a command names. @throws the errors of `openTrainedModel` */
export async function openModel(run: string, { weights, seed, store, plugin = [] }: ModelFlags): Promise<TrainedModel> {
  const { registry } = await registerPlugins(builtins, plugin)
  const options = placeOptions({ store, plugin })
  return openTrainedModel(run, { store: new Store(store), spaces: registry.spaces, seed, weights, options })
}

export interface ComputeFlags {
  readonly backend?: BackendName
  readonly batchSize?: number
}

/** Number of images in one inference batch. */
export const BATCH_SIZE = 64

export const executorFor = ({ backend = 'auto' }: ComputeFlags): Promise<Executor> => openExecutor({ backend })
