/** Content hashes that are kept in the user's data folder, so that images are not read again only to name them. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeAtomically } from '../../system/atomicFile.ts'
import { userFolder } from '../../system/userFolder.ts'
import { hashOfLines } from './fileTree.ts'

const Hashed = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** What the user should know of the files, a sentence each. */
  notes: z.array(z.string()).readonly(),
})

export type Hashed = z.infer<typeof Hashed>

/**
 * The hash that was kept under a key, else what `compute` makes, which is kept then.
 * @param key everything that it follows from: how it is made, and the fingerprint of the files
 */
export async function keptHash(key: readonly string[], compute: () => Promise<Hashed>): Promise<Hashed> {
  const file = userFolder('hashes', `${hashOfLines(key).slice(0, 32)}.json`)
  const known = readHash(file)
  if (known !== undefined) return known
  const hashed = await compute()
  keep(file, hashed)
  return hashed
}

function readHash(file: string): Hashed | undefined {
  try {
    return Hashed.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** Where the user's data folder cannot be written, the next command reads the images again. */
function keep(file: string, hashed: Hashed): void {
  try {
    writeAtomically(file, `${JSON.stringify(hashed)}\n`)
  } catch {}
}
