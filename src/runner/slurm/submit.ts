/**
 * Submits the unfinished jobs of a plan to Slurm as one job array, with a task for each work order (list of jobs). All
 * tasks write to the same store. A task that is killed, preempted or requeued continues from its checkpoints. Also
 * parses the sbatch options that the user gives after `--slurm`.
 */

import { fileURLToPath } from 'node:url'
import { BenchError } from '../../core/errors.ts'
import { requireOnce } from '../../core/names.ts'
import type { Registered } from '../../system/plugins.ts'
import type { Experiment } from '../plan/experiment.ts'
import type { Plan, PlannedJob } from '../plan/plan.ts'
import { ordersOf, type Processes } from '../processes/orders.ts'
import { unfinished } from '../processes/runPlan.ts'
import type { Store } from '../store/store.ts'
import { discardArray, type JobArray, queuedJobs, slurm, writeArray } from './arrays.ts'

/**
 * Path of the compiled `bench` that a Slurm task runs. When tests run this module from TypeScript, it is still the
 * compiled one, since Node 20 could not load TypeScript in a task.
 */
const BENCH = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/cli/main.js' : '../../cli/main.js', import.meta.url),
)

/** Number of seconds before a task's time limit at which Slurm signals it; enough time to requeue the task. */
const WARNING_SECONDS = 60

/**
 * A request to submit jobs to Slurm. `jobs` is the largest number of tasks that run at the same time; if absent, Slurm
 * decides.
 */
export interface SubmissionRequest extends Processes {
  readonly sbatch: SbatchOptions
}

/** Which jobs a submission added to Slurm's queue, and which were in the queue before. */
export interface Submission {
  /** The new Slurm job array; absent if every unfinished job is already in the queue. */
  readonly array?: JobArray & { readonly id: string }
  /** Jobs that this submission added to Slurm's queue. */
  readonly submitted: readonly PlannedJob[]
  /** Jobs of earlier submissions that are still in Slurm's queue. */
  readonly queued: readonly PlannedJob[]
}

/**
 * Submits those unfinished jobs of a plan that are not yet in Slurm's queue. Returns undefined if every job is
 * finished.
 * @throws BenchError `unsupported` if this machine has no Slurm, `failed` if Slurm refuses
 */
export function submit(plan: Plan, store: Store, request: SubmissionRequest): Submission | undefined {
  const missing = unfinished(plan, store)
  if (missing.length === 0) return undefined
  store.prepare()
  const inQueue = queuedJobs(store)
  const queued = missing.filter(({ id }) => inQueue.has(id))
  const submitted = missing.filter(({ id }) => !inQueue.has(id))
  if (submitted.length === 0) return { submitted, queued }
  const { jobs, threads, seedsPerDevice, log, sbatch } = request
  const orders = ordersOf(plan, submitted, store, { jobs: jobs ?? 1, seedsPerDevice, log })
  const ordersWithThreads = orders.map((order) => ({
    ...order,
    executor: { ...order.executor, ...(threads && { threads }) },
  }))
  const array = writeArray(store, ordersWithThreads)
  try {
    return { array: { ...array, id: sbatchArray(array, jobs, sbatch) }, submitted, queued }
  } catch (error) {
    discardArray(array)
    throw error
  }
}

/**
 * Throws for `--backend auto` if an experiment that trains networks is to be submitted to Slurm: the backend is part of
 * a job's identity, and this machine cannot know which backends the compute nodes have. Called before the experiment is
 * planned, because planning with `auto` looks for a GPU on this machine.
 * @throws BenchError `bad-input` if the backend is `auto`
 */
export function requireNamedBackend(
  { algorithms, executor, retraining }: Experiment,
  { registry }: Pick<Registered, 'registry'>,
): void {
  const trains = retraining !== undefined || algorithms.some(({ name }) => registry.algorithm(name).kind === 'supernet')
  if (executor.backend !== 'auto' || !trains) return
  throw new BenchError(
    'bad-input',
    '--slurm computes on other machines, so the backend must be named: --backend wasm, webgpu or tensorflow',
  )
}

/** Submits a job array by calling sbatch. Returns the job id that Slurm gives the array. */
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
    const message =
      '--slurm: there is no sbatch on this machine; run the command on a machine from which jobs are submitted'
    throw new BenchError('unsupported', message)
  }
  // With several clusters sbatch prints NUMBER;CLUSTER.
  return printed.split(';')[0]
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** Options of Slurm's sbatch by name, without the leading dashes. The value is empty for an option that takes none. */
export type SbatchOptions = Readonly<Record<string, string>>

/** Options of sbatch that this program sets itself, so that the user may not give them. */
const RESERVED = ['array', 'chdir', 'error', 'job-name', 'open-mode', 'output', 'parsable', 'requeue', 'signal', 'wrap']

/**
 * Matches a comma before `name=`, which separates sbatch options. Other commas belong to a value, as in
 * `partition=short,long`.
 */
const SEPARATOR = /,(?=[a-z][a-z-]*=)/

/**
 * Returns the sbatch options in the value of `--slurm`, such as `partition=gpu,gres=gpu:1,time=8:00:00`.
 * @throws BenchError `bad-input`
 */
export function parseSbatchOptions(text: string): SbatchOptions {
  const entries = text.split(SEPARATOR).map(parseOption)
  requireOnce(
    entries.map(([name]) => name),
    '--slurm',
  )
  return Object.fromEntries(entries)
}

function parseOption(text: string): readonly [name: string, value: string] {
  const [, name, value = ''] = /^([a-z][a-z-]*)(?:=(.+))?$/s.exec(text) ?? []
  if (name === undefined) {
    const wanted = 'options of sbatch without their dashes, as partition=gpu,gres=gpu:1,time=8:00:00'
    throw new BenchError('bad-input', `--slurm "${text}": expected ${wanted}`)
  }
  if (RESERVED.includes(name))
    throw new BenchError('bad-input', `--slurm ${name}: bench sets this itself; leave it out`)
  return [name, value]
}

/** Returns sbatch options as arguments of the command: `--partition=gpu`, … */
export const sbatchArguments = (options: SbatchOptions): readonly string[] =>
  Object.entries(options).map(([name, value]) => (value === '' ? `--${name}` : `--${name}=${value}`))
