import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { parseTableFormat, renderTable, TABLE_FORMATS } from '../../../src/report/formats/renderTable.ts'
import type { Tabular } from '../../../src/report/formats/tabular.ts'

const table: Tabular = {
  columns: [
    { title: 'algorithm', key: 'algorithm' },
    { title: 'CIFAR-10 test', key: 'cifar10 test' },
    { title: 'runs', key: 'runs' },
  ],
  rows: [
    [
      { kind: 'text', text: 'drnas' },
      { kind: 'statistic', mean: 94.3633, std: 0.0123, n: 4, digits: 2, best: true },
      { kind: 'number', value: 4, digits: 0 },
    ],
    [
      { kind: 'text', text: 'a|b & 50%, "x"' },
      { kind: 'statistic', mean: 54.3, n: 1, digits: 2 },
      { kind: 'number', value: 1, digits: 0 },
    ],
    [{ kind: 'text', text: 'setn' }, { kind: 'absent' }, { kind: 'number', value: 0, digits: 0 }],
  ],
  notes: ['CIFAR-10 test: cifar10/ori-test/200/mean, in %', '± sample standard deviation (ddof 1)'],
}

test('a quantity is its number and its unit for programs, and one text for people', () => {
  const costs: Tabular = {
    columns: [{ title: 'Cost', key: 'cost' }],
    rows: [[{ kind: 'quantity', value: 0.41666, unit: 'GPU days', digits: 2 }], [{ kind: 'absent' }]],
    notes: [],
  }
  expect(renderTable(costs, 'csv')).toBe('cost value,cost unit\n0.41666,GPU days\n,\n')
  expect(JSON.parse(renderTable(costs, 'json')).rows).toEqual([
    { cost: { value: 0.41666, unit: 'GPU days' } },
    { cost: null },
  ])
  for (const format of ['text', 'md', 'latex'] as const) expect(renderTable(costs, format)).toContain('0.42 GPU days')
})

