/** The content hash of a dataset, without reading its images where they were read before and have not changed since. */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import type { Job } from '../../core/result.ts'
import { datasetFolder } from '../../data/datasetNames.ts'
import type { ImageSize } from '../../data/files/fileDatasets.ts'
import { openDataset } from '../../data/openDataset.ts'
import { limitOf } from '../../system/limits.ts'

export interface HashedImages extends ImageSize {
  readonly name: string
  /** Absent: the user's data folder. */
  readonly folder: string | undefined
  /** Told where images have to be decoded first, and what the user should know of them, in lines. */
  readonly report: (line: string) => void
}

/** @throws BenchError as `openDataset` */
export async function datasetHash({ name, folder, report, ...size }: HashedImages): Promise<string> {
  const read = async () => {
    const { contentHash, notes = [] } = await openDataset(name, { folder, report, ...size })
    return { hash: contentHash, notes }
  }
  const root = resolve(folder ?? datasetFolder(name))
  const fingerprint = name === 'shapes' ? undefined : await fingerprintAt(root)
  if (fingerprint === undefined) return (await read()).hash
  const { keptHash } = await import('../../data/files/keptHash.ts')
  const { hash, notes } = await keptHash(
    [name, root, String(size.imageSize), String(limitOf('dataset-gib')), fingerprint],
    read,
  )
  for (const note of notes) report(note)
  return hash
}

/** @throws BenchError `failed` where the images are not those that the job was planned with */
export function requireUnchanged<T extends { readonly contentHash: string }>(images: T, planned: Job['dataset']): T {
  if (images.contentHash === planned.contentHash) return images
  throw new BenchError('failed', `the images of ${planned.name} changed while the command ran; give it again`)
}

/** Of a folder or an archive; undefined where there is none. */
async function fingerprintAt(root: string): Promise<string | undefined> {
  const found = await stat(root).catch(() => undefined)
  if (found === undefined) return undefined
  const { fingerprintOf, openFolder } = await import('../../data/files/fileTree.ts')
  return found.isDirectory() ? (await openFolder(root)).fingerprint() : fingerprintOf(dirname(root), [basename(root)])
}
