/** Hands a list of tasks to trainers, each as soon as it is free. */
import type { TrainedArchitecture } from './trainArchitecture.ts'
import type { Trainer } from './trainer.ts'
import type { TrainingRecord } from './trainingSet.ts'
import type { TrainingTask } from './workList.ts'

/**
 * @param stopped asked before a task is handed out; what is under way is finished
 * @throws what a trainer threw, after the others have finished what they were at
 */
export async function trainAll(
  tasks: readonly TrainingTask[],
  trainers: readonly Trainer[],
  stopped: () => boolean,
  onTrained: (record: TrainingRecord<TrainedArchitecture>) => void,
): Promise<void> {
  const waiting = tasks[Symbol.iterator]()
  const failures: unknown[] = []
  const work = async (trainer: Trainer) => {
    for (const task of waiting) {
      if (stopped() || failures.length > 0) return
      onTrained({ index: task.index, trained: await trainer.train(task) })
    }
  }
  await Promise.all(trainers.map((trainer) => work(trainer).catch((error) => failures.push(error))))
  if (failures.length > 0) throw failures[0]
}
