import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { expect, test } from 'vitest'
import * as nb201 from '../../src/spaces/nb201/index.ts'
import { openTable, verifyTable } from '../../src/tables/openTable.ts'
import * as spaceIndex from '../../src/tables/spaceIndex.ts'
import * as curves from '../../src/tables/writeCurves.ts'
import * as writeTable from '../../src/tables/writeTable.ts'
import { full } from '../support/full.ts'
import { deathEnvironment } from '../support/killed.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const root = temporaryFolder()
const built = (module: string) => JSON.stringify(fileURLToPath(new URL(`../../dist/${module}`, import.meta.url)))

interface Modules {
  readonly nb201: typeof import('../../src/spaces/nb201/index.ts')
  readonly spaceIndex: typeof import('../../src/tables/spaceIndex.ts')
  readonly curves: typeof import('../../src/tables/writeCurves.ts')
  readonly writeTable: typeof import('../../src/tables/writeTable.ts')
}

/** Writes a table of one row, with curves. Its text is run in other processes, too: it uses nothing from around it. */
async function write(folder: string, accuracy: number, modules: Modules): Promise<void> {
  const space = modules.spaceIndex.spaceIndex(modules.nb201.nb201)
  const values = Float64Array.of(accuracy, 2)
  const splits = [{ split: 'train', accuracyPct: values, loss: values, seconds: values }]
  const runs = [{ dataset: 'cifar10', epochs: 2, seed: 777, splits }]
  const bytes = modules.curves.encodeCurves([{ index: 5, arch: space.at(5), runs }])
  const curves = await modules.curves.writeCurves(folder, 'kept', [{ range: [5, 5], bytes }])
  const content = {
    index: Int32Array.of(5),
    arch: [space.at(5)],
    texts: [],
    notes: [],
    numbers: [{ name: 'cifar10/ori-test/200/777', values: Float64Array.of(accuracy) }],
    source: { format: 'csv', name: 'made in a test', sha256: '' },
  }
  modules.writeTable.writeTable(folder, 'kept', space, content, curves)
}

/** → the signal that ended the process */
function writeInProcess(folder: string, accuracy: number, env: NodeJS.ProcessEnv): Promise<string | null> {
  const script = `const modules = {
      nb201: await import(${built('spaces/nb201/index.js')}),
      spaceIndex: await import(${built('tables/spaceIndex.js')}),
      curves: await import(${built('tables/writeCurves.js')}),
      writeTable: await import(${built('tables/writeTable.js')}),
    }
    await (${write})(${JSON.stringify(folder)}, ${accuracy}, modules)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))
}

const files = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]))

const accuracy = async (folder: string) => {
  await verifyTable(join(folder, 'kept.arrow'))
  const table = await openTable(join(folder, 'kept.arrow'))
  return table.value(5, { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 777 })
}

test('a process that dies while replacing a table leaves either the old table or the new one', {
  timeout: 120_000,
}, async () => {
  const here: Modules = { nb201, spaceIndex, curves, writeTable }
  const [before, whole] = ['before', 'whole'].map((name) => join(root, name))
  await write(before, 80, here)
  cpSync(before, whole, { recursive: true })
  const log = join(root, 'log')
  expect(await writeInProcess(whole, 90, deathEnvironment({ within: whole, log }))).toBeNull()
  const changes = Number.parseInt(readFileSync(log, 'utf8'), 10)
  expect(changes).toBeGreaterThan(8)
  const dies = async (at: number) => {
    const folder = join(root, `killed-${at}`)
    cpSync(before, folder, { recursive: true })
    const death = deathEnvironment({ within: folder, at, mode: 'half' })
    expect(await writeInProcess(folder, 90, death)).toBe('SIGKILL')
    const found = await accuracy(folder)
    await write(folder, 90, here)
    expect(await accuracy(folder)).toBe(90)
    expect(files(folder), `killed at change ${at}`).toEqual(files(whole))
    return found
  }
  const limit = pLimit(2)
  // An early change, one in the middle and the last one, or all in `npm run test:full`.
  const all = Array.from({ length: changes }, (_, i) => changes - i)
  const moments = full ? all : [changes, Math.ceil(changes / 2), 2]
  const found = await Promise.all(moments.map((at) => limit(() => dies(at))))
  expect(new Set(found)).toEqual(new Set([80, 90]))
})
