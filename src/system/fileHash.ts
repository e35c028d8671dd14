/** The content of a file as a name. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { countWork } from './workCounter.ts'

/** SHA-256 of a file's bytes, hexadecimal. @throws as reading does */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer)
    countWork()
  }
  return hash.digest('hex')
}
