/** The content hash of a dataset, without reading its images where they were read before and have not changed since. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { writeAtomically } from '../../core/atomicFile.ts'
import { BenchError } from '../../core/errors.ts'
import type { Job } from '../../core/result.ts'
import { userFolder } from '../../core/userFolder.ts'
import { datasetFolder } from '../../data/datasetNames.ts'
import { openDataset } from '../../data/openDataset.ts'

/** @param report told where images have to be decoded first, in lines for the user. @throws BenchError as `openDataset` */
export async function datasetHash(
  name: string,
  folder: string | undefined,
  report: (line: string) => void,
): Promise<string> {
  const kept = name === 'shapes' ? undefined : await keptHash(name, resolve(folder ?? datasetFolder(name)))
  if (kept?.hash !== undefined) return kept.hash
  const { contentHash } = await openDataset(name, { folder, report })
  if (kept !== undefined) keep(kept.file, contentHash)
  return contentHash
}

/** @throws BenchError `failed` where the images are not those that the job was planned with */
export function requireUnchanged<T extends { readonly contentHash: string }>(images: T, planned: Job['dataset']): T {
  if (images.contentHash === planned.contentHash) return images
  throw new BenchError('failed', `the images of ${planned.name} changed while the command ran; give it again`)
}

/** Where the hash of these files is kept, and the hash if it is; undefined where there are no files. */
async function keptHash(name: string, root: string) {
  const fingerprint = await fingerprintOf(root)
  if (fingerprint === undefined) return undefined
  const key = createHash('sha256').update(`${name}\n${root}\n${fingerprint}`).digest('hex').slice(0, 32)
  const file = userFolder('hashes', key)
  return { file, hash: readHash(file) }
}

/** Sizes and times of change: reading all of the images would take as long as opening them. */
async function fingerprintOf(root: string): Promise<string | undefined> {
  const found = await stat(root).catch(() => undefined)
  if (found === undefined) return undefined
  if (!found.isDirectory()) return `${found.size} ${found.mtimeMs}`
  const { openFolder } = await import('../../data/files/fileTree.ts')
  return (await openFolder(root)).fingerprint()
}

function readHash(file: string): string | undefined {
  try {
    return /^[0-9a-f]{64}$/.exec(readFileSync(file, 'utf8').trim())?.[0]
  } catch {
    return undefined
  }
}

/** Where the user's data folder cannot be written, the next command reads the images again. */
function keep(file: string, hash: string): void {
  try {
    writeAtomically(file, `${hash}\n`)
  } catch {}
}
