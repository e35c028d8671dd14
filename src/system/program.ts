/**
 * Starts programs in other languages and exchanges messages with them: one JSON object per line, over standard input
 * and output. What a program writes to standard error goes to a log file. Line length, time without output, memory and
 * log size are limited; a program that exceeds a limit is killed, with all processes that it started.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { basename } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { beyondLimit, type LimitName, limitOf } from './limits.ts'
import { thisProcess } from './processes.ts'
import { endLeftovers, killGroup, memoryOf, type ProgramIdentity, processesWith, TOKEN } from './programProcesses.ts'

/** The command line of a program, its working directory and its environment variables. */
export interface ProgramCommand {
  /** Path or name of the executable, then its arguments. */
  readonly words: readonly string[]
  /** Working directory of the program. */
  readonly folder: string
  /** Environment variables that the program gets in addition to those of this process. */
  readonly environment: Readonly<Record<string, string>>
}

/** Optional log file and callbacks of a program. */
export interface ProgramObserver {
  /** File to which the program's error output is appended; absent: it is not kept. */
  readonly log?: string
  /** Called after the program was started. */
  onStart?(identity: ProgramIdentity): void
  /** Called with every line that is sent to the program or received from it. */
  onMessage?(direction: 'to' | 'from', line: string): void
}

/** Milliseconds between two checks of a program's memory and of its time without output. */
const CHECK_MS = 1000
/** Milliseconds that a program has to exit by itself after its last message. */
const GRACE_MS = 5000
/** Number of unread received lines above which no further output of the program is read. */
const MOST_WAITING = 256
/** Number of last characters of the program's error output that are kept to explain why it ended. */
const KEPT_OUTPUT = 4096

/** The programs that are running. Their processes are killed when this process exits. */
const running = new Set<Program>()

const killAll = () => {
  for (const program of running) program.kill()
}
process.on('exit', killAll)

/** Ends the programs when a signal ends this process, unless a command handles the signal itself. */
const onSignal = (signal: NodeJS.Signals) => {
  killAll()
  process.exit(signal === 'SIGINT' ? 130 : 143)
}

function track(program: Program): void {
  if (running.size === 0) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      if (process.listenerCount(signal) === 0) process.on(signal, onSignal)
    }
  }
  running.add(program)
}

function untrack(program: Program): void {
  running.delete(program)
  if (running.size === 0) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
}

/** A running external program with which this process exchanges messages. */
export class Program {
  readonly #name: string
  readonly #token: string
  readonly #observer: ProgramObserver
  readonly #child: ChildProcess
  readonly #timer: NodeJS.Timeout
  readonly #lines: string[] = []
  /** The chunks received so far of an incomplete line. */
  #partial: Buffer[] = []
  #partialLength = 0
  #received = 0
  #logged = 0
  #errorOutput = ''
  #failure: BenchError | undefined
  #hasEnded = false
  /** Number of consecutive checks in which the program had given no output although a message was awaited. */
  #silentChecks = 0
  #awaiting: { resolve(line: string): void; reject(error: Error): void } | undefined
  readonly #ended: Promise<void>

