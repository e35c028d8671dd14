/** Where tables live: the embedded ones in the package, a user's own in a data folder. */
import { fileURLToPath } from 'node:url'
import { userFolder } from '../system/userFolder.ts'

/** Tables that come with the package. */
export const embeddedTables = fileURLToPath(new URL('../../tables', import.meta.url))

/** A user's imported tables. */
export const userTables = (): string => userFolder('tables')

/** Looked through in this order. */
export const tableFolders = (): string[] => [embeddedTables, userTables()]
