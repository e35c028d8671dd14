/** The worker process of `bench tables build`: trains one architecture for each message that it receives. */
import { openDataset } from '../data/openDataset.ts'
import { openSpaces } from '../spaces/index.ts'
import { imageSizeOf } from '../tables/recipe.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'
import { answerOrders, openTrainer, type WorkerSetting } from './trainers.ts'
import type { TrainingTask } from './trainingSet.ts'

answerOrders<WorkerSetting, TrainingTask, TrainedArchitecture>(async ({ recipe, plugins, data }) => {
  const images = await openDataset(recipe.dataset.name, { folder: data, ...imageSizeOf(recipe) })
  const { train } = await openTrainer({ space: (await openSpaces(plugins)).space(recipe.space), recipe, data: images })
  return train
})
