/** How many worker processes a command starts where nobody says. */
import { availableParallelism } from 'node:os'

export const defaultJobs = (): number => availableParallelism()
