/** The store: one folder a run, laid out as `core/result.ts` says. */
import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import { isFileName } from '../../core/names.ts'
import { makeFolder } from '../../system/atomicFile.ts'
import { listIfThere, statIfThere } from '../../system/readable.ts'
import { RunFolder } from './runFolder.ts'

export const DEFAULT_STORE = 'runs'

export class Store {
  readonly folder: string

  constructor(folder: string = DEFAULT_STORE) {
    this.folder = resolve(folder)
  }

  /** The run's folder, whether it exists or not. @throws BenchError `bad-input` for an id that leads out of the store */
  run(id: string): RunFolder {
    if (!isFileName(id)) throw new BenchError('bad-input', `"${id}" is no id of a run; it would lead out of the store`)
    return new RunFolder(join(this.folder, id), id)
  }

  /**
   * All runs that were begun here, by id; folders of runs may be links.
   * @throws BenchError `missing` where there is no store, `bad-input` where a folder in it cannot be read
   */
  runs(): readonly RunFolder[] {
    const entries = listIfThere(this.folder)
    if (entries === undefined) {
      throw new BenchError(
        'missing',
        `there is no store at ${this.folder}; \`bench run --algo drnas\` makes one, --store names another`,
      )
    }
    return entries
      .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && this.#isLinkedFolder(entry.name)))
      .map((entry) => this.run(entry.name))
      .filter((run) => run.exists())
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** @throws BenchError `bad-input` where the link leads nowhere, as to a disk that is not mounted */
  #isLinkedFolder(name: string): boolean {
    return statIfThere(join(this.folder, name))?.isDirectory() === true
  }

  /** Makes the folder. @throws BenchError `bad-input` where nothing can be written there */
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
