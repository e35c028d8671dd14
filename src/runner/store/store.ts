/** Finds the runs in a store: a folder with one subfolder per run. `core/result.ts` describes the files of a run. */
import { randomUUID } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import { isFileName } from '../../core/names.ts'
import { makeFolder } from '../../system/atomicFile.ts'
import { lockHolder, lockIfFree } from '../../system/lock.ts'
import { namesIfThere } from '../../system/readable.ts'
import { RunFolder } from './runFolder.ts'

/** Folder of the store of runs if the user names none. */
export const DEFAULT_STORE = 'runs'

/** Name of a lock that a process holds in the store while it runs the jobs of a plan. */
const AT_WORK = /^\.at-work-[\da-f-]+\.lock$/

/** A store of runs. Finds, lists and prepares the folders of runs. */
export class Store {
  /** Absolute path of the store's folder. */
  readonly folder: string

  constructor(folder: string = DEFAULT_STORE) {
    this.folder = resolve(folder)
  }

  /**
   * Returns the folder of the run with this id, whether it exists or not.
   * @throws BenchError `bad-input` for an id that is not a file name
   */
  run(id: string): RunFolder {
    if (!isFileName(id)) throw new BenchError('bad-input', `"${id}" is not a run id; it would lead out of the store`)
    return new RunFolder(`${this.folder}/${id}`, id)
  }

  /**
   * Returns the folders of all runs in the store, ordered by run id. A run's folder may be a symbolic link.
   * @throws BenchError `missing` if the store does not exist, `bad-input` if a folder in it cannot be read
   */
  runs(): readonly RunFolder[] {
    return this.folders().filter((run) => run.exists())
  }

  /**
   * Returns everything in the store that may be the folder of a run, ordered by name. Whether it is one is not looked
   * up, which takes long for thousands of runs: `exists` of each tells it, and so do the functions that read indexes.
   * @throws BenchError `missing` if the store does not exist, `bad-input` if it cannot be read
   */
  folders(): readonly RunFolder[] {
    const names = namesIfThere(this.folder)
    if (names === undefined) {
      throw new BenchError(
        'missing',
        `there is no store at ${this.folder}; \`bench run --algo drnas\` makes one, --store names another`,
      )
    }
    return names.sort().map((name) => new RunFolder(`${this.folder}/${name}`, name))
  }

  /**
   * Marks the store as one in which this process runs the jobs of a plan, so that commands that watch the store go on
   * between two jobs and before the first. Returns a function that ends this. Does nothing if the mark cannot be written.
   */
  markAtWork(): () => void {
    try {
      // A killed process leaves its mark behind.
      for (const path of this.#marks()) lockIfFree(path)?.release()
      const mark = lockIfFree(join(this.folder, `.at-work-${randomUUID()}.lock`))
      return () => mark?.release()
    } catch {
      return () => {}
    }
  }

  /** Returns whether a process is running the jobs of a plan in this store. */
  isAtWork(): boolean {
    return this.#marks().some((path) => lockHolder(path) !== undefined)
  }

  #marks(): readonly string[] {
    const names = namesIfThere(this.folder) ?? []
    return names.filter((name) => AT_WORK.test(name)).map((name) => join(this.folder, name))
  }

  /** Creates the folder of the store. @throws BenchError `bad-input` if it cannot be written to */
  prepare(): void {
    try {
      makeFolder(this.folder)
      accessSync(this.folder, constants.W_OK | constants.X_OK)
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
      throw new BenchError(
        'bad-input',
        `cannot write to the store ${this.folder} (${reason}); name another with --store`,
        {
          cause,
        },
      )
    }
  }
}
