/**
 * Writes, reads and finds the Slurm job arrays of a store. `STORE/slurm/NAME/orders.json` contains a work order (list
 * of jobs) for each task; the logs are in the same folder. NAME is the hash of the work orders, and `bench-NAME` is the
 * array's name in Slurm, by which it is found in the queue. So nothing has to be written after the submission, and no
 * task can start before its work order exists.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { z as Zod } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { loadZod } from '../../core/lazyPackages.ts'
import { parseRecord } from '../../core/parseRecord.ts'
import { recordSchemas } from '../../core/recordSchemas.ts'
import type { Job } from '../../core/result.ts'
import { backendNames, executorNames } from '../../engine/index.ts'
import { writeAtomically } from '../../system/atomicFile.ts'
import { contentName, recordText } from '../../system/json.ts'
import { LOG_FORMATS } from '../../system/progressLog.ts'
import { isThere, listIfThere, readIfThere } from '../../system/readable.ts'
import type { WorkOrder } from '../run/messages.ts'
import type { Store } from '../store/store.ts'

/** A Slurm job array, with the work orders of its tasks. */
export interface JobArray {
  /** Name of the job array in Slurm, `bench-` and a hash. */
  readonly name: string
  readonly folder: string
  /** For each task of the array: its work order, the list of jobs that it runs. */
  readonly orders: readonly WorkOrder[]
}

const ORDERS = 'orders.json'
const arraysOf = (store: Store): string => join(store.folder, 'slurm')
const nameOf = (hash: string): string => `bench-${hash}`

/** Writes the work orders of a new Slurm job array into the store, and returns the array. */
export function writeArray(store: Store, orders: readonly WorkOrder[]): JobArray {
  const hash = contentName(orders).slice(0, 12)
  const folder = join(arraysOf(store), hash)
  writeAtomically(join(folder, ORDERS), recordText({ schema: 1, orders }))
  return { name: nameOf(hash), folder, orders }
}

/**
 * Deletes the work orders of a job array that Slurm refused. Logs of an earlier array with the same work orders stay.
 */
export function discardArray({ folder }: JobArray): void {
  rmSync(join(folder, ORDERS))
  for (const each of [folder, dirname(folder)]) if (readdirSync(each).length === 0) rmdirSync(each)
}

/** Returns the work orders in the folder of a Slurm job array. @throws BenchError `missing` or `corrupt` */
export function readOrders(folder: string): readonly WorkOrder[] {
  const path = join(folder, ORDERS)
  const text = readIfThere(path)?.toString('utf8')
  if (text === undefined)
    throw new BenchError('missing', `${path} does not exist; it is written where runs are submitted with --slurm`)
  return parseRecord(text, path, {
    schema: arrayFile(),
    what: 'the work orders of a job array',
    remedy: 'submit again',
  }).orders
}

/** Returns the schema of `orders.json`, the file with the work orders of a Slurm job array. */
const arrayFile = (z = loadZod()): Zod.ZodType<{ readonly orders: readonly WorkOrder[] }> =>
  z.looseObject({
    schema: z.literal(1),
    orders: z.array(
      z.looseObject({
        store: z.string(),
        jobs: z.array(recordSchemas().orderedJob),
        atATime: z.int().min(1).optional(),
        plugins: z.array(z.string()),
        data: z.string().optional(),
        table: z.string().optional(),
        executor: z.looseObject({
          backend: z.enum(backendNames),
          executor: z.enum(executorNames).optional(),
          deterministic: z.boolean().optional(),
          fastMath: z.boolean().optional(),
          threads: z.int().min(1).optional(),
        }),
        log: z.array(z.enum(LOG_FORMATS)).optional(),
      }),
    ),
  })

/** Returns, by run id, the jobs of this store whose Slurm tasks are queued or running. */
export function queuedJobs(store: Store): ReadonlyMap<string, Job> {
  const root = arraysOf(store)
  const folders = (listIfThere(root) ?? []).map(({ name }) => name)
  const hashes = folders.filter((hash) => isThere(join(root, hash, ORDERS)))
  if (hashes.length === 0) return new Map()
  const names = hashes.map(nameOf).join(',')
  const lines = slurm('squeue', ['--noheader', '--array', `--name=${names}`, '--format=%j %K']) ?? ''
  const tasks = lines.split('\n').map((line) => line.trim().split(' '))
  return new Map(
    hashes.flatMap((hash) => {
      const inQueue = tasks.filter(([name]) => name === nameOf(hash))
      if (inQueue.length === 0) return []
      const orders = readOrders(join(root, hash))
      return inQueue.flatMap(([, task]) => (orders[Number(task)]?.jobs ?? []).map(({ id, job }) => [id, job] as const))
    }),
  )
}

/** The error that one of Slurm's commands failed, as when its controller is busy or restarts. */
export class SlurmFailure extends BenchError {
  constructor(command: string, complaint: string) {
    super('failed', `${command} refused: ${complaint.replace(`${command}: error: `, '')}`)
  }
}

/**
 * Runs one of Slurm's commands, such as `sbatch`, and returns what it prints.
 * @param input text for the command's standard input
 * @returns the command's output, or undefined if this machine does not have the command
 * @throws SlurmFailure with the command's error message
 */
export function slurm(command: string, given: readonly string[], input = ''): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(command, given, {
    input,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined
  if (error === undefined && status === 0) return stdout.trim()
  const [complaint = `exit status ${status}`] = (error?.message ?? stderr).split('\n').filter((line) => line !== '')
  throw new SlurmFailure(command, complaint)
}
