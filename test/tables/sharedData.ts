/** Real tables beside the checkout; tests that need them are skipped, saying so, where they are not there. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const nb201Data = fileURLToPath(new URL('../../../shared/data/nb201', import.meta.url))
export const nb201Csv = `${nb201Data}/nb201.csv.gz`
export const absent = !existsSync(nb201Csv)

/** To stand in the name of a test that may be skipped. */
export const needsData = absent ? ' (skipped: ../shared/data/nb201 is not there)' : ''
