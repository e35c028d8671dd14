/** Damaged files of runs to import; see ../../tables/damaged.ts. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe } from 'vitest'
import { readForeignRuns } from '../../../src/runner/imports/foreignRuns.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { needsLittleMemory, survivesDamage } from '../../tables/damaged.ts'
import { jsonMutations } from '../../tables/mutations.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'
import { CSV, DRNAS_LOG, LINES, NASLIB, NASLIB_LOG } from './samples.ts'

const folder = temporaryFolder()
const path = join(folder, 'errors.json')
writeFileSync(join(folder, 'log.log'), NASLIB_LOG)

needsLittleMemory()

async function readDamaged(bytes: Uint8Array): Promise<unknown> {
  writeFileSync(path, bytes)
  const { runs } = await readForeignRuns(path, { space: nb201, method: 'm', dataset: 'cifar10', seed: 0 })
  return runs
}

describe('damage to a file of runs does no harm:', () => {
  survivesDamage('CSV', () => Buffer.from(CSV), readDamaged)
  survivesDamage('gzipped CSV', () => gzipSync(CSV), readDamaged, { hasChecksum: true })
  survivesDamage('JSON lines', () => Buffer.from(LINES), readDamaged)
  survivesDamage('logs', () => Buffer.from(DRNAS_LOG), readDamaged)
  survivesDamage('errors.json of NASLib', () => Buffer.from(NASLIB), readDamaged, { copies: jsonMutations })
  survivesDamage(
    'log.log of NASLib',
    () => Buffer.from(NASLIB_LOG),
    (bytes) => {
      writeFileSync(join(folder, 'log.log'), bytes)
      return readDamaged(Buffer.from(NASLIB))
    },
  )
})
