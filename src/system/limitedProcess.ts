/**
 * Reads an untrusted file in a separate process, which is killed when it exceeds a memory limit or uses too much CPU
 * time without progress. A thread would not do: V8 ends the whole process when an allocation fails, a thread's limits
 * do not cover buffers, and an endless loop can only be killed.
 *
 * The process runs a built module that calls `serveLimited`; a watchdog thread in it (`watchdog.ts`) checks the limits.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../core/errors.ts'
import { beyondLimit, type LimitName, limitOf } from './limits.ts'
import { countWorkIn } from './workCounter.ts'

/** A task to run in a separate process, and the limits of memory and CPU time for it. */
export interface LimitedTask<Request, Progress> {
  /** Path of the built module that the process runs. */
  readonly module: string
  /** Input of the task. It must be structured-cloneable, since it is sent to the process as a message. */
  readonly request: Request
  /** Name of the file that the task reads, for messages. */
  readonly file: string
  /** Name of the limit on the resident memory of the process, which is in GiB. */
  readonly memory: LimitName
  /** Name of the limit on the CPU time between two calls of `countWork`, which is in seconds. */
  readonly seconds: LimitName
  onProgress?(progress: Progress): void
}

/** Limits of the separate process that its watchdog thread checks. */
export interface ProcessLimits {
  readonly memoryBytes: number
  readonly seconds: number
  /** Process id of the parent process; the separate process ends when its parent has ended. */
  readonly parent: number
}

/** First message from the parent to the separate process: the task's input and the limits. */
interface Order {
  readonly request: unknown
  readonly limits: ProcessLimits
}

type Answer =
  | { readonly progress: unknown }
  | { readonly result: unknown }
  | { readonly code: ErrorCode; readonly message: string }
  | { readonly code?: undefined; readonly message: string; readonly stack: string }

/** Number of last characters of the process's error output that are kept, to find out why it ended. */
const KEPT_OUTPUT = 4096

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Runs the task in a separate process and returns its result.
 * @throws the task's own error; BenchError `bad-input` if a limit was exceeded, `failed` if the process ended for
 * another reason
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
      // Send failures are reported by the `close` event.
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
  if (end === 'seconds') return beyondLimit(seconds, `${limitOf(seconds)} seconds of reading ${file} made no progress`)
  return new BenchError('failed', `the process that read ${file} ended early (${end})`)
}

function errorOf(answer: Extract<Answer, { message: string }>): Error {
  if (answer.code !== undefined) return new BenchError(answer.code, answer.message)
  const error = new Error(answer.message)
  error.stack = answer.stack
  return error
}

/**
 * Limit of the separate process that was exceeded: memory, or seconds of CPU time without progress. The watchdog prints
 * it before it kills the process.
 */
export type ReachedLimit = 'memory' | 'seconds'

/**
 * Returns which limit the process exceeded, from its error output and exit status; V8 aborts the process if its heap is
 * full.
 */
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

/** Sends a progress message from the separate process to its parent. */
export type Report<Progress> = (progress: Progress) => void

/** In the separate process: runs the task that the parent process sends, sends back its result, and exits. */
export function serveLimited<Request, Progress, Result>(
  run: (request: Request, report: Report<Progress>) => Promise<Result>,
): void {
  // Ctrl-C reaches the whole process group; only the parent handles it.
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