  /**
   * Starts a program.
   * @param name name of the program's method, for messages
   */
  constructor(name: string, { words, folder, environment }: ProgramCommand, observer: ProgramObserver = {}) {
    this.#name = name
    this.#observer = observer
    const token = randomUUID()
    this.#token = token
    const [file, ...args] = words
    const child = spawn(file, args, {
      cwd: folder,
      env: { ...process.env, ...environment, [TOKEN]: token },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own, so that all processes that the program starts can be ended with it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    this.#child = child
    track(this)
    this.#ended = new Promise((resolve) => {
      const end = (failure: BenchError) => {
        // Lines that were received before the end can still be read.
        this.#failure ??= failure
        this.#awaiting?.reject(this.#failure)
        this.#awaiting = undefined
        clearInterval(this.#timer)
        untrack(this)
        resolve()
      }
      child.on('error', (error: NodeJS.ErrnoException) => {
        this.#hasEnded = true
        end(
          new BenchError(
            'missing',
            `${name}: cannot start ${file} (${error.code ?? error.message}); ${remedyFor(file)}`,
          ),
        )
      })
      child.on('exit', (code, signal) => {
        this.#hasEnded = true
        const how = signal === null ? `exit code ${code}` : `killed by ${signal}`
        const failure = () => new BenchError('failed', `${name}: the program ended early (${how})${this.#lastWords()}`)
        // Processes that the program left behind keep its output open.
        this.#killGroup()
        const timer = setTimeout(() => end(failure()), CHECK_MS)
        child.on('close', () => {
          clearTimeout(timer)
          end(failure())
        })
      })
    })
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
    this.#timer.unref()
    child.stdin?.on('error', () => {})
    child.stdout?.on('data', (chunk: Buffer) => this.#receive(chunk))
    child.stderr?.on('data', (chunk: Buffer) => this.#log(chunk))
    if (child.pid !== undefined) observer.onStart?.({ token, group: child.pid, startedBy: thisProcess() })
  }

  /** Sends a message to the program. Resolves when the program can take another one. */
  async send(message: object): Promise<void> {
    const line = JSON.stringify(message)
    this.#observer.onMessage?.('to', line)
    if (this.#child.stdin?.write(`${line}\n`) === false) {
      await Promise.race([new Promise((resolve) => this.#child.stdin?.once('drain', resolve)), this.#ended])
    }
  }

  /**
   * Returns the next message of the program.
   * @throws BenchError `failed` if the program ends, sends something other than a JSON object or exceeds a limit
   */
  async next(): Promise<object> {
    const line = this.#lines.shift() ?? (await this.#nextLine())
    if (this.#lines.length < MOST_WAITING && this.#child.stdout?.isPaused()) this.#child.stdout.resume()
    this.#received++
    this.#observer.onMessage?.('from', line)
    try {
      const message: unknown = JSON.parse(line)
      if (typeof message === 'object' && message !== null && !Array.isArray(message)) return message
    } catch {}
    throw this.#fail(this.#noMessage(line))
  }

  /** Ends the program: waits a few seconds until it exits by itself, then kills it. */
  async end(): Promise<void> {
    if (!this.#hasEnded) {
      this.#child.stdin?.end()
      let timer: NodeJS.Timeout | undefined
      const isOver = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, GRACE_MS)
      })
      await Promise.race([this.#ended, isOver])
      clearTimeout(timer)
    }
    this.kill()
    await this.#ended
  }

  /**
   * Closes the program's input. Returns a description of the processes that still run some seconds later, and kills
   * them; undefined if none does.
   */
  async afterClosedInput(): Promise<string | undefined> {
    this.#child.stdin?.destroy()
    this.#child.stdout?.destroy()
    for (const end = performance.now() + GRACE_MS; performance.now() < end && this.#remaining() > 0; ) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const remaining = this.#remaining()
    this.kill()
    endLeftovers({ token: this.#token, group: this.#child.pid ?? 0, startedBy: thisProcess() })
    return remaining === 0
      ? undefined
      : `${remaining} of its processes still ran ${GRACE_MS / 1000} s after its input closed`
  }

  /** Returns the number of running processes of the program. */
  #remaining(): number {
    return processesWith(this.#token)?.length ?? (this.#hasEnded ? 0 : 1)
  }

  /** Kills the program and all processes that it started. Nothing more is written to its log. */
  kill(): void {
    this.#failure ??= new BenchError('failed', `${this.#name}: the program was ended`)
    if (this.#hasEnded) return
    this.#killGroup()
    this.#child.kill('SIGKILL')
  }

  /**
   * Returns the last line of the program's error output and the path of its log, as text to add to an error message.
   */
  #lastWords(): string {
    const line = this.#errorOutput.trim().split('\n').at(-1)?.trim() ?? ''
    const place = this.#observer.log === undefined ? '' : ` (its output: ${this.#observer.log})`
    return `${line === '' ? ' without a word' : `: ${line}`}${place}`
  }

  #nextLine(): Promise<string> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.#silentChecks = 0
    return new Promise((resolve, reject) => {
      this.#awaiting = { resolve, reject }
    })
  }

  #noMessage(line: string): BenchError {
    const found = line.length > 100 ? `${line.slice(0, 100)}…` : line
    const why = /\b(NaN|-?Infinity)\b/.test(line)
      ? 'holds a number that is not finite; send finite numbers'
      : `is no message: "${found}"; print to standard error, which goes to the log (the Python client does so)`
    return new BenchError('failed', `${this.#name}: line ${this.#received} of the program’s output ${why}`)
  }

  #receive(chunk: Buffer): void {
    this.#silentChecks = 0
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...this.#partial, chunk.subarray(start, end)])
      this.#partial = []
      this.#partialLength = 0
      start = end + 1
      if (!this.#isShort(line.length)) return
      const text = line.toString('utf8').replace(/\r$/, '')
      if (text.trim() !== '') this.#deliver(text)
    }
    if (start === chunk.length) return
    this.#partial.push(chunk.subarray(start))
    this.#partialLength += chunk.length - start
    this.#isShort(this.#partialLength)
  }

  #isShort(bytes: number): boolean {
    if (bytes <= limitOf('program-line-kib') * 1024) return true
    this.#exceeded('program-line-kib', 'a message is longer than that')
    return false
  }

  #deliver(line: string): void {
    if (this.#failure !== undefined) return
    const awaiting = this.#awaiting
    this.#awaiting = undefined
    if (awaiting === undefined) this.#lines.push(line)
    else awaiting.resolve(line)
    if (this.#lines.length >= MOST_WAITING) this.#child.stdout?.pause()
  }

  #log(chunk: Buffer): void {
    this.#silentChecks = 0
    this.#errorOutput = (this.#errorOutput + chunk.toString('utf8')).slice(-KEPT_OUTPUT)
    this.#logged += chunk.length
    if (this.#logged > limitOf('program-log-mib') * 2 ** 20) {
      return void this.#exceeded('program-log-mib', 'the program printed more than that')
    }
    if (this.#observer.log === undefined || this.#failure !== undefined) return
    try {
      appendFileSync(this.#observer.log, chunk)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      this.#fail(new BenchError('failed', `${this.#name}: cannot write ${this.#observer.log} (${code})`))
    }
  }

  #check(): void {
    if (this.#awaiting !== undefined) this.#silentChecks++
    if (this.#silentChecks * CHECK_MS > limitOf('program-silence-seconds') * 1000) {
      this.#exceeded('program-silence-seconds', 'the program neither sent a message nor printed anything')
    }
    if (this.#child.pid === undefined || this.#hasEnded) return
    if (memoryOf(this.#child.pid) > limitOf('program-gib') * 2 ** 30) {
      this.#exceeded('program-gib', 'the program and the processes that it started take more memory')
    }
  }

  #exceeded(limit: LimitName, found: string): void {
    this.#fail(beyondLimit(limit, `${this.#name}: ${found}`, '', 'failed'))
  }

  /** Ends the program with an error, unless it has failed before. Returns the first error. */
  #fail(failure: BenchError): BenchError {
    this.#failure ??= failure
    this.#lines.length = 0
    this.kill()
    this.#awaiting?.reject(this.#failure)
    this.#awaiting = undefined
    return this.#failure
  }

  #killGroup(): void {
    const { pid } = this.#child
    if (pid !== undefined) killGroup(pid)
  }
}

const remedyFor = (file: string): string =>
  /^python[\d.]*$/.test(basename(file))
    ? 'install Python 3.9 or newer, activate a virtual environment, or name one with `python:` in a method file'
    : 'check that it exists and may be executed'
