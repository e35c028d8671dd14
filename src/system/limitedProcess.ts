/**
 * Runs a task on a file from elsewhere in a process of its own, which is ended beyond a limit of memory or of work
 * without progress. A process and not a thread: V8 ends a whole process where an allocation fails, the memory of
 * buffers
 * is not bounded by a thread's limits, and a loop that never ends can only be killed.
 *
 * The process runs a built module that calls `serveLimited`; its watchdog is a thread of it (`watchdog.ts`).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../core/errors.ts'
import { beyondLimit, type LimitName, limitOf } from './limits.ts'
import { countWorkIn } from './workCounter.ts'

export interface LimitedTask<Request, Progress> {
  /** Path of the built module. */
  readonly module: string
  /** Anything that can be cloned. */
  readonly request: Request
  /** What is read, for messages. */
  readonly file: string
  /** Name of the limit of resident memory, in GiB. */
  readonly memory: LimitName
  /** Name of the limit of work in which nothing was counted by `countWork`, in seconds. */
  readonly seconds: LimitName
  onProgress?(progress: Progress): void
}

/** What the watchdog compares. */
export interface ProcessLimits {
  readonly memoryBytes: number
  readonly seconds: number
  /** The process that waits for this one. */
  readonly parent: number
}

/** What the process is sent first. */
interface Order {
  readonly request: unknown
  readonly limits: ProcessLimits
}

type Answer =
  | { readonly progress: unknown }
  | { readonly result: unknown }
  | { readonly code: ErrorCode; readonly message: string }
  | { readonly code?: undefined; readonly message: string; readonly stack: string }

/** How much of what the process prints is kept to find out why it ended. */
const KEPT_OUTPUT = 4096

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * The task's result.
 * @throws what the task threw; BenchError `bad-input` beyond a limit, `failed` where the process was lost
 */
export async function runLimited<Request, Progress, Result>(task: LimitedTask<Request, Progress>): Promise<Result> {
  const { module, request, onProgress } = task
  const limits: ProcessLimits = {
    memoryBytes: limitOf(task.memory) * 2 ** 30,
    seconds: limitOf(task.seconds),
    parent: process.pid,
  }
  const heapMb = Math.ceil(limits.memoryBytes / 2 ** 20)
  const child = fork(module, [], {
    execArgv: [`--max-old-space-size=${heapMb}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  running.add(child)
  let printed = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    printed = (printed + text).slice(-KEPT_OUTPUT)
  })
  try {
    return await new Promise<Result>((resolve, reject) => {
      child.on('message', (message) => {
        const answer = message as Answer
        if ('progress' in answer) onProgress?.(answer.progress as Progress)
        else if ('result' in answer) resolve(answer.result as Result)
        else reject(errorOf(answer))
      })
      child.on('error', reject)
      child.on('close', (code, signal) => {
        const end = limitReached(printed, code, signal) ?? `${signal ?? `exit code ${code}`}${lastLine(printed)}`
        reject(errorOfEnd(task, end))
      })
      // A process that is already gone is reported by `close`.
      child.send({ request, limits } satisfies Order, () => {})
    })
  } finally {
    running.delete(child)
    child.kill('SIGKILL')
  }
}

type NamedLimits = Pick<LimitedTask<unknown, unknown>, 'file' | 'memory' | 'seconds'>

function errorOfEnd({ file, memory, seconds }: NamedLimits, end: string): BenchError {
  if (end === 'memory') return beyondLimit(memory, `reading ${file} takes more than ${limitOf(memory)} GiB of memory`)
  if (end === 'seconds') return beyondLimit(seconds, `nothing came of ${limitOf(seconds)} seconds of reading ${file}`)
  return new BenchError('failed', `the process that read ${file} ended early (${end})`)
}

function errorOf(answer: Extract<Answer, { message: string }>): Error {
  if (answer.code !== undefined) return new BenchError(answer.code, answer.message)
  const error = new Error(answer.message)
  error.stack = answer.stack
  return error
}

/** What the watchdog prints before it ends the process. */
export type ReachedLimit = 'memory' | 'seconds'

/** V8 aborts the process where its heap is full. */
function limitReached(printed: string, code: number | null, signal: NodeJS.Signals | null): ReachedLimit | undefined {
  const [, limit] = /^limit (memory|seconds)$/m.exec(printed) ?? []
  if (limit !== undefined) return limit as ReachedLimit
  const isAborted = code === 134 || ['SIGABRT', 'SIGTRAP', 'SIGILL'].includes(signal ?? '')
  return isAborted && /out of memory|allocation failed|invalid (array|table|size)/i.test(printed) ? 'memory' : undefined
}

function lastLine(printed: string): string {
  const line = printed.trim().split('\n').at(-1) ?? ''
  return line === '' ? '' : `: ${line}`
}

/** Reports progress to the process that waits. */
export type Report<Progress> = (progress: Progress) => void

/** Answers the one request that this process gets, and ends it. */
export function serveLimited<Request, Progress, Result>(
  run: (request: Request, report: Report<Progress>) => Promise<Result>,
): void {
  // Ctrl-C reaches the whole group; the process that waits for this one decides what it means.
  process.on('SIGINT', () => {})
  process.once('message', async ({ request, limits }: Order) => {
    watch(limits)
    const send = (answer: Answer) => new Promise((resolve) => process.send?.(answer, resolve))
    await send(await answerTo(() => run(request as Request, (progress) => void process.send?.({ progress }))))
    process.exit()
  })
}

async function answerTo(run: () => Promise<unknown>): Promise<Answer> {
  try {
    return { result: await run() }
  } catch (error) {
    const { message, stack = '' } = error as Error
    return error instanceof BenchError ? { code: error.code, message } : { message, stack }
  }
}

function watch(limits: ProcessLimits): void {
  const steps = new Int32Array(new SharedArrayBuffer(4))
  countWorkIn(steps)
  new Worker(new URL('./watchdog.js', import.meta.url), { workerData: { steps, limits }, execArgv: [] }).unref()
}
