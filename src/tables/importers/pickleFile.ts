/**
 * Imports NAS-Bench-201's `.pth` files (v1.0, v1.1), in PyTorch's old format and in its zip format, and NASLib's
 * pickles. A file is read once from front to back and is never in memory as a whole.
 */
import { closeSync, openSync, statSync } from 'node:fs'
import { BenchError } from '../../core/errors.ts'
import { type FileSlice, PickleInput } from '../../pickle/pickleInput.ts'
import { readPickle } from '../../pickle/readPickle.ts'
import { contentName } from '../../system/json.ts'
import type { ImportContext } from '../content.ts'
import { assemble } from './assemble.ts'
import { type Imported, openParts } from './importParts.ts'
import type { Mapping } from './mapping.ts'
import { RECORD_NOTES } from './natsBench.ts'
import { RecordStream } from './recordStream.ts'
import type { Source } from './sourceFile.ts'
import { storedEntry } from './zipEntry.ts'

export interface PickleFileOptions extends ImportContext {
  readonly mapping: Mapping
  readonly withCurves: boolean
  readonly partsFolder: string
  onProgress?(done: number, total: number | undefined): void
}

/** The integer that is pickled first in a file in PyTorch's old format (before version 1.6). */
const TORCH_MAGIC = 0x1950a86a20f9469cfc6cn

/** Returns whether a file with these first bytes is a zip archive. */
export const isZip = (head: Buffer): boolean => head.toString('latin1', 0, 4) === 'PK\u0003\u0004'

/**
 * Returns whether a file with these first bytes is a pickle. Pickles of protocols 0 and 1 have no fixed first byte, so
 * their first instructions are decoded to find out.
 */
export function isPickle(head: Buffer): boolean {
  if (head[0] === 0x80) return head[1] >= 2 && head[1] <= 5
  return /^([(}\]]|c[\w.]+\n[\w.]+\n)/.test(head.toString('latin1')) && beginsAsPickle(head)
}

/** Returns whether the first bytes of a file are valid pickle instructions. */
function beginsAsPickle(head: Buffer): boolean {
  const input = new PickleInput('', head)
  try {
    readPickle(input)
    return true
  } catch {
    return input.isExhausted
  }
}

/**
 * Returns the content of a table, imported from a pickle or a PyTorch file.
 * @throws BenchError `bad-input` that names the faulty place in the file
 */
export async function importPickleFile(file: Source, options: PickleFileOptions): Promise<Imported> {
  const { space, mapping, withCurves, partsFolder, onProgress } = options
  const sha256 = await file.sha256()
  const parts = openParts(partsFolder)
  const stream = new RecordStream({
    name: file.name,
    sha256: contentName([sha256, mapping]),
    parts,
    withCurves,
    mapping,
    indexOf: (arch) => space.indexOf(arch),
    onProgress: (done) => onProgress?.(done, space.size ?? undefined),
  })
  try {
    readAll(file, stream)
    stream.finish()
    if (stream.batches.length === 0) {
      throw new BenchError('bad-input', `${file.name} holds no trainings of NAS-Bench-201 in a known form`)
    }
    const source = { format: 'pickle', name: file.name, sha256 }
    const notes = [...RECORD_NOTES, ...mapping.notes]
    return assemble({ parts, batches: stream.batches, source, notes, withCurves, mapping }, options)
  } catch (error) {
    // A faulty file has to be replaced, so its batches are useless. After other errors, such as a full disk, the import
    // can resume.
    if (error instanceof BenchError && error.code === 'bad-input') parts.remove()
    throw error
  }
}

function readAll({ path, name, head }: Source, stream: RecordStream): void {
  const descriptor = openSync(path, 'r')
  try {
    const { size } = statSync(path)
    const whole: FileSlice = { descriptor, offset: 0, length: size }
    const input = new PickleInput(name, isZip(head) ? storedEntry(descriptor, size, 'data.pkl', name) : whole)
    if (readPickle(input, stream) !== TORCH_MAGIC) return
    // The old container has the protocol and facts about the writing machine before the object.
    readPickle(input)
    readPickle(input)
    readPickle(input, stream)
  } finally {
    closeSync(descriptor)
  }
}
