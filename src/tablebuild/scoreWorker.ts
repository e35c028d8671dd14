/** The worker process of `bench score`: scores one architecture for each message that it receives. */
import { openScoring, type ScoringChoice } from './scorers.ts'
import { type ScoredTask, type ScoreTask, scoreTask } from './scoreTable.ts'
import { answerOrders } from './trainers.ts'

answerOrders<ScoringChoice, ScoreTask, ScoredTask>(async (choice) => {
  const scoring = await openScoring(choice)
  return (task) => scoreTask(scoring, task)
})