describe('one table, in every format', () => {
  test('aligned text', () => {
    expect(renderTable(table, 'text')).toMatchInlineSnapshot(`
      "algorithm       CIFAR-10 test  runs
      ───────────────────────────────────
      drnas            94.36 ± 0.01     4
      a|b & 50%, "x"      54.30 ± —     1
      setn                        —     0

      CIFAR-10 test: cifar10/ori-test/200/mean, in %
      ± sample standard deviation (ddof 1)
      "
    `)
  })

  test('text that a narrow terminal breaks into blocks, each with the first column', () => {
    expect(renderTable({ ...table, notes: [] }, 'text', 32)).toMatchInlineSnapshot(`
      "algorithm       CIFAR-10 test
      ─────────────────────────────
      drnas            94.36 ± 0.01
      a|b & 50%, "x"      54.30 ± —
      setn                        —

      algorithm       runs
      ────────────────────
      drnas              4
      a|b & 50%, "x"     1
      setn               0
      "
    `)
  })

  test('text in one block where a column is too wide for any', () => {
    expect(renderTable(table, 'text', 20)).toContain('algorithm       CIFAR-10 test  runs\n')
    expect(renderTable(table, 'text', 28)).toContain('algorithm       CIFAR-10 test  runs\n')
  })

  test('Markdown', () => {
    expect(renderTable(table, 'md')).toMatchInlineSnapshot(`
      "| algorithm | CIFAR-10 test | runs |
      | :-- | --: | --: |
      | drnas | **94.36 ± 0.01** | 4 |
      | a\\|b & 50%, "x" | 54.30 ± — | 1 |
      | setn | — | 0 |

      CIFAR-10 test: cifar10/ori-test/200/mean, in %  
      ± sample standard deviation (ddof 1)
      "
    `)
  })

  test('CSV keeps all digits and leaves unknown values empty', () => {
    expect(renderTable(table, 'csv')).toMatchInlineSnapshot(`
      "algorithm,cifar10 test mean,cifar10 test std,cifar10 test n,runs
      drnas,94.3633,0.0123,4,4
      "a|b & 50%, ""x""",54.3,,1,1
      setn,,,,0
      "
    `)
  })

  test('JSON has null for an unknown value', () => {
    expect(JSON.parse(renderTable(table, 'json'))).toEqual({
      rows: [
        { algorithm: 'drnas', 'cifar10 test': { mean: 94.3633, std: 0.0123, n: 4, best: true }, runs: 4 },
        { algorithm: 'a|b & 50%, "x"', 'cifar10 test': { mean: 54.3, std: null, n: 1 }, runs: 1 },
        { algorithm: 'setn', 'cifar10 test': null, runs: 0 },
      ],
      notes: table.notes,
    })
  })

  test('JSON marks published rows', () => {
    const published = { ...table, apart: 1 }
    const { rows } = JSON.parse(renderTable(published, 'json'))
    expect(rows.map((row: object) => 'published' in row && row.published)).toEqual([false, false, true])
  })

  test('LaTeX writes the title of a group of columns once, and a rule before published rows', () => {
    const number = { kind: 'number', value: 94.4, digits: 1 } as const
    const grouped: Tabular = {
      columns: [
        { title: 'Method', key: 'method' },
        { title: 'CIFAR-10 validation', key: 'v', within: ['CIFAR-10', 'validation'] },
        { title: 'CIFAR-10 test', key: 't', within: ['CIFAR-10', 'test'] },
        { title: 'shapes test', key: 's', within: ['shapes', 'test'] },
      ],
      rows: ['drnas', 'DrNAS †'].map((text) => [{ kind: 'text', text }, number, number, number]),
      apart: 1,
      notes: [],
    }
    expect(renderTable(grouped, 'latex')).toMatchInlineSnapshot(`
      "% needs \\usepackage{booktabs}
      \\begin{tabular}{lrrr}
        \\toprule
         & \\multicolumn{2}{c}{CIFAR-10} & \\multicolumn{1}{c}{shapes} \\\\
        \\cmidrule(lr){2-3} \\cmidrule(lr){4-4}
        Method & validation & test & test \\\\
        \\midrule
        drnas & $94.4$ & $94.4$ & $94.4$ \\\\
        \\midrule
        DrNAS $^\\dagger$ & $94.4$ & $94.4$ & $94.4$ \\\\
        \\bottomrule
      \\end{tabular}
      "
    `)
  })

  test('LaTeX with booktabs, special characters escaped', () => {
    expect(renderTable(table, 'latex')).toMatchInlineSnapshot(`
      "% CIFAR-10 test: cifar10/ori-test/200/mean, in %
      % ± sample standard deviation (ddof 1)
      % needs \\usepackage{booktabs}
      \\begin{tabular}{lrr}
        \\toprule
        algorithm & CIFAR-10 test & runs \\\\
        \\midrule
        drnas & $\\mathbf{94.36 \\pm 0.01}$ & $4$ \\\\
        a\\textbar{}b \\& 50\\%, "x" & $54.30 \\pm \\textrm{---}$ & $1$ \\\\
        setn & --- & $0$ \\\\
        \\bottomrule
      \\end{tabular}
      "
    `)
  })

  test('an unknown format gets the nearest one suggested', () => {
    expect(() => parseTableFormat('latx')).toThrow(
      'unknown format "latx"; did you mean "latex"? (known: text, md, csv, json, latex)',
    )
  })

  test('a row of another length is refused', () => {
    expect(() => renderTable({ ...table, rows: [[{ kind: 'absent' }]] }, 'text')).toThrow(
      '1 cells, the table 3 columns',
    )
  })
})

test('a p-value is never printed as 0: text says < 0.001, CSV and JSON have all digits', () => {
  const p = (value: number) => [{ kind: 'number' as const, value, digits: 3, positive: true }]
  const small = { columns: [{ title: 'p', key: 'p' }], rows: [p(4e-50), p(0.0004), p(0.0006)], notes: [] }
  expect(
    renderTable(small, 'text')
      .trim()
      .split(/ *\n */),
  ).toEqual(['p', '───────', '< 0.001', '< 0.001', '0.001'])
  expect(renderTable(small, 'latex')).toContain('$< 0.001$')
  expect(renderTable(small, 'csv')).toBe('p\n4e-50\n0.0004\n0.0006\n')
})

