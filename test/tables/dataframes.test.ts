/** The Arrow file as others read it, with whatever of them is installed for the Python named by PYTHON (python3). */
import { spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)
const { PYTHON = 'python3' } = process.env
const ACCURACY = 'cifar10/ori-test/200/777'

/** Each prints types, the number of missing values, and the best architecture. */
const readers = {
  polars: `
import polars as pl
t = pl.read_ipc(path)
print(t.schema["index"], t.schema["arch"], t.schema[name], t[name].null_count(), t.sort(name, nulls_last=True, descending=True)["arch"][0])`,
  pandas: `
import pandas as pd, pyarrow
t = pd.read_feather(path)
print(t["index"].dtype, t["arch"].dtype, t[name].dtype, t[name].isna().sum(), t.loc[t[name].idxmax(), "arch"])`,
  duckdb: `
import duckdb, pyarrow as pa
t = pa.ipc.open_file(path).read_all()
r = duckdb.sql(f'select typeof("index"), typeof(arch), typeof("{name}"), (select count(*) from t where "{name}" is null), arch from t order by "{name}" desc nulls last limit 1')
print(*r.fetchall()[0])`,
}
const types = {
  polars: 'Int32 String Float64',
  pandas: /^int32 (str|object|string) float64/,
  duckdb: 'INTEGER VARCHAR DOUBLE',
}

const python = (code: string) => spawnSync(PYTHON, ['-c', code], { encoding: 'utf8' })
const isThere = (name: keyof typeof readers) =>
  python(`import ${name}${name === 'polars' ? '' : ', pyarrow'}`).status === 0

describe('the Arrow file opens in', () => {
  beforeAll(() => {
    writeTable(folder, 'three', space, {
      index: Int32Array.of(1, 2, 3),
      arch: [1, 2, 3].map((index) => space.at(index)),
      numbers: [{ name: ACCURACY, values: Float64Array.of(90.25, Number.NaN, 91.5) }],
      texts: [],
      source: { format: 'csv', name: 'made in a test', sha256: '' },
      notes: [],
    })
  })

  for (const name of Object.keys(readers) as (keyof typeof readers)[]) {
    const there = isThere(name)
    test.skipIf(!there)(`${name}${there ? '' : ` (skipped: ${PYTHON} does not have it)`}`, () => {
      const { stdout, stderr } = python(`path, name = "${folder}/three.arrow", "${ACCURACY}"\n${readers[name]}`)
      expect(stderr).toBe('')
      const [found] = stdout.trim().split(` 1 ${space.at(3)}`)
      expect(found).toMatch(types[name])
      expect(stdout).toContain(` 1 ${space.at(3)}`)
    })
  }
})
