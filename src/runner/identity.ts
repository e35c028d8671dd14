/** The identity of a job: the hash of its canonical JSON. */
import { createHash } from 'node:crypto'
import type { Job } from '../core/result.ts'

/** Hexadecimal digits of the hash in a run's id: 64 bits. */
const DIGITS = 16

/** JSON with sorted keys and without absent values: equal for equal data, whatever the order it was made in. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(',')}}`
}

/** SHA-256 of the job's canonical JSON, hexadecimal. */
export function jobHash(job: Job): string {
  return createHash('sha256').update(canonicalJson(job)).digest('hex')
}

/** The name of the run's folder: readable first, then the hash, as in `drnas-shapes-seed0-0123456789abcdef`. */
export function runId(job: Job): string {
  const readable = [job.algorithm.name, job.dataset.name, `seed${job.seed}`].map((part) =>
    part.replace(/[^\w.]+/g, '-'),
  )
  return `${readable.join('-')}-${jobHash(job).slice(0, DIGITS)}`
}
