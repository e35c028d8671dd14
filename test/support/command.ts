/** The real command, in a process and a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeToyTable } from './toyTable.ts'

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
export const PLUGIN = fileURLToPath(new URL('../fixtures/plugins/countdown.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** What it has written to standard error so far, without the messages of GPU drivers. */
  errors(): string
}

/**
 * What a Vulkan driver and Dawn (the WebGPU library) write to standard error when `--backend auto` looks for a GPU:
 * libwayland's complaint on a machine without a desktop session, and Dawn's warning about an adapter that it leaves
 * out, with the place in Dawn's source and an empty line. The program cannot turn them off, and they depend on the
 * drivers of the machine.
 */
const GPU_DRIVER_MESSAGES =
  /^error: XDG_RUNTIME_DIR is invalid or not set in the environment\.\n|^Warning: .*\n(?: - While .*\n)+(?: {4}at .*\/third_party\/dawn\/.*\n)+\n/gm

/** Returns the text of standard error without the messages of GPU drivers. */
function withoutGpuDriverMessages(stderr: string): string {
  return stderr.replace(GPU_DRIVER_MESSAGES, '')
}

/** A folder to run in, with a user's data folder that holds the toy table as `nb201`. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'bench-'))
  readonly home = join(this.folder, 'home')

  constructor() {
    writeToyTable(join(this.home, 'tables'))
  }

  start(args: readonly string[]): Started {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: { ...process.env, NAS_BENCH_HOME: this.home, NO_COLOR: '1' },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text) => (stdout += text))
    child.stderr.on('data', (text) => (stderr += text))
    const errors = () => withoutGpuDriverMessages(stderr)
    const ended = new Promise<Ended>((resolve) =>
      child.on('close', (code) => resolve({ code, stdout, stderr: errors() })),
    )
    return { child, ended, errors }
  }

  bench(...args: string[]): Promise<Ended> {
    return this.start(args).ended
  }

  /**
   * Starts a command that trains in one worker process, and kills both once the training has a checkpoint. Checkpoints are at
   * least a second apart, so the worker is stopped most of that time: a training of half a second is long enough.
   * → the folder of the run with the checkpoint
   */
  async killAtCheckpoint(args: readonly string[], store: string): Promise<string> {
    const having = (name: string) => this.runs(store).filter((run) => existsSync(join(run, name)))
    const { child, ended } = this.start(args)
    const [held] = await until(() => having('lock'), 'a run')
    const worker = JSON.parse(readFileSync(join(held, 'lock'), 'utf8')).pid
    let [run] = having('checkpoint')
    for (const end = Date.now() + 90_000; run === undefined && Date.now() < end; [run] = having('checkpoint')) {
      process.kill(worker, 'SIGCONT')
      await new Promise((resolve) => setTimeout(resolve, 30))
      process.kill(worker, 'SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    child.kill('SIGKILL')
    process.kill(worker, 'SIGKILL')
    await ended
    if (run === undefined) throw new Error('waited in vain for a checkpoint')
    return run
  }

  /** Folders of the runs in a store. */
  runs(store: string): string[] {
    const path = join(this.folder, store)
    const names = existsSync(path) ? readdirSync(path).filter((name) => name !== 'slurm' && !name.startsWith('.')) : []
    return names.map((run) => join(path, run))
  }

  /** Results without their timing, by run. */
  results(store: string): Record<string, unknown> {
    return Object.fromEntries(
      this.runs(store).map((run) => {
        const { timing, ...rest } = JSON.parse(readFileSync(join(run, 'result.json'), 'utf8'))
        return [rest.id, { ...rest, timed: timing.wallSeconds > 0 }]
      }),
    )
  }

  /** All epochs of a store without their seconds, by run. */
  epochs(store: string): Record<string, unknown> {
    return Object.fromEntries(
      this.runs(store).map((run) => {
        const lines = readFileSync(join(run, 'epochs.jsonl'), 'utf8').trim().split('\n')
        return [basename(run), lines.map((line) => ({ ...JSON.parse(line), seconds: 0 }))]
      }),
    )
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits until something is true, or a list no longer empty. → it */
export async function until<T>(look: () => T, what: string, milliseconds = 90_000): Promise<T> {
  for (const end = Date.now() + milliseconds; Date.now() < end; ) {
    const found = look()
    if (Array.isArray(found) ? found.length > 0 : found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`waited in vain for ${what}`)
}

/** Options that may be given several times. */
const REPEATABLE = new Set(['--option', '--data', '--probe', '--plugin', '--raise', '--genotype', '--budget'])

/**
 * Returns the words of a command in which a later value of an option replaces an earlier one, so that a test can change
 * single options of a usual command; the command line itself refuses an option that is given twice.
 */
export function withLastValues(words: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < words.length; i++) {
    const isLater = (at: number) => at > i && words[at] === words[i]
    const hasValue = words[i + 1] !== undefined && !words[i + 1].startsWith('--')
    const isReplaced = words[i].startsWith('--') && !REPEATABLE.has(words[i]) && words.some((_, at) => isLater(at))
    if (!isReplaced) kept.push(words[i])
    else if (hasValue) i++
  }
  return kept
}
