/** Renders the page of a report: one HTML file that works without a server or a network. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { grouped, printable } from '../../core/plainText.ts'
import { type Cell, cellText, exactText, isWords, type Tabular } from '../formats/tabular.ts'
import { escaped } from '../pictures/drawingSvg.ts'
import type { Figure } from '../pictures/figure.ts'
import { fontFiles } from '../pictures/theme.ts'
import type { RunRecord } from '../runRecord.ts'
import { figureData, figureHtml } from './figureHtml.ts'
import { configurationsOf, reproducibilityList, runsTable } from './reproducibility.ts'

/** Largest number of runs that a report's page lists one by one; of more runs it gives only the number. */
const MOST_LISTED = 200

export interface PageContent {
  readonly title: string
  readonly runs: readonly RunRecord[]
  readonly tables: readonly { readonly title: string; readonly table: Tabular }[]
  readonly figures: readonly { readonly title: string; readonly figure: Figure }[]
}

/** Returns the HTML of a report's page. */
export function renderPage({ title, runs, tables, figures }: PageContent): string {
  const sections = [
    ...tables.map((entry, i) => section(`table-${i}`, entry.title, tableHtml(entry.table))),
    ...figures.map((entry, i) => section(entry.figure.name, entry.title, figureHtml(entry.figure, i))),
    section('runs', 'Runs', `${listing(runs)}${configurations(runs)}`),
    section('reproducibility', 'Reproducibility', definitions(reproducibilityList(runs))),
  ]
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(title)}</title>`,
    `<style>${fontFaces()}${asset('style.css')}</style></head><body><main>`,
    `<header><h1>${escaped(title)}</h1><button type="button" id="theme">Light or dark</button></header>`,
    `<nav>${sections.map(({ id, title: name }) => `<a href="#${id}">${escaped(name)}</a>`).join('')}</nav>`,
    ...sections.map(({ html }) => html),
    '</main>',
    `<script type="application/json" id="figures">${json(figures.map(({ figure }) => figureData(figure)))}</script>`,
    `<script>${chartLibrary()}</script>`,
    `<script>${asset('client.js')}</script>`,
    '</body></html>\n',
  ].join('\n')
}

function section(id: string, title: string, content: string) {
  return { id, title, html: `<section id="${id}"><h2>${escaped(title)}</h2>\n${content}</section>` }
}

const definitions = (terms: readonly (readonly [string, string])[]) =>
  `<dl>${terms.map(([term, text]) => `<dt>${escaped(term)}</dt><dd>${escaped(text)}</dd>`).join('\n')}</dl>`

const listing = (runs: readonly RunRecord[]): string =>
  runs.length <= MOST_LISTED ? tableHtml(runsTable(runs)) : `<p>${grouped(runs.length)} runs.</p>`

const configurations = (runs: readonly RunRecord[]): string =>
  `<h3>Configurations</h3>${configurationsOf(runs)
    .map(
      ({ title, job }) =>
        `<details><summary>${escaped(title)}</summary><pre>${escaped(JSON.stringify(job, null, 2))}</pre></details>`,
    )
    .join('\n')}`

/** Returns a value as JSON that can stand inside an HTML script element, with `<` escaped. */
const json = (value: unknown): string => printable(JSON.stringify(value)).replaceAll('<', '\\u003c')

const asset = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

function chartLibrary(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('chart.js'))
  return readFileSync(join(folder, 'chart.umd.min.js'), 'utf8').replace(/\/\/# sourceMappingURL=.*/, '')
}

const fontFaces = (): string =>
  fontFiles()
    .map(({ family, weight, bytes }) => {
      const source = `url(data:font/woff2;base64,${bytes.toString('base64')}) format("woff2")`
      return `@font-face{font-family:"${family}";font-weight:${weight};src:${source}}`
    })
    .join('\n')

/** Length in characters above which a text in a table gets an HTML class with which it may be broken into lines. */
const LONG = 60

/** Returns a table as HTML, which the page's script makes sortable. */
function tableHtml({ columns, rows, notes }: Tabular): string {
  const words = columns.map((_, i) => isWords(rows.map((row) => row[i]).filter(({ kind }) => kind !== 'absent')))
  const head = columns.map(
    ({ title }, i) => `<th${words[i] ? ' class="words"' : ''}><button type="button">${escaped(title)}</button></th>`,
  )
  const body = rows.map((row) => `<tr>${row.map((cell, i) => cellHtml(cell, words[i])).join('')}</tr>`)
  const table = `<table><thead><tr>${head.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table>`
  return `<div class="scroll">${table}</div>${notes.map((note) => `<p class="note">${escaped(note)}</p>`).join('')}`
}

function cellHtml(cell: Cell, words: boolean): string {
  const text = cellText(cell)
  const classes = [
    ...(words ? ['words'] : []),
    ...(cell.kind === 'statistic' && cell.best ? ['best'] : []),
    ...(text.length > LONG ? ['long'] : []),
  ]
  const name = classes.length > 0 ? ` class="${classes.join(' ')}"` : ''
  return `<td${name} data-value="${escaped(exactText(cell))}">${escaped(text)}</td>`
}
