/**
 * Runs the stages of a visit to a GPU machine one after the other. `run.sh` calls it in the unpacked kit; in a clone,
 * `npx jiti benchmarks/gpu/kit/run.ts` runs the same stages.
 *
 * Each part of a stage is a process with a time limit of its own. The result file of a stage is replaced atomically
 * after every part, so that a visit that is cut off leaves what was measured. A repeated call skips stages that passed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BenchError } from '../../../src/core/errors.ts'
import { writeAtomically } from '../../../src/system/atomicFile.ts'
import { unpackImages } from './images.ts'
import { packRuns, unpackRuns } from './packedRuns.ts'
import { fileOf, limitOf, listText, type Part, type Stage, stages } from './stages.ts'
import { NVIDIA_DRIVER } from './vulkan.ts'

const HELP = `Usage: run.sh [options]

Runs the stages of the GPU kit and writes a result file for each.

  --list            print the stages with their time limits, and stop
  --out FOLDER      folder of the result files (default: gpu-results)
  --images FOLDER   CIFAR-10 as packed by images.ts, for the stage that searches
  --resume FOLDER   result files of an earlier visit, whose searches go on
  --minutes M       end after so many minutes (default: 9)
  --only LIST       numbers or names of stages, separated by commas
  --again           repeat stages that passed before
  --small           small networks on any device, also an emulated one
  --python PYTHON   Python with torch (default: python3)
  --work FOLDER     scratch folder that a repeated call reuses (default: /tmp/nas-bench-gpu-kit)
  --help            print this text

Examples:
  run.sh --list
  run.sh --out "$OUT" --images gpu-kit-images
  run.sh --only 3,4 --again --minutes 4 --out "$OUT"
`

/** Result of a part. */
interface PartResult {
  readonly name: string
  readonly status: 'passed' | 'failed' | 'out of time' | 'skipped'
  readonly seconds: number
  /** Why the part did not pass: one line. */
  readonly message?: string
  /** The JSON lines that the part printed. */
  readonly results: readonly unknown[]
}

interface StageResult {
  readonly stage: string
  readonly small: boolean
  readonly startedAt: string
  readonly parts: readonly PartResult[]
}

const isCompiled = import.meta.url.endsWith('.js')
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const HERE = fileURLToPath(new URL('.', import.meta.url))
/** Seconds that a process has between SIGTERM and SIGKILL. */
const GRACE_SECONDS = 2
/** Status of a program of the kit that ended with an error that the user can act on. */
const EXPECTED_ERROR = 2

let running: ChildProcess | undefined
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    running?.kill('SIGKILL')
    process.exit(1)
  })
}

function parseOptions() {
  const { values } = parseArgs({
    options: {
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      out: { type: 'string', default: 'gpu-results' },
      images: { type: 'string' },
      resume: { type: 'string' },
      minutes: { type: 'string', default: '9' },
      only: { type: 'string' },
      again: { type: 'boolean', default: false },
      small: { type: 'boolean', default: false },
      python: { type: 'string', default: 'python3' },
      work: { type: 'string', default: '/tmp/nas-bench-gpu-kit' },
    },
  })
  const minutes = Number(values.minutes)
  if (!(minutes > 0)) throw new BenchError('bad-input', `--minutes ${values.minutes}: expected a number above 0`)
  for (const name of ['images', 'resume'] as const) {
    const folder = values[name]
    if (folder !== undefined && !existsSync(folder)) {
      throw new BenchError('missing', `--${name}: there is no folder ${folder}`)
    }
  }
  return { ...values, minutes, chosen: chosenStages(values.only) }
}

/** Returns the stages that `--only` names; all without it. @throws BenchError `unknown-name` */
export function chosenStages(only: string | undefined): readonly Stage[] {
  if (only === undefined) return stages
  const words = only.split(',').map((word) => word.trim())
  for (const word of words) {
    if (stages.some(({ name }, i) => word === name || word === String(i + 1))) continue
    throw new BenchError('unknown-name', `--only: there is no stage "${word}"; --list prints the stages`)
  }
  return stages.filter(({ name }, i) => words.includes(name) || words.includes(String(i + 1)))
}

type Options = ReturnType<typeof parseOptions>

/** The command line of a part. */
function commandOf({ program, args }: Part, { small, python }: Options): [string, readonly string[]] {
  const own = small ? args.small : args.full
  if ('script' in program) return [python, [join(ROOT, 'benchmarks/executor', program.script), ...own]]
  const file = join(HERE, `${program.module}.${isCompiled ? 'js' : 'ts'}`)
  const loader = isCompiled ? [] : [join(ROOT, 'node_modules/jiti/lib/jiti-cli.mjs')]
  return [process.execPath, [...loader, file, ...own]]
}

