/**
 * Renders the HTML page of a report: one file that works without a server or a network. It begins with the main
 * results; figures, tables, and the information needed to repeat the runs follow.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { grouped, printable } from '../../core/plainText.ts'
import { compare } from '../comparison/comparison.ts'
import { matrixTable, type PairwiseMatrix, pairwiseMatrices } from '../comparison/pairwiseTable.ts'
import { areRetrained } from '../comparison/retrainedRuns.ts'
import type { Tabular } from '../formats/tabular.ts'
import { escaped } from '../pictures/drawingSvg.ts'
import type { Figure } from '../pictures/figure.ts'
import { fontFiles } from '../pictures/theme.ts'
import type { PlannedRuns } from '../plannedRuns.ts'
import type { RunRecord } from '../runRecord.ts'
import { type Downloads, figureData, figureHtml } from './figureHtml.ts'
import { configurationsOf, reproducibilityList, runsTable } from './reproducibility.ts'
import { summaryOf } from './summary.ts'
import { claimsHtml, copiesOf, matrixHtml, tableHtml } from './tableHtml.ts'

/** Largest number of runs that a report's page lists one by one; of more runs it states only the number. */
const MOST_LISTED = 200

export interface PageContent {
  readonly title: string
  readonly runs: readonly RunRecord[]
  readonly tables: readonly { readonly name: string; readonly title: string; readonly table: Tabular }[]
  readonly figures: readonly { readonly title: string; readonly figure: Figure }[]
  /** Names of the algorithms that answer with a fixed architecture; absent: none. */
  readonly references?: ReadonlySet<string>
  /** The planned runs of the experiment of which some may be missing; absent: not known. */
  readonly planned?: PlannedRuns | undefined
  /** Seconds after which the open page reloads, for runs that are still in progress; absent: it does not reload. */
  readonly refreshSeconds?: number
  /** Downloadable files of each figure, by the figure's name; absent: the page offers none. */
  readonly downloads?: Readonly<Record<string, Downloads>>
}

interface Section {
  readonly id: string
  readonly title: string
  readonly html: string
}

/** Name of the figure that is shown alone directly below the main results. */
const FIRST_FIGURE = 'accuracies'

/** Returns the HTML of a report's page. */
export function renderPage(content: PageContent): string {
  const { title, runs, tables, figures, references = new Set<string>(), planned, downloads = {} } = content
  const { refreshSeconds } = content
  const figureSections = figures.map(({ title: name, figure }, i) =>
    section(figure.name, name, figureHtml(figure, i, Object.keys(downloads[figure.name] ?? {}))),
  )
  const isTested = tables.some(({ name }) => name === 'tests') && !areRetrained(runs)
  const matrices = isTested ? pairwiseMatrices(compare(runs, { mix: true }), references) : []
  const tableSections = tables.map((entry) => section(entry.name, entry.title, tableContent(entry, runs, matrices)))
  const isFirst = ({ id }: Section) => id === FIRST_FIGURE
  const claims = tables.find(({ name }) => name === 'claims')?.table
  const parts: readonly (readonly [className: string, sections: readonly Section[]])[] = [
    ['', [section('summary', 'At a glance', answersHtml(summaryOf(runs, references, { claims, planned })))]],
    ['', figureSections.filter(isFirst)],
    ['figures', figureSections.filter((each) => !isFirst(each))],
    // The table of claims is long, and its first panel already counts the verdicts.
    ['', tableSections.filter(({ id }) => id === 'claims')],
    ['', tableSections.filter(({ id }) => id !== 'claims')],
    [
      '',
      [
        section('runs', 'Runs', `${listing(runs)}${configurations(runs)}`),
        section('reproducibility', 'Reproducibility', definitions(reproducibilityList(runs))),
      ],
    ],
  ]
  const sections = parts.flatMap(([, own]) => own)
  const copies = allCopies(tables, runs, matrices)
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(title)}</title>`,
    `<style>${fontFaces()}${asset('style.css')}</style></head><body>`,
    `<header><h1>${escaped(title)}</h1><button type="button" id="theme">Light or dark</button></header>`,
    `<nav aria-label="Contents">${sections.map(({ id, title: name }) => `<a href="#${id}">${escaped(name)}</a>`).join('')}</nav>`,
    '<main>',
    ...parts.flatMap(([className, own]) => {
      const html = own.map((each) => each.html)
      return className === '' || own.length === 0 ? html : [`<div class="${className}">`, ...html, '</div>']
    }),
    '</main>',
    script(
      'figures',
      figures.map(({ figure }) => figureData(figure)),
    ),
    script('copies', copies),
    script('downloads', downloads),
    `<script>${chartLibrary()}</script>`,
    `<script>${asset('client.js')}</script>`,
    ...(refreshSeconds === undefined ? [] : [refreshing(refreshSeconds)]),
    '</body></html>\n',
  ].join('\n')
}

/** Returns the script that reloads an open page after some seconds; browsers keep the scroll position. */
const refreshing = (seconds: number): string =>
  `<script>setTimeout(() => location.reload(), ${Math.round(1000 * seconds)})</script>`

function section(id: string, title: string, content: string): Section {
  const anchor = `<a class="anchor" href="#${id}" aria-label="Link to ${escaped(title)}">#</a>`
  return { id, title, html: `<section id="${id}"><h2>${escaped(title)}${anchor}</h2>\n${content}</section>` }
}

