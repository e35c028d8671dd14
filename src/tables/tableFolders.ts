/** The two folders with lookup tables: the package's own, and the user's. */
import { fileURLToPath } from 'node:url'
import { userFolder } from '../system/userFolder.ts'

/** Path of the folder with the lookup tables that come with the package. */
export const embeddedTables = fileURLToPath(new URL('../../tables', import.meta.url))

/** Returns the path of the folder with the lookup tables that the user has imported or built. */
export const userTables = (): string => userFolder('tables')

/** Returns the paths of the folders in which a lookup table's name is looked up, in the order of the search. */
export const tableFolders = (): string[] => [embeddedTables, userTables()]
