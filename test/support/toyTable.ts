/** A complete lookup table whose numbers are a formula of the architecture's index, for tests of what is looked up. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from '../../src/core/onceEach.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { writeTable } from '../../src/tables/writeTable.ts'

const ROWS = 15_625

/** In %, different for every architecture. */
export const toyAccuracy = (index: number, column: number): number =>
  40 + (((index * 7919) % ROWS) / ROWS) * 50 + column

const COLUMNS = [
  'cifar10-valid/x-valid/200/mean',
  'cifar10/ori-test/200/mean',
  'cifar10-valid/x-valid/12/mean',
  'shapes/x-valid/5/mean',
  'shapes/x-test/5/mean',
]

/** Writes it as the table `nb201` into a folder of tables. An evaluation costs 100 s. */
export function writeToyTable(folder: string): void {
  // Made once and copied, since many tests have one each.
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(made())) cpSync(join(made(), file), join(folder, file))
}

const made = once(() => {
  const folder = mkdtempSync(join(tmpdir(), 'toy-'))
  const space = spaceIndex(nb201)
  const values = (of: (index: number) => number) => Float64Array.from({ length: ROWS }, (_, index) => of(index))
  writeTable(folder, 'nb201', space, {
    index: Int32Array.from({ length: ROWS }, (_, index) => index),
    arch: Array.from({ length: ROWS }, (_, index) => space.at(index)),
    texts: [],
    numbers: [
      ...COLUMNS.map((column, i) => ({ name: column, values: values((index) => toyAccuracy(index, i)) })),
      { name: 'train-seconds:cifar10-valid/12', values: values(() => 90) },
      { name: 'eval-seconds:cifar10-valid/x-valid/12', values: values(() => 10) },
    ],
    source: { format: 'test', name: 'toy', sha256: '' },
    notes: [],
  })
  return folder
})