/** Runs a part, and collects the JSON lines that it prints. */
function runPart(part: Part, seconds: number, env: NodeJS.ProcessEnv, options: Options): Promise<PartResult> {
  return new Promise((done) => {
    const start = performance.now()
    const [command, args] = commandOf(part, options)
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running = child
    const results: unknown[] = []
    let errors = ''
    let isLate = false
    const timers = [
      setTimeout(() => {
        isLate = true
        child.kill('SIGTERM')
      }, 1000 * seconds),
      setTimeout(() => child.kill('SIGKILL'), 1000 * (seconds + GRACE_SECONDS)),
    ]
    createInterface({ input: child.stdout }).on('line', (line) => {
      try {
        results.push(JSON.parse(line))
      } catch {
        errors += `${line}\n`
      }
    })
    child.stderr.on('data', (chunk) => {
      errors = (errors + chunk).slice(-8000)
    })
    const end = (status: PartResult['status'], message?: string) => {
      timers.forEach(clearTimeout)
      running = undefined
      const passed = (performance.now() - start) / 1000
      done({ name: part.name, status, seconds: Math.round(10 * passed) / 10, ...(message && { message }), results })
    }
    child.on('error', ({ message }) => end('skipped', `cannot start ${command}: ${message}`))
    child.on('close', (code) => {
      const last = errors.trim().split('\n').at(-1)?.trim() || `exit code ${code}`
      if (isLate) end('out of time', `ended after ${Math.round(seconds)} s`)
      else if (code === 0) end('passed')
      else if ('script' in part.program) end('skipped', withoutPyTorch(last))
      else if (code === EXPECTED_ERROR) end('failed', last)
      else end('failed', unexpectedError(errors) || last)
    })
  })
}

/** Returns an uncaught error with the first places of its trace, from what a part printed; else the last lines. */
export function unexpectedError(printed: string): string {
  const lines = printed.trim().split('\n')
  const error = lines.findLastIndex((line) => /^\w*Error\b/.test(line))
  return (error === -1 ? lines.slice(-6) : lines.slice(error, error + 6)).map((line) => line.trim()).join(' | ')
}

/** Shortens Python's last line about a missing package. */
const withoutPyTorch = (line: string): string =>
  line.startsWith('ModuleNotFoundError') ? 'this Python has no torch' : line

const wait = (milliseconds: number) => new Promise((resolved) => setTimeout(resolved, milliseconds))

function readResult(path: string): StageResult | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Whether all parts of a stage passed, or could not run on this machine. */
const isComplete = ({ parts }: StageResult): boolean =>
  parts.every(({ status }) => status === 'passed' || status === 'skipped') &&
  parts.some(({ status }) => status === 'passed')

/** What one line on the terminal says of a part. */
function summary({ name, status, seconds, message, results }: PartResult): string {
  const text = message === undefined ? digest(results) : message
  return `  ${name.padEnd(18)}${status.padEnd(13)}${String(seconds).padStart(6)} s  ${text}`
}

/** The figures of a part in a few words. */
function digest(results: readonly unknown[]): string {
  const lines = results as readonly Record<string, unknown>[]
  const { device, emulated } = lines.find((line) => 'device' in line) ?? {}
  if (device !== undefined) return `${device}${emulated ? ' (emulated)' : ''}`
  const tests = lines.find((line) => 'tests' in line)?.tests as Record<string, number> | undefined
  if (tests)
    return Object.entries(tests)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')
  const times = (step: string) =>
    lines.flatMap((line) => (line[step] as { wallMs?: number } | undefined)?.wallMs ?? []).toSorted((a, b) => a - b)
  const steps = ['weights', 'architecture'].map((step) => [step, times(step)] as const)
  const found = steps.filter(([, sorted]) => sorted.length > 0)
  if (found.length > 0) {
    return found.map(([step, sorted]) => `${step} ${sorted[Math.floor(sorted.length / 2)].toFixed(2)} ms`).join(', ')
  }
  const epochs = lines.filter((line) => typeof line.epoch === 'number').length
  const ended = lines.filter((line) => 'architecture' in line || line.finished === true).length
  if (epochs + ended > 0) return `${epochs} epochs, ${ended} searches finished`
  const kernels = lines.flatMap((line) => (line.kernels as { kernel: string }[] | undefined)?.[0]?.kernel ?? [])
  return kernels.length > 0 ? `longest: ${kernels.join(', ')}` : ''
}

