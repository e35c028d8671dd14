/** Processes that die at a chosen change of the file system. */
import { fileURLToPath } from 'node:url'

export interface Death {
  /** Changes outside of this folder do not count. */
  readonly within: string
  /** Which change, from 1; absent: the process lives. */
  readonly at?: number
  /** `write`: only writes count, and it dies in the middle of one. */
  readonly mode?: 'before' | 'half' | 'after' | 'write'
  /** Whether the process that started it dies first, unless it is the one that asks for this death. */
  readonly parent?: boolean
  /**
   * Gets a line a process: the numbers of all changes and of all writes where it ended by itself, else `died MODE
   * CHANGE`.
   */
  readonly log?: string
}

const HOOK = fileURLToPath(new URL('killAtWrite.mjs', import.meta.url))

/** What to add to a process's environment; the processes that it starts get it, too. */
export const deathEnvironment = (death: Death): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=${HOOK}`,
  KILL_AT_WRITE: JSON.stringify({ ...death, spare: process.pid }),
})