/** Returns the HTML of a table's section. Paired tests are shown as a matrix, with the table collapsed below it. */
function tableContent(
  { name, table }: PageContent['tables'][number],
  runs: readonly RunRecord[],
  matrices: readonly PairwiseMatrix[],
): string {
  const html = tableHtml(table, name)
  if (name === 'claims') return claimsHtml(table, name)
  if (name === 'median') return folded('Medians and interquartile ranges', html)
  if (name !== 'tests' || areRetrained(runs)) return html
  const hasValues = matrices.some(({ cells }) => cells.some((row) => row.some((cell) => (cell?.p ?? 1) < 1)))
  const about = hasValues ? ' Small: Wilcoxon’s p after Holm’s correction, where it is below 1.' : ''
  return [
    `<p class="note">Mean difference of the row’s search minus the column’s, in points; * significant at 5 %.${about}</p>`,
    ...matrices.slice(0, 1).map((matrix, i) => matrixHtml(matrix, matrices.length > 1, matrixName(i))),
    ...matrices.slice(1).map((matrix, i) => folded(matrix.title, matrixHtml(matrix, false, matrixName(i + 1)))),
    folded('Every search against the best one, with p-values', html),
  ].join('\n')
}

/** Name of a matrix of tests by its position, by which the page's script finds the texts to copy. */
const matrixName = (position: number): string => `tests-matrix-${position}`

/** Returns the texts that the copy buttons of all tables copy, by the table's name and format. */
function allCopies(tables: PageContent['tables'], runs: readonly RunRecord[], matrices: readonly PairwiseMatrix[]) {
  return Object.fromEntries([
    ...tables.map(({ name, table }) => [name, copiesOf(table)] as const),
    ...matrices.map((matrix, i) => [matrixName(i), copiesOf(matrixTable(matrix))] as const),
    ...(runs.length <= MOST_LISTED ? [['runs-list', copiesOf(runsTable(runs))] as const] : []),
  ])
}

const folded = (summary: string, html: string): string =>
  `<details><summary>${escaped(summary)}</summary>${html}</details>`

const answersHtml = (answers: ReturnType<typeof summaryOf>): string =>
  `<dl class="answers">${answers
    .map(([term, sentences]) => `<dt>${escaped(term)}</dt><dd>${sentences.map(escaped).join('<br>')}</dd>`)
    .join('\n')}</dl>`

const definitions = (terms: readonly (readonly [string, string])[]) =>
  `<dl>${terms.map(([term, text]) => `<dt>${escaped(term)}</dt><dd>${escaped(text)}</dd>`).join('\n')}</dl>`

const listing = (runs: readonly RunRecord[]): string =>
  runs.length <= MOST_LISTED
    ? folded(
        runs.length === 1 ? 'The run' : `All ${grouped(runs.length)} runs`,
        tableHtml(runsTable(runs), 'runs-list'),
      )
    : `<p>${grouped(runs.length)} runs.</p>`

const configurations = (runs: readonly RunRecord[]): string =>
  `<h3>Configurations</h3>${configurationsOf(runs)
    .map(({ title, job }) => folded(title, `<pre>${escaped(JSON.stringify(job, null, 2))}</pre>`))
    .join('\n')}`

/** Returns an HTML script element that holds data as JSON, in which `<` is escaped. */
const script = (id: string, value: unknown): string =>
  `<script type="application/json" id="${id}">${printable(JSON.stringify(value)).replaceAll('<', '\\u003c')}</script>`

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