/** The state of a visit: what the first stage found, and where the images are. */
interface Visit {
  env: NodeJS.ProcessEnv
  /** Why WebGPU parts cannot run; undefined if they can. */
  noDevice?: string
}

async function runStage(stage: Stage, visit: Visit, options: Options, left: () => number): Promise<void> {
  const path = join(options.out, fileOf(stage))
  const startedAt = new Date().toISOString()
  const parts: PartResult[] = []
  const save = () => {
    const result: StageResult = { stage: stage.name, small: options.small, startedAt, parts }
    writeAtomically(path, `${JSON.stringify(result, undefined, 1)}\n`)
  }
  for (const part of stage.parts) {
    const skipped = (message: string): PartResult => ({
      ...{ name: part.name, status: 'skipped', seconds: 0, message, results: [] },
    })
    let result: PartResult
    if (part.needsDevice && visit.noDevice !== undefined) result = skipped(visit.noDevice)
    else if (part.needsImages && !options.small && visit.env.GPU_KIT_IMAGES === undefined) {
      result = skipped('no images; pack them with benchmarks/gpu/kit/images.ts and pass --images')
    } else if (left() < 3) result = skipped('no time was left')
    else {
      const seconds = Math.min(part.limit * (options.small ? 4 : 1), left())
      result = await runPart(part, seconds, visit.env, options)
    }
    if (stage.name === 'device') result = await secondDriver(part, result, visit, options)
    parts.push(result)
    console.log(summary(result))
    save()
    if (part.needsImages)
      packRuns(visit.env.GPU_KIT_STORE as string, join(options.out, fileOf(stage).replace('.json', '.tar')))
  }
}

/** After the first stage: tries the driver of NVIDIA's containers where none was found, and notes that there is none. */
async function secondDriver(part: Part, first: PartResult, visit: Visit, options: Options): Promise<PartResult> {
  let result = first
  if (result.status !== 'passed' && visit.env.VK_DRIVER_FILES === undefined && existsSync(NVIDIA_DRIVER)) {
    visit.env = { ...visit.env, VK_DRIVER_FILES: NVIDIA_DRIVER }
    await wait(100)
    result = await runPart(part, part.limit, visit.env, options)
  }
  if (result.status !== 'passed') visit.noDevice = 'no device was found in stage 1'
  return result
}

async function main(): Promise<void> {
  const options = parseOptions()
  if (options.help) return console.log(HELP)
  if (options.list) return console.log(listText())
  const end = performance.now() + 60_000 * options.minutes
  const left = () => (end - performance.now()) / 1000
  mkdirSync(options.out, { recursive: true })
  mkdirSync(options.work, { recursive: true })
  const store = resolve(options.work, options.small ? 'runs-small' : 'runs')
  const visit: Visit = { env: { ...process.env, GPU_KIT_STORE: store, HOME: options.work, PYTHONUNBUFFERED: '1' } }
  if (options.resume !== undefined) {
    for (const name of readdirSync(options.resume))
      if (name.endsWith('.tar')) unpackRuns(join(options.resume, name), store)
  }
  const images = resolve(options.work, 'images')
  if (options.images !== undefined) await unpackImages(resolve(options.images), images)
  if (existsSync(images)) visit.env.GPU_KIT_IMAGES = images
  for (const stage of options.chosen) {
    const number = stages.indexOf(stage) + 1
    const kept = join(options.work, `${options.small ? 'small-' : ''}${fileOf(stage)}`)
    const path = join(options.out, fileOf(stage))
    const before = options.again ? undefined : (readResult(path) ?? readResult(kept))
    // The first stage says which driver to use; the searches go on by themselves.
    if (before !== undefined && before.small === options.small && isComplete(before) && number !== 1 && number !== 6) {
      writeAtomically(path, `${JSON.stringify(before, undefined, 1)}\n`)
      console.log(`${number} ${stage.title}: passed before (--again repeats it)`)
      continue
    }
    console.log(`${number} ${stage.title} (at most ${Math.round(Math.min(limitOf(stage), left()))} s)`)
    await runStage(stage, visit, options, left)
    writeAtomically(kept, readFileSync(path))
  }
  const files = readdirSync(options.out).map((name) => `${basename(name)} ${statSync(join(options.out, name)).size} B`)
  console.log(`results in ${options.out}: ${files.join(', ')}`)
}

if (process.argv[1] !== undefined && /[\\/]run\.[jt]s$/.test(process.argv[1])) {
  try {
    await main()
  } catch (error) {
    const isExpected =
      error instanceof BenchError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
    console.error(isExpected ? (error as Error).message : error)
    process.exit(isExpected ? 2 : 1)
  }
}
