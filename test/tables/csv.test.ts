import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import type { Mapping } from '../../src/tables/importers/mapping.ts'
import { readMapping } from '../../src/tables/importers/mapping.ts'
import { importTable } from '../../src/tables/importTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)
const RESNET = '|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|' // #11472
const SKIP = '|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|' // #1835
const HEADER = 'index,arch,cifar10/ori-test/200/777,params-M'

let count = 0
const write = (content: string | Uint8Array): string => {
  const path = join(folder, `source${count++}.csv`)
  writeFileSync(path, content)
  return path
}
const importText = (content: string | Uint8Array, mapping?: Mapping, as = 'small') =>
  importTable(write(content), { as, space, folder, partial: true, mapping, isolated: false })

describe('a CSV file', () => {
  test('becomes a table whose rows ascend by index', async () => {
    await importText(`${HEADER}\n11472,${RESNET},93.5,0.8\n1835,${SKIP},54.3,0.07\n`)
    const table = await openTable('small', { folders: [folder] })
    expect([...table.indices()]).toEqual([1835, 11472])
    expect(table.find(RESNET)).toBe(11472)
    expect(table.value(11472, { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 777 })).toBe(93.5)
    expect(table.column('params-M').at(0)).toBe(0.07)
  })

  test('may be gzipped, whatever its file name', async () => {
    const manifest = await importText(gzipSync(`${HEADER}\n1835,${SKIP},54.3,0.07\n`))
    expect(manifest.rows).toBe(1)
  })

  test('needs no index column in a space that numbers its architectures', async () => {
    await importText(`arch,params-M\n${RESNET},0.8\n`)
    expect((await openTable('small', { folders: [folder] })).arch(11472)).toBe(RESNET)
  })

  test('has a missing number for an empty cell', async () => {
    await importText(`${HEADER}\n1835,${SKIP},,0.07\n11472,${RESNET},93.5,0.8\n`)
    const table = await openTable('small', { folders: [folder] })
    expect(table.value(1835, { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 777 })).toBeUndefined()
    expect(table.metrics(1835)).toEqual([])
    expect(table.manifest.columns.find(({ name }) => name === 'cifar10/ori-test/200/777')?.missing).toBe(1)
  })

  test('may have other column names, with a mapping', async () => {
    const path = write('space: nb201\narch: cell\ncolumns: {val: cifar10-valid/x-valid/200/777}\nignore: [comment]\n')
    await importText(`cell,val,comment\n${SKIP},84.1,hello\n`, await readMapping(path))
    const table = await openTable('small', { folders: [folder] })
    expect(table.metrics(1835)).toEqual([
      { dataset: 'cifar10-valid', split: 'x-valid', epochs: 200, seed: 777, accuracyPct: 84.1 },
    ])
  })

  test('may have any line ends, a byte-order mark, and blanks around its column names', async () => {
    await importText(`\ufeffarch , params-M\r\n${RESNET}, 0.8 \n${SKIP},0.07\r\n`)
    expect((await openTable('small', { folders: [folder] })).column('params-M').at(1)).toBe(0.8)
  })

  test('may spell its architectures in any way that the space reads', async () => {
    await importText(`arch,params-M\n" ${RESNET} ",0.8\n`)
    expect((await openTable('small', { folders: [folder] })).find(RESNET)).toBe(11472)
  })

  test('may have accuracies as fractions, if the mapping says so', async () => {
    const content = `${HEADER}\n1835,${SKIP},0.543,0.07\n11472,${RESNET},0.9437,0.8\n`
    await importText(content, await readMapping(write('accuracies: fraction')))
    const fractions = await openTable('small', { folders: [folder] })
    expect([0, 1].map(fractions.column('cifar10/ori-test/200/777').at)).toEqual([54.3, 94.37])
    expect(fractions.column('params-M').at(1)).toBe(0.8)
    await importText(content, await readMapping(write('accuracies: percent')))
    const percentages = await openTable('small', { folders: [folder] })
    expect(percentages.column('cifar10/ori-test/200/777').at(1)).toBe(0.9437)
  })

  test.each([
    [';', 'semicolons'],
    ['\t', 'tabs'],
  ])('may separate its columns by %j, and write decimal commas', async (separator) => {
    const lines = [
      ['arch', 'params-M', 'cifar10/ori-test/200/777', 'loss:cifar10/train/200/777', 'unique'],
      [RESNET, '0,8', '93,25', '1,5e-3', 'a,b'],
      [SKIP, ',07', '54', '-0,5', 'c'],
    ]
    await importText(`${lines.map((line) => line.join(separator)).join('\n')}\n`)
    const table = await openTable('small', { folders: [folder] })
    expect(
      table.manifest.columns.slice(3).map(({ name }) => [table.column(name).at(0), table.column(name).at(1)]),
    ).toEqual([
      [0.07, 0.8],
      [54, 93.25],
      [-0.5, 0.0015],
    ])
    expect([0, 1].map(table.text('unique').at)).toEqual(['c', 'a,b'])
  })

  test('may have semicolons between columns, and decimal points', async () => {
    await importText(`arch;params-M;"cifar10-valid/x-valid/12/mean(111,777)"\n${RESNET};0.8;40.5\n${SKIP};0.07;50\n`)
    const table = await openTable('small', { folders: [folder] })
    expect([0, 1].map(table.column('params-M').at)).toEqual([0.07, 0.8])
  })

  test('has the separator by which the column of architectures is found, whatever the other names contain', async () => {
    const mapping = await readMapping(write('arch: cell\nignore: ["a,b,c,d"]\n'))
    // Only the header decides: the values have more commas than semicolons.
    await importText(`params-M;unique;arch\n0,8;a,b,c,d,e;${RESNET}\n0,07;f,g,h,i,j;${SKIP}\n`)
    const [small, large] = [0, 1].map((await openTable('small', { folders: [folder] })).column('params-M').at)
    expect([small, large]).toEqual([0.07, 0.8])
    await importText(`cell;a,b,c,d;params-M\n${RESNET};x;0,8\n`, mapping)
    expect((await openTable('small', { folders: [folder] })).column('params-M').at(0)).toBe(0.8)
  })

  test('records the seeds of a column of means', async () => {
    const manifest = await importText(`arch,"cifar10-valid/x-valid/12/mean(111,777)"\n${SKIP},40\n`)
    expect(manifest.columns.at(-1)).toMatchObject({ name: 'cifar10-valid/x-valid/12/mean', seeds: [111, 777] })
  })
})