describe('architecture strings and names of plugins', () => {
  const odd: Tabular = {
    columns: [{ title: 'Architecture', key: 'architecture' }],
    rows: ['|none~0|+|none~0|none~1|', '<b>*bold*</b>', 'p < 0.001'].map((text) => [{ kind: 'text', text }]),
    notes: [],
  }

  test('stay as they are in Markdown', () => {
    const [, , ...rows] = renderTable(odd, 'md').trimEnd().split('\n')
    expect(rows).toEqual(['| \\|none\\~0\\|+\\|none\\~0\\|none\\~1\\| |', '| \\<b>\\*bold\\*\\</b> |', '| p < 0.001 |'])
  })

  test('and in LaTeX, whatever its font encoding', () => {
    const latex = renderTable(odd, 'latex')
    expect(latex).toContain('\\textbar{}none\\textasciitilde{}0\\textbar{}+')
    expect(latex).toContain('\\textless{}b\\textgreater{}*bold*')
  })
})

describe('texts that a terminal or a format would interpret', () => {
  const hostile = '\u001b[2J\u009b31m\u202e\r\n\u0000'
  const everywhere: Tabular = {
    columns: [{ title: `Title ${hostile}`, key: `key ${hostile}`, within: [`group ${hostile}`, `part ${hostile}`] }],
    rows: [[{ kind: 'text', text: `cell ${hostile}` }]],
    notes: [`note ${hostile}`],
  }
  test.each(TABLE_FORMATS)('control characters are written out, in names, cells and notes: %s', (format) => {
    const text = renderTable(everywhere, format)
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
    // A line break within a cell or a note would begin another row, or end a comment.
    const plain: Tabular = {
      columns: [{ title: 'a', key: 'a', within: ['b', 'c'] }],
      rows: [[{ kind: 'text', text: 'd' }]],
      notes: ['e'],
    }
    if (format !== 'text') expect(text.split('\n')).toHaveLength(renderTable(plain, format).split('\n').length)
  })

  const cellsOf = (text: string): Tabular => ({
    columns: [{ title: text, key: text }],
    rows: [[{ kind: 'text', text }]],
    notes: [text],
  })
  test.each(['=1+1', '+cmd', '-cmd', '@SUM(A1)', '=HYPERLINK("http://x","y")'])(
    'no cell of a CSV is a formula: %s',
    (text) => {
      const csv = renderTable(cellsOf(text), 'csv')
      for (const line of csv.trimEnd().split('\n')) expect(line).toMatch(/^"'/)
      expect(parse(csv)).toEqual([[`'${text}`], [`'${text}`]])
    },
  )
  test('numbers in a CSV stay numbers, as texts too', () => {
    const number = { kind: 'number', value: -1.5, digits: 1 } as const
    const columns = ['a', 'b'].map((key) => ({ title: key, key }))
    const csv = renderTable({ columns, rows: [[number, { kind: 'text', text: '-2.5' }]], notes: [] }, 'csv')
    expect(csv).toBe('a,b\n-1.5,-2.5\n')
  })

  test.each([
    ['<img src=x>', '\\<img src=x>'],
    ['![here](javascript:x)', '![here\\](javascript:x)'],
    ['[here]: http://x', '[here\\]: http://x'],
    ['[^1]', '\\[^1]'],
    ['93.1 [92.0, 94.2]', '93.1 [92.0, 94.2]'],
    ['&lt;b&gt; & co', '\\&lt;b\\&gt; & co'],
    ['_soft_ skip_connect', '\\_soft\\_ skip_connect'],
    ['# heading', '\\# heading'],
    ['1. item', '1\\. item'],
    ['- item', '\\- item'],
    ['> quotation', '\\> quotation'],
    ['12-epoch accuracies', '12-epoch accuracies'],
  ])('notes in Markdown are text: %s', (text, expected) => {
    expect(renderTable(cellsOf(text), 'md').trimEnd().split('\n').at(-1)).toBe(expected)
  })

  test.each(['[8cm] x', '*'])('no first cell of a LaTeX row is an option of the row above: %s', (text) => {
    const rows = renderTable(cellsOf(text), 'latex')
      .split('\n')
      .filter((line) => line.endsWith('\\\\'))
    expect(rows.map((row) => row.trimStart().slice(0, 2))).toEqual(['{}', '{}'])
  })
})
