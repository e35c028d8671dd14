import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { probes } from '../../src/analysis/probes/index.ts'
import { builtins } from '../../src/builtins.ts'
import { figureKinds } from '../../src/report/figures/index.ts'

const rowsOf = (page: string): string[] =>
  readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))

/** Returns the row of a table whose first cell has the name. */
const rowOf = (page: string, name: string): string | undefined =>
  rowsOf(page).find((row) => row.split(' | ')[0].includes(`\`${name}\``))

test.each(probes.map(({ name, options }) => ({ name, options })))(
  'docs/reports.md describes the probe $name with its options',
  ({ name, options }) => {
    const row = rowOf('reports', name)
    expect(row).toBeDefined()
    for (const option of options) expect(row).toContain(`\`${option}=`)
  },
)

test.each(builtins.scores ?? [])('docs/scores.md describes the score $name', ({ name, better }) => {
  expect(rowOf('scores', name)).toMatch(new RegExp(` \\| ${better} \\|$`))
})

test.each(Object.keys(figureKinds))('docs/reports.md names the figure %s', (kind) => {
  expect(readFileSync(new URL('../../docs/reports.md', import.meta.url), 'utf8')).toContain(`\`${kind}\``)
})
