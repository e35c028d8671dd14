/** Processes that die at a chosen change of the file system. */
import { fileURLToPath } from 'node:url'

export interface Death {
  /** Changes outside of this folder do not count. */
  readonly within: string
  /** Which change, from 1; absent: the process lives. */
  readonly at?: number
  readonly mode?: 'before' | 'half' | 'after'
  /** Gets the number of all changes, a line a process that ended by itself. */
  readonly log?: string
}

const HOOK = fileURLToPath(new URL('killAtWrite.mjs', import.meta.url))

/** What to add to a process's environment; the processes that it starts get it, too. */
export const deathEnvironment = (death: Death): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=${HOOK}`,
  KILL_AT_WRITE: JSON.stringify(death),
})
