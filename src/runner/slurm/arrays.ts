/**
 * Job arrays of a store: `STORE/slurm/NAME/orders.json` has a work order for each task, and the tasks' logs lie beside it.
 * NAME is the hash of the orders, and `bench-NAME` the array's name in Slurm: by it the queue is asked, so nothing has to be
 * written after the submission, and no task can start before what it reads is there.
 */

import { spawnSync } from 'node:child_process'
import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { orderedJob, parseRecord } from '../../core/recordSchemas.ts'
import type { Job } from '../../core/result.ts'
import { backendNames } from '../../engine/backendChoice.ts'
import { writeAtomically } from '../../system/atomicFile.ts'
import { contentName, recordText } from '../../system/json.ts'
import { isThere, listIfThere, readIfThere } from '../../system/readable.ts'
import type { WorkOrder } from '../run/messages.ts'
import type { Store } from '../store/store.ts'

export interface JobArray {
  /** As Slurm shows it. */
  readonly name: string
  readonly folder: string
  /** One a task. */
  readonly orders: readonly WorkOrder[]
}

const ORDERS = 'orders.json'
const arraysOf = (store: Store): string => join(store.folder, 'slurm')
const nameOf = (hash: string): string => `bench-${hash}`

/** Writes what the tasks read. */
export function writeArray(store: Store, orders: readonly WorkOrder[]): JobArray {
  const hash = contentName(orders).slice(0, 12)
  const folder = join(arraysOf(store), hash)
  writeAtomically(join(folder, ORDERS), recordText({ schema: 1, orders }))
  return { name: nameOf(hash), folder, orders }
}

/** Of an array that Slurm did not take. Logs of an earlier one with the same orders stay. */
export function discardArray({ folder }: JobArray): void {
  rmSync(join(folder, ORDERS))
  for (const each of [folder, dirname(folder)]) if (readdirSync(each).length === 0) rmdirSync(each)
}

/** @throws BenchError `missing` or `corrupt` */
export function readOrders(folder: string): readonly WorkOrder[] {
  const path = join(folder, ORDERS)
  const text = readIfThere(path)?.toString('utf8')
  if (text === undefined)
    throw new BenchError('missing', `${path} does not exist; it is written where runs are submitted with --slurm`)
  return parseRecord(text, path, { schema: arrayFile, what: 'the work orders of a job array', remedy: 'submit again' })
    .orders
}

const arrayFile: z.ZodType<{ readonly orders: readonly WorkOrder[] }> = z.looseObject({
  schema: z.literal(1),
  orders: z.array(
    z.looseObject({
      store: z.string(),
      jobs: z.array(orderedJob),
      atATime: z.int().min(1).optional(),
      plugins: z.array(z.string()),
      data: z.string().optional(),
      table: z.string().optional(),
      executor: z.looseObject({
        backend: z.enum(backendNames),
        executor: z.enum(['auto', 'tfjs', 'static']).optional(),
        deterministic: z.boolean().optional(),
        fastMath: z.boolean().optional(),
        threads: z.int().min(1).optional(),
      }),
    }),
  ),
})

/** The jobs that wait or run in Slurm, by id: those of this store's arrays whose tasks are not over. */
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

/**
 * @param input of its standard input
 * @returns what it printed, or undefined where this machine has no such command
 * @throws BenchError `failed` with what it complained about
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
  throw new BenchError('failed', `${command} refused: ${complaint.replace(`${command}: error: `, '')}`)
}
