/** Checks free disk space while a large file is written, so that a download of unknown length cannot fill the disk. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BenchError } from '../core/errors.ts'

/** Fraction of a file system that is kept free for other programs; LEFT_BYTES if that is less. */
const LEFT_SHARE = 0.05
const LEFT_BYTES = 2 ** 30
/** Number of bytes written between two checks of the free disk space. */
const STEP = 64 * 2 ** 20

/** Checks the free space of the file system that contains a path. */
export class DiskSpace {
  readonly #path: string
  #checked = Number.NEGATIVE_INFINITY

  /** @param path file or folder that will be written; it need not exist yet */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * Checks the free disk space if enough bytes were written since the last check.
   * @param written bytes written so far
   * @param planned bytes still to write, if known
   * @throws BenchError `failed` if too little space would remain
   */
  async check(written: number, planned = 0): Promise<void> {
    if (written < this.#checked + STEP) return
    this.#checked = written
    const found = await existing(this.#path)
    if (found === undefined) return
    const { bavail, blocks, bsize } = found
    const free = bavail * bsize
    const left = Math.min(LEFT_BYTES, LEFT_SHARE * blocks * bsize)
    if (free - planned >= left) return
    const needed =
      planned > 0 ? `needs ${gibibytes(planned)} more, and its disk has` : 'is being written to a disk with only'
    throw new BenchError(
      'failed',
      `${this.#path} ${needed} ${gibibytes(free)} free, of which ${gibibytes(left)} are left to others; make room, or name another place`,
    )
  }
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/**
 * Returns the statistics of the file system that contains the path, or undefined if the system does not report them.
 */
async function existing(path: string) {
  for (let at = path; ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined)
    if (found !== undefined || at === dirname(at)) return found
  }
}
