/**
 * Computes the identity of a job (one algorithm, dataset and seed): the hash of its canonical JSON, from which the id
 * of its run is made. Also gives the label of the run.
 */
import type { Job } from '../../core/result.ts'
import { contentName } from '../../system/json.ts'

/** Number of hexadecimal digits of the job's hash that a run id contains: 64 bits. */
const DIGITS = 16

/** Returns the SHA-256 of the job's canonical JSON (with sorted keys), in hexadecimal. */
export const jobHash = (job: Job): string => contentName(job)

/** Returns the id of a job's run, which names its folder, such as `drnas-shapes-seed0-0123456789abcdef`. */
export function runId(job: Job): string {
  const readable = [job.algorithm.name, job.dataset.name, `seed${job.seed}`].map((part) =>
    part.replace(/[^\w.]+/g, '-'),
  )
  return `${readable.join('-')}-${jobHash(job).slice(0, DIGITS)}`
}

/** Returns the name of a run in progress lines and messages, such as `drnas on shapes, seed 3`. */
export const runLabel = ({ algorithm, dataset, seed }: Job): string =>
  `${algorithm.name} on ${dataset.name}, seed ${seed}`
