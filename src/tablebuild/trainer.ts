/** Trains architectures by a recipe, one at a time: what a build hands its tasks to. */
import type { Executor } from '../core/executor.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import { scaledDataset } from '../data/batches/imageView.ts'
import type { Dataset } from '../data/dataset.ts'
import { openExecutor } from '../engine/executors.ts'
import { executorOf, type Recipe } from '../tables/recipe.ts'
import { numberingOf } from './sharing.ts'
import { type TrainedArchitecture, trainArchitecture } from './trainArchitecture.ts'
import type { TrainingTask } from './workList.ts'

export interface Trainer {
  train(task: TrainingTask): Promise<TrainedArchitecture>
  close(): void
}

export interface TrainerSetting<G extends Genotype = Genotype> {
  readonly space: SearchSpace<G>
  readonly recipe: Recipe
  readonly data: Dataset
}

/** In this process. @throws BenchError `unsupported` where the recipe's executor cannot be had */
export async function openTrainer<G extends Genotype>({ space, recipe, data }: TrainerSetting<G>): Promise<Trainer> {
  const executor: Executor = await openExecutor(executorOf(recipe))
  const { at } = numberingOf(space)
  const images = scaledDataset(data, recipe.data.imageSize)
  return {
    train: ({ index, seed }) => trainArchitecture({ space, genotype: at(index), recipe, seed, executor, data: images }),
    close: () => {},
  }
}
