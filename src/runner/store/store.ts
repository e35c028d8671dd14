/** The store: one folder a run, laid out as `core/result.ts` says. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeFolder } from '../../core/atomicFile.ts'
import { BenchError } from '../../core/errors.ts'
import { RunFolder } from './runFolder.ts'

export const DEFAULT_STORE = 'runs'

export class Store {
  readonly folder: string

  constructor(folder: string = DEFAULT_STORE) {
    this.folder = resolve(folder)
  }

  /** The run's folder, whether it exists or not. */
  run(id: string): RunFolder {
    return new RunFolder(join(this.folder, id), id)
  }

  /** All runs that were begun here, by id. @throws BenchError `missing` where there is no store */
  runs(): readonly RunFolder[] {
    if (!existsSync(this.folder)) {
      throw new BenchError(
        'missing',
        `there is no store at ${this.folder}; \`bench run --algo drnas\` makes one, --store names another`,
      )
    }
    return readdirSync(this.folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => this.run(entry.name))
      .filter((run) => run.exists())
      .sort((a, b) => (a.id < b.id ? -1 : 1))
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
