/** A trainer in a process of its own; where that process dies, another takes over. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BenchError, type ErrorCode, exitStatus } from '../core/errors.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'
import type { Trainer } from './trainer.ts'
import type { WorkerAnswer, WorkerOrder, WorkerSetting } from './workerProcess.ts'
import type { TrainingTask } from './workList.ts'

/** The built module, also where this one runs from source: Node 20 runs no TypeScript. */
const WORKER = fileURLToPath(new URL('../../dist/tablebuild/workerProcess.js', import.meta.url))

/** Deaths over one task after which the task is to blame. */
const PATIENCE = 2

export function forkTrainer(setting: WorkerSetting): Trainer {
  let child: ChildProcess | undefined
  const started = () => {
    const process = fork(WORKER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    process.once('close', () => {
      child = undefined
    })
    return process
  }
  return {
    async train(task) {
      for (let deaths = 0; ; ) {
        child ??= started()
        const answer = await asked(child, { setting, task })
        if ('trained' in answer) return answer.trained
        if (++deaths === PATIENCE) throw lost(task, answer.death)
      }
    },
    close: () => void child?.disconnect(),
  }
}

type Outcome = { readonly trained: TrainedArchitecture } | { readonly death: string }

/** @throws BenchError what the worker threw */
function asked(child: ChildProcess, order: WorkerOrder): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: WorkerAnswer) => {
      child.off('close', died)
      if (answer.kind === 'trained') resolve({ trained: answer.trained })
      else reject(failure(answer))
    }
    const died = (code: number | null, signal: string | null) => {
      child.off('message', onMessage)
      resolve({ death: signal === null ? `exit code ${code}` : `killed by ${signal}` })
    }
    child.once('message', onMessage)
    child.once('close', died)
    child.send(order, () => {})
  })
}

/** Only our own errors have codes that a command line can act on. */
function failure({ code, message }: WorkerAnswer & { readonly kind: 'failed' }): Error {
  return code in exitStatus ? new BenchError(code as ErrorCode, message) : new Error(message)
}

const lost = ({ index, seed }: TrainingTask, death: string): BenchError =>
  new BenchError('failed', `worker processes were lost over architecture ${index}, seed ${seed} (${death})`)