describe('a CSV file is refused, and the earlier table stays, where', () => {
  test.each([
    ['it is empty', '', 'is empty'],
    ['it has no arch column', 'index,params-M\n1,2\n', 'has no column "arch"'],
    ['a column is unknown', 'arch,mystery column\na,1\n', 'unknown column "mystery column"'],
    ['two columns are the same', 'arch,params-M,params-M\na,1,2\n', 'two columns are "params-M"'],
    [
      'a line is short',
      `${HEADER}\n1835,${SKIP},54.3\n`,
      'is no CSV table: line 2: 3 cells where the header has 4; expected a header',
    ],
    [
      'a quote stands in a cell',
      `${HEADER}\n1835,x "${SKIP}",54.3,0.1\n`,
      'line 2: a quote is inside of a cell; put the whole cell in quotes',
    ],
    [
      'a quote is not closed',
      `${HEADER}\n1835,"${SKIP},54.3,0.1\n`,
      'line 2: a cell in quotes does not end; add the missing "',
    ],
    [
      'it is a page of text',
      '# Title\n\nA text, with, commas.\n',
      'is no table: its first line is "# Title"; expected a CSV file with a header',
    ],
    ['a number is NaN', `${HEADER}\n1835,${SKIP},NaN,0.1\n`, 'line 2: cifar10/ori-test/200/777 is "NaN"'],
    ['a number is infinite', `${HEADER}\n1835,${SKIP},54,Infinity\n`, 'line 2: params-M is "Infinity"'],
    ['a number has thousands', `${HEADER}\n1835,${SKIP},"1,000",0.1\n`, 'is "1,000", not a number'],
    ['a number has a sign of percent', `${HEADER}\n1835,${SKIP},54 %,0.1\n`, 'is "54 %", not a number'],
    ['a number is of another base', `${HEADER}\n1835,${SKIP},0x10,0.1\n`, 'is "0x10", not a number'],
    ['an index is missing', `${HEADER}\n,${SKIP},54,0.1\n`, 'line 2: no index'],
    ['an architecture is missing', `${HEADER}\n1835, ,54,0.1\n`, 'line 2: no architecture string'],
    [
      'accuracies look like fractions',
      `${HEADER}\n1835,${SKIP},0.54,0.1\n`,
      'no accuracy of cifar10/ori-test/200/777 is above 0.54; say in a mapping whether each is a fraction',
    ],
    ['a size is negative', `${HEADER}\n1835,${SKIP},54,-1\n`, 'params-M is -1; leave it empty'],
    ['a training took no time', `arch,train-seconds:cifar10/12\n${SKIP},0\n`, 'is 0; leave it empty where'],
    ['an accuracy is above 100', `${HEADER}\n1835,${SKIP},101,0.1\n`, 'not in 0 … 100 %'],
    ['an architecture is malformed', `${HEADER}\n1835,|none~0|,54,0.1\n`, 'line 2: architecture "|none~0|"'],
    ['index and architecture disagree', `${HEADER}\n7,${SKIP},54,0.1\n`, 'is #1835 of nb201, found index 7'],
    ['an architecture stands twice', `${HEADER}\n1835,${SKIP},54,0.1\n1835,${SKIP},55,0.1\n`, 'is there already'],
  ])('%s', async (_, content, message) => {
    await importText(`arch,params-M\n${RESNET},0.8\n`, undefined, 'kept')
    const before = readFileSync(join(folder, 'kept.arrow'))
    await expect(importText(content, undefined, 'kept')).rejects.toThrow(message)
    expect(readFileSync(join(folder, 'kept.arrow'))).toEqual(before)
    expect(readdirSync(folder).filter((file) => file.endsWith('.tmp'))).toEqual([])
  })

  test.each([
    ['an Arrow file', 'ARROW1\0\0', 'is an Arrow file'],
    ['one record', 'BZh91AY', 'is one bzip2 file'],
    ['of no known format', Uint8Array.of(1, 0, 2, 0), 'has no format that is known'],
  ])('it is %s', async (_, content, message) => {
    await expect(importText(content)).rejects.toThrow(message)
  })

  test('its gzip stream is cut off', async () => {
    const whole = gzipSync(`${HEADER}\n${`1835,${SKIP},54.3,0.07\n`.repeat(1)}`)
    await expect(importText(whole.subarray(0, whole.length - 12))).rejects.toThrow('cannot be read to its end')
  })

  test('architectures are missing and --partial is not given', async () => {
    const source = write(`${HEADER}\n1835,${SKIP},54.3,0.07\n`)
    const attempt = importTable(source, { as: 'part', space, folder, isolated: false })
    await expect(attempt).rejects.toThrow(
      'holds 1 architecture, nb201 has 15625; missing #0, #1, #2, … (15624); --partial imports what is there',
    )
    expect(existsSync(join(folder, 'part.arrow'))).toBe(false)
  })

  test('it does not exist', async () => {
    await expect(importTable('/nowhere/x.csv', { as: 'x', space, folder, isolated: false })).rejects.toThrow(
      'does not exist',
    )
  })

  test.each([
    ['semicolons', ';'],
    ['tabs', '\t'],
  ])('it has both decimal commas and points, between %s', async (_, separator) => {
    const lines = [`arch${separator}params-M`, `${RESNET}${separator}0,8`, `${SKIP}${separator}1.234`]
    await expect(importText(lines.join('\n'))).rejects.toThrow('has both "0,8" (line 2) and "1.234" (line 3)')
    const thousands = [`arch${separator}params-M`, `${RESNET}${separator}1.234,5`]
    await expect(importText(thousands.join('\n'))).rejects.toThrow('line 2: params-M is "1.234,5", not a number')
  })

  test('it has quoted decimal commas and commas between columns', async () => {
    await expect(importText(`arch,params-M\n${RESNET},"0,8"\n`)).rejects.toThrow(
      'line 2: params-M is "0,8", not a number (decimal commas are read where semicolons or tabs separate the columns)',
    )
  })

  test('its text is in UTF-16', async () => {
    await expect(importText(Buffer.from(`\ufeffarch,params-M\n${RESNET},1\n`, 'utf16le'))).rejects.toThrow(
      'is text in UTF-16; save it in UTF-8',
    )
  })

  test('it is not a file', async () => {
    const made = join(folder, 'pipe')
    execFileSync('mkfifo', [made])
    await expect(importTable(made, { as: 'x', space, folder, isolated: false })).rejects.toThrow('pipe is not a file')
  })

  test('the mapping says that its accuracies are fractions, and they are not', async () => {
    const mapping = await readMapping(write('accuracies: fraction'))
    await expect(importText(`${HEADER}\n1835,${SKIP},54,0.1\n`, mapping)).rejects.toThrow(
      'accuracy 54 of cifar10/ori-test/200/777 is not a fraction of 1',
    )
  })

  test('the mapping is of another space', async () => {
    const mapping = await readMapping(write('space: darts'))
    await expect(importText(`${HEADER}\n`, mapping)).rejects.toThrow(
      'the mapping is of space darts, the table of nb201',
    )
  })

  test('an architecture of a space without numbering is malformed, or occurs twice', async () => {
    const read = (lines: string) =>
      importTable(write(`arch,params-M\n${lines}\n`), {
        as: 'cells',
        space: spaceIndex(darts),
        folder,
        isolated: false,
      })
    await expect(read('nonsense,1')).rejects.toThrow('line 2: unknown genotype "nonsense"')
    await expect(read('DARTS_V2,1\nDARTS_V2,2')).rejects.toThrow('is there already')
  })

  test('the name of the table is malformed', async () => {
    await expect(importTable('/nowhere/x.csv', { as: '../x', space, folder })).rejects.toThrow('is not a table name')
  })
})

