/**
 * Hands the unfinished jobs of a plan to Slurm, as one job array over the same store: a task for each work order. A task is
 * a command of this program, so a killed, preempted or requeued one goes on from its checkpoints.
 */
import { fileURLToPath } from 'node:url'
import { BenchError } from '../../core/errors.ts'
import type { Plan, PlannedJob } from '../plan/plan.ts'
import { ordersOf, type Processes, trainsNetwork } from '../processes/orders.ts'
import { unfinished } from '../processes/runPlan.ts'
import type { Store } from '../store/store.ts'
import { discardArray, type JobArray, queuedJobs, slurm, writeArray } from './arrays.ts'

/** The built command: Node 20 runs no TypeScript, which is what the tests run this module from. */
const BENCH = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/cli/main.js' : '../../cli/main.js', import.meta.url),
)

/** Before a time limit, a task is told so many seconds ahead: enough to have itself queued again. */
const WARNING_SECONDS = 60

/** `jobs` are tasks at a time; absent: as many as Slurm lets run. */
export interface SubmissionRequest extends Processes {
  readonly sbatch: SbatchOptions
}

export interface Submission {
  /** Absent where all that is unfinished was handed over before. */
  readonly array?: JobArray & { readonly id: string }
  /** Of the array, and of arrays before it. */
  readonly submitted: readonly PlannedJob[]
  readonly queued: readonly PlannedJob[]
}

/**
 * Undefined where nothing is left.
 * @throws BenchError `bad-input` where the backend is left to the machine, `unsupported` where there is no Slurm, `failed`
 * where Slurm refuses
 */
export function submit(plan: Plan, store: Store, request: SubmissionRequest): Submission | undefined {
  const missing = unfinished(plan, store)
  if (missing.length === 0) return undefined
  refuseAuto(plan, missing)
  store.prepare()
  const inQueue = queuedJobs(store)
  const queued = missing.filter(({ id }) => inQueue.has(id))
  const submitted = missing.filter(({ id }) => !inQueue.has(id))
  if (submitted.length === 0) return { submitted, queued }
  const { jobs, threads, seedsPerDevice, sbatch } = request
  const orders = ordersOf(plan, submitted, store, { jobs: jobs ?? 1, seedsPerDevice })
  const equipped = orders.map((order) => ({ ...order, executor: { ...order.executor, ...(threads && { threads }) } }))
  const array = writeArray(store, equipped)
  try {
    return { array: { ...array, id: sbatchArray(array, jobs, sbatch) }, submitted, queued }
  } catch (error) {
    discardArray(array)
    throw error
  }
}

/** What this machine has says nothing of another, and the executor is part of a job's name. */
function refuseAuto({ experiment }: Plan, missing: readonly PlannedJob[]): void {
  if (experiment.executor.backend !== 'auto' || !missing.some(trainsNetwork)) return
  throw new BenchError(
    'bad-input',
    '--slurm computes on other machines; say on what: --backend wasm, webgpu or tensorflow',
  )
}

/** → the number of the array in Slurm */
function sbatchArray({ name, folder, orders }: JobArray, jobs: number | undefined, sbatch: SbatchOptions): string {
  const atATime = jobs === undefined ? '' : `%${jobs}`
  const printed = slurm(
    'sbatch',
    [
      '--parsable',
      `--job-name=${name}`,
      `--array=0-${orders.length - 1}${atATime}`,
      `--output=${folder}/task-%a.log`,
      '--open-mode=append',
      '--requeue',
      `--signal=B:USR2@${WARNING_SECONDS}`,
      ...sbatchArguments(sbatch),
    ],
    `#!/bin/sh\nexec ${[process.execPath, BENCH, 'slurm-task', folder].map(quoted).join(' ')}\n`,
  )
  if (printed === undefined) {
    const message = '--slurm: there is no sbatch on this machine; use the command where the cluster is used from'
    throw new BenchError('unsupported', message)
  }
  // With several clusters: NUMBER;CLUSTER.
  return printed.split(';')[0]
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** Without the leading dashes; the empty text for an option without a value. */
export type SbatchOptions = Readonly<Record<string, string>>

/** What a submission sets by itself. */
const OWN = ['array', 'chdir', 'error', 'job-name', 'open-mode', 'output', 'parsable', 'requeue', 'signal', 'wrap']

/** A comma that `name=` follows; others belong to a value, as in `partition=short,long`. */
const BETWEEN = /,(?=[a-z][a-z-]*=)/

/** @throws BenchError `bad-input` */
export function parseSbatchOptions(text: string): SbatchOptions {
  return Object.fromEntries(text.split(BETWEEN).map(parseOption))
}

function parseOption(text: string): readonly [name: string, value: string] {
  const [, name, value = ''] = /^([a-z][a-z-]*)(?:=(.+))?$/s.exec(text) ?? []
  if (name === undefined) {
    const wanted = 'options of sbatch without their dashes, as partition=gpu,gres=gpu:1,time=8:00:00'
    throw new BenchError('bad-input', `--slurm "${text}": expected ${wanted}`)
  }
  if (OWN.includes(name)) throw new BenchError('bad-input', `--slurm ${name}: bench sets this by itself; leave it out`)
  return [name, value]
}

/** → `--partition=gpu`, … */
export const sbatchArguments = (options: SbatchOptions): readonly string[] =>
  Object.entries(options).map(([name, value]) => (value === '' ? `--${name}` : `--${name}=${value}`))
