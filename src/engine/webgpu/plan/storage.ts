/** What a dispatch can name. */
import { Temporary } from '../../plan/placement.ts'

/** A part of a lent buffer. */
export interface Part {
  readonly of: Temporary
  /** Bytes that a dispatch reads or writes of it, where it names more. */
  readonly moved?: number
  /** In bytes; a multiple of `PART_ALIGNMENT`. */
  readonly offset: number
  readonly bytes: number
}

/** A buffer that is lent for a while, or a part of it. */
export type Transient = Temporary | Part

/** A lent one, or one that stays. */
export type Storage = Transient | GPUBuffer

/** Where WebGPU lets a binding begin on every device. */
const PART_ALIGNMENT = 256

export const alignedForParts = (bytes: number): number => Math.ceil(bytes / PART_ALIGNMENT) * PART_ALIGNMENT

export const isTransient = (storage: Storage): storage is Transient => storage instanceof Temporary || 'of' in storage

/** The buffer as a whole, and where in it the storage begins. */
export const wholeOf = (storage: Transient): { readonly of: Temporary; readonly offset: number } =>
  'of' in storage ? storage : { of: storage, offset: 0 }

/** The whole buffer that all are parts of. */
export function spanOf(parts: readonly Transient[]): Part {
  const { of } = wholeOf(parts[0])
  return { of, offset: 0, bytes: of.bytes, moved: parts.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** Bytes that a dispatch reads or writes, which names it. */
export const movedOf = (storage: Transient): number =>
  'of' in storage ? (storage.moved ?? storage.bytes) : storage.bytes