describe('the unit of accuracies (fractions or percent) is decided by column:', () => {
  const [VALID, TEST] = ['cifar10-valid/x-valid/200/777', 'cifar10/ori-test/200/777']
  const both = `arch,${VALID},${TEST}\n${RESNET},0.866,93.5\n${SKIP},0.5,54.3\n`
  const mapped = async (mapping: string, content = both) => {
    await importText(content, await readMapping(write(mapping)))
    const table = await openTable('small', { folders: [folder] })
    return [VALID, TEST].map((name) => [0, 1].map(table.column(name).at))
  }

  test('a column of fractions beside percentages is refused, with its name and what to write in a mapping', async () => {
    await expect(importText(both)).rejects.toThrow(
      `no accuracy of ${VALID} is above 0.866; say in a mapping whether each is a fraction of 1 or in percent: ` +
        `{accuracies: {${VALID}: fraction}}`,
    )
  })

  test.each([
    ['by its name', `accuracies: {${VALID}: fraction}`],
    ['by the beginning of its name', 'accuracies: {cifar10-valid: fraction}'],
    ['by the longest beginning', 'accuracies: {cifar10-valid: percent, cifar10-valid/x-valid: fraction}'],
  ])('a mapping says it %s', async (_, mapping) => {
    expect(await mapped(mapping)).toEqual([
      [50, 86.6],
      [54.3, 93.5],
    ])
  })

  test('a mapping can use the column name of the source', async () => {
    const source = `arch,val,${TEST}\n${RESNET},0.866,93.5\n${SKIP},0.5,54.3\n`
    const mapping = `columns: {val: ${VALID}}\naccuracies: {val: fraction}`
    expect((await mapped(mapping, source))[0]).toEqual([50, 86.6])
  })

  test('a column of percentages below 1 is kept if the mapping says so', async () => {
    expect((await mapped(`accuracies: {${VALID}: percent}`))[0]).toEqual([0.5, 0.866])
  })

  test('a column with a value above 1 is in percent, also where others are those of guessing', async () => {
    const guesses = 'ImageNet16-120/x-test/200/777'
    await importText(`arch,${guesses}\n${RESNET},0.2\n${SKIP},46.7\n`)
    expect((await openTable('small', { folders: [folder] })).column(guesses).at(1)).toBe(0.2)
  })

  test.each([
    [TEST, 0.91, 94.2],
    [TEST, 0.999, 100],
    [VALID, 0.1, 10.5],
    [TEST, 0.96, 95],
    ['photos/x-test/200/777', 0.7, 99],
  ])('a column of percentages with a fraction among them is refused: %s with %d and %d', async (name, low, high) => {
    const content = `arch,${name}\n${RESNET},${low}\n${SKIP},${high}\n`
    await expect(importText(content)).rejects.toThrow(
      `${name} has accuracies up to ${high}, and 1 value that may be a fraction of 1, as ${low}; correct the source`,
    )
    await importText(content, await readMapping(write(`accuracies: {${name}: percent}`)))
    expect((await openTable('small', { folders: [folder] })).column(name).at(1)).toBe(low)
  })

  test('a column of zeros needs no unit', async () => {
    await importText(`arch,${TEST}\n${RESNET},0\n${SKIP},0\n`)
    expect((await openTable('small', { folders: [folder] })).column(TEST).at(0)).toBe(0)
  })

  test.each([
    [
      'a column of percentages is said to be of fractions',
      `accuracies: {${VALID}: percent, ${TEST}: fraction}`,
      'accuracy 54.3 of cifar10/ori',
    ],
    ['all columns are said to be of fractions and one is not', 'accuracies: fraction', 'accuracy 54.3 of cifar10/ori'],
    ['it names a column that the source lacks', 'accuracies: {cifar100: fraction}', 'has no accuracies "cifar100"'],
    ['a unit is unknown', `accuracies: {${TEST}: permille}`, `unknown accuracies.${TEST} in`],
  ])('it is refused where %s', async (_, mapping, message) => {
    await expect(mapped(mapping)).rejects.toThrow(message)
  })
})

describe('a mapping is refused where', () => {
  test.each([
    ['it is not YAML', 'a: [', 'is not YAML'],
    ['it has an unknown key', 'colums: {}', 'line 1: "colums"; did you mean "columns"?'],
    ['it has no entries', '# arch: cell', 'has no settings; expected names with values, as in "arch: COLUMN"'],
    ['a value has the wrong form', 'ignore: 3', 'ignore'],
  ])('%s', async (_, content, message) => {
    await expect(readMapping(write(content))).rejects.toThrow(message)
  })

  test('it names a column that the file does not have', async () => {
    const mapping = await readMapping(write('ignore: [comments]'))
    await expect(importText(`${HEADER}\n`, mapping)).rejects.toThrow('has no column "comments"')
  })
})
