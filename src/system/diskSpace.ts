/** How much more a file system takes, so that a file without end does not fill it. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BenchError } from '../core/errors.ts'

/** What is left to others: a twentieth of the file system, at most so many bytes. */
const LEFT_SHARE = 0.05
const LEFT_BYTES = 2 ** 30
/** The file system is asked again after so many bytes. */
const STEP = 64 * 2 ** 20

export class DiskSpace {
  readonly #path: string
  #checked = Number.NEGATIVE_INFINITY

  /** @param path of a file or folder to be written, which need not exist */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * Looks now and then whether there is room.
   * @param written bytes so far
   * @param planned bytes still to come, where they are known
   * @throws BenchError `failed` where they would leave too little to others
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

/** Of the file system that the path, or the nearest folder above it, is on; undefined where that cannot be told. */
async function existing(path: string) {
  for (let at = path; ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined)
    if (found !== undefined || at === dirname(at)) return found
  }
}
