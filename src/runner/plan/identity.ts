/** The identity of a job: the hash of its canonical JSON. */

import type { Job } from '../../core/result.ts'
import { contentName } from '../../system/json.ts'

/** Hexadecimal digits of the hash in a run's id: 64 bits. */
const DIGITS = 16

/** SHA-256 of the job's canonical JSON, hexadecimal. */
export const jobHash = (job: Job): string => contentName(job)

/** The name of the run's folder: readable first, then the hash, as in `drnas-shapes-seed0-0123456789abcdef`. */
export function runId(job: Job): string {
  const readable = [job.algorithm.name, job.dataset.name, `seed${job.seed}`].map((part) =>
    part.replace(/[^\w.]+/g, '-'),
  )
  return `${readable.join('-')}-${jobHash(job).slice(0, DIGITS)}`
}

/** A run as progress and messages call it: `drnas on shapes, seed 3`. */
export const runLabel = ({ algorithm, dataset, seed }: Job): string =>
  `${algorithm.name} on ${dataset.name}, seed ${seed}`
