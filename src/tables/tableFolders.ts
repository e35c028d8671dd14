/** The folders of tables: that of the package's embedded tables, and that of the user's own. */
import { fileURLToPath } from 'node:url'
import { userFolder } from '../system/userFolder.ts'

/** The folder of the tables that come with the package. */
export const embeddedTables = fileURLToPath(new URL('../../tables', import.meta.url))

/** Returns the folder of the user's imported and built tables. */
export const userTables = (): string => userFolder('tables')

/** Returns the folders in which a table is looked up by name, in this order. */
export const tableFolders = (): string[] => [embeddedTables, userTables()]
