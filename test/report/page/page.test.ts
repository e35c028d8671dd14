import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SearchSpace } from '../../../src/core/space.ts'
import { figuresOf, tablesOf } from '../../../src/report/content.ts'
import { cellText } from '../../../src/report/formats/tabular.ts'
import { figureCsv, filesOf } from '../../../src/report/page/figureHtml.ts'
import { renderPage } from '../../../src/report/page/page.ts'
import { matrixHtml } from '../../../src/report/page/tableHtml.ts'
import type { Figure } from '../../../src/report/pictures/figure.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { failedRun, fixtureRuns } from '../fixtureRuns.ts'

/** Debian's package; another one is named by the variable. */
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium'

const runs = [
  ...fixtureRuns(4),
  ...fixtureRuns(3, { algorithm: 'darts-v1', growth: 1.5 }),
  failedRun({ algorithm: 'darts-v1', seed: 3 }),
]
const options = { space: nb201 as unknown as SearchSpace, published: 'drnas-table-4', references: new Set<string>() }

/** The title of a plot that is wider than the plot, even on a large screen. */
const LONG = `a search with many settings (${Array.from({ length: 9 }, (_, i) => `setting${i}=value-${i}`).join(', ')})`

/** As many points as NAS-Bench-201 has architectures. */
const cloud: Figure = {
  name: 'scatter',
  caption: 'fixture',
  columns: 1,
  panels: [
    {
      kind: 'plot',
      title: LONG,
      x: { label: 'x', scale: 'linear' },
      y: { label: 'y', scale: 'linear' },
      series: [
        {
          label: 'cloud',
          look: { colour: 'cloud', dash: [], marker: 'circle' },
          form: 'cloud',
          points: Array.from({ length: 15_625 }, (_, i) => ({ x: i % 125, y: Math.floor(i / 125) })),
        },
      ],
    },
  ],
}

/** Relative luminance of a colour such as `#16181b`, and contrast of two of them (WCAG 2.2). */
const luminance = (colour: string) =>
  [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + [0.2126, 0.7152, 0.0722][i] * value, 0)
const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)

async function page(): Promise<string> {
  const figures = [...(await figuresOf(runs, options)), { title: 'All architectures', figure: cloud }]
  const downloads = Object.fromEntries(figures.slice(0, 2).map(({ figure }) => [figure.name, filesOf(figure)]))
  return renderPage({ title: 'Fixture <report>', runs, tables: tablesOf(runs, options), figures, downloads })
}

describe('the page', () => {
  test('loads nothing from anywhere', async () => {
    const html = await page()
    expect(html.match(/(?:src|href)="(?!#)[^"]*"/g)).toBeNull()
    expect(html.match(/url\((?!data:)[^)]*\)/g)).toBeNull()
  })

  test('cannot be broken by what stands in a title', async () => {
    expect(await page()).toContain('<title>Fixture &lt;report&gt;</title>')
  })

  test('opens with the answers and the accuracies, and has a link to every section', async () => {
    const html = await page()
    const ids = [...html.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id)
    expect(ids.slice(0, 3)).toEqual(['summary', 'accuracies', 'hessian'])
    expect(ids.indexOf('table')).toBeGreaterThan(ids.indexOf('scatter'))
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(html.split(`href="#${id}"`)).toHaveLength(3)
  })

  test('has the numbers of every figure, and the texts of every table, to take along', async () => {
    const figures = await figuresOf(runs, options)
    expect(figures.map(({ figure }) => figure.name)).toEqual(expect.arrayContaining(['accuracies', 'ranks', 'cells']))
    for (const { figure } of figures) expect(figureCsv(figure).split('\n').length, figure.name).toBeGreaterThan(2)
    const accuracies = figures.find(({ figure }) => figure.name === 'accuracies')?.figure as Figure
    const finished = runs.filter(({ result }) => result !== undefined)
    expect(figureCsv(accuracies).match(/^CIFAR-10 test,/gm)).toHaveLength(finished.length)
    const html = await page()
    const offered = [...html.matchAll(/data-copy="([^"]*)"/g)].map(([, name]) => name)
    const copies = JSON.parse(/id="copies">(.*?)<\/script>/s.exec(html)?.[1] ?? '')
    expect(new Set(offered)).toEqual(new Set(Object.keys(copies)))
    expect(offered).toHaveLength(3 * [...html.matchAll(/<div class="scroll"/g)].length)
  })

  test('gives no sign to a difference that rounds to 0, and shows p-values where they are below 1', () => {
    const cell = (difference: number, p: number) => ({ difference, p })
    const cells = [
      [undefined, cell(0.004, 1)],
      [cell(-0.004, 0.0312), undefined],
    ]
    const html = matrixHtml({ title: '', sentence: '', labels: ['a', 'b'], cells }, false, 'm')
    expect(html).toContain('%">0.00</td>')
    expect(html).toContain('%">0.00*<small>0.031</small></td>')
    expect(html).not.toMatch(/[+−-]0\.00/)
    expect(cellText({ kind: 'number', value: -0.004, digits: 2 })).toBe('0.00')
  })

  test('lists every run, the failed one with its message', async () => {
    const html = await page()
    for (const { manifest } of runs) expect(html).toContain(manifest.id)
    expect(html).toContain('failed: fixture failure')
  })
})

describe.skipIf(!existsSync(browserPath))(`in a browser (${browserPath})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  const messages: string[] = []
  let browser: Browser
  let shown: Page

  beforeAll(async () => {
    const path = join(folder, 'report.html')
    writeFileSync(path, await page())
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] })
    shown = await browser.newPage({ viewport: { width: 1200, height: 900 } })
    shown.on('console', (message) => messages.push(message.text()))
    shown.on('pageerror', (error) => messages.push(String(error)))
    await shown.goto(pathToFileURL(path).href)
    await shown.waitForSelector('html[data-drawn]')
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  test('nothing goes wrong on the console', () => expect(messages).toEqual([]))

  test('all of 15,625 points are drawn, and how long it took is said', async () => {
    const points = "Chart.getChart(document.querySelector('#figure-scatter canvas')).getDatasetMeta(0).data.length"
    expect(await shown.evaluate<number>(points)).toBe(15_625)
    expect(Number(await shown.getAttribute('#figure-scatter canvas', 'data-draw-ms'))).toBeGreaterThanOrEqual(0)
  })

  test('a title takes as many lines as the width of its plot needs, and says everything', async () => {
    const plot = "Chart.getChart(document.querySelector('#figure-scatter canvas'))"
    const linesAt = async (width: number) => {
      await shown.setViewportSize({ width, height: 900 })
      await shown.waitForFunction(`${plot}.width <= innerWidth && ${plot}.titleBlock.width <= ${plot}.width`)
      await shown.waitForTimeout(300)
      return shown.evaluate<[string, number, number][]>(
        `(() => { const { ctx, width, options } = ${plot}; const { text, font } = options.plugins.title; ctx.font = font.weight + ' ' + font.size + 'px ' + font.family; return [...text].map((line) => [line, ctx.measureText(line).width, width]) })()`,
      )
    }
    const [wide, narrow] = [await linesAt(1200), await linesAt(420)]
    await shown.setViewportSize({ width: 1200, height: 900 })
    expect(wide.length).toBeGreaterThan(1)
    expect(narrow.length).toBeGreaterThan(wide.length)
    for (const lines of [wide, narrow]) {
      expect(
        lines
          .map(([line]) => line)
          .join('')
          .replaceAll(' ', ''),
      ).toBe(LONG.replaceAll(' ', ''))
      for (const [line, width, most] of lines) expect(width, line).toBeLessThanOrEqual(most)
    }
  })

  test('a logarithmic axis is labelled at 1, 2 and 5 of every decade', async () => {
    const ticks = "Chart.getChart(document.querySelector('#figure-hessian canvas')).scales.y.ticks"
    const labels = await shown.evaluate<string[]>(`${ticks}.map(({ label }) => label)`)
    expect(labels.length).toBeGreaterThan(2)
    for (const label of labels) expect(label).toMatch(/^(0\.0*)?[125]0*$/)
  })

  test('a click on a head sorts by number, a second one the other way round', async () => {
    const column = () =>
      shown.$$eval('#table tbody:first-of-type tr:not(.group)', (rows) =>
        rows.map((row) => Number(row.children[5].getAttribute('data-value'))),
      )
    const head = shown.locator('#table th button').nth(5)
    await head.click()
    const ascending = await column()
    expect(ascending).toEqual([...ascending].sort((a, b) => a - b))
    await head.click()
    expect(await column()).toEqual([...ascending].reverse())
  })

  test('the pointer over a line says which it is', async () => {
    const canvas = shown.locator('#figure-hessian canvas')
    await canvas.scrollIntoViewIfNeeded()
    const chart = "Chart.getChart(document.querySelector('#figure-hessian canvas'))"
    const at = await shown.evaluate<{ x: number; y: number }>(
      `(({ x, y }) => ({ x, y }))(${chart}.getDatasetMeta(0).data[4])`,
    )
    await canvas.hover({ position: at })
    const lines = () => shown.evaluate<string[]>(`(${chart}.tooltip.body ?? []).flatMap(({ lines }) => lines)`)
    await expect.poll(lines).toContain('epoch: 5')
  })

  test('a click in the legend hides the series', async () => {
    const button = shown.locator('#figure-hessian .legend button').first()
    await button.click()
    expect(await button.getAttribute('aria-pressed')).toBe('false')
    await button.click()
    expect(await button.getAttribute('aria-pressed')).toBe('true')
  })

  test('the button changes between light and dark', async () => {
    const paper = () => shown.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    const before = await paper()
    await shown.click('#theme')
    expect(await paper()).not.toBe(before)
  })

  test('a table is copied in each format', async () => {
    await shown.evaluate('navigator.clipboard.writeText = async (text) => { window.copied = text }')
    for (const [label, start] of [
      ['LaTeX', '% '],
      ['Markdown', '| Method |'],
      ['CSV', 'method,seeds'],
    ]) {
      await shown.locator('#table .tools button', { hasText: label }).click()
      await expect.poll(() => shown.evaluate<string>('window.copied')).toContain(start)
    }
  })

  test('a figure is saved as SVG, PDF, PNG, and its numbers as CSV', async () => {
    const starts: Record<string, string> = { SVG: '<svg', PDF: '%PDF', PNG: '\x89PNG', Numbers: 'panel,series' }
    for (const [label, start] of Object.entries(starts)) {
      const [saved] = await Promise.all([
        shown.waitForEvent('download'),
        shown.locator('#hessian .tools button', { hasText: label }).click(),
      ])
      expect(readFileSync(await saved.path(), 'latin1')).toContain(start)
    }
  })

  test('the contents follow the reader to every section, those side by side and the last ones too', async () => {
    const marked = () => shown.$$eval('nav a[aria-current]', (links) => links.map((link) => link.getAttribute('href')))
    const links = await shown.$$eval('nav a', (all) => all.map((link) => link.getAttribute('href') ?? ''))
    expect(links.length).toBeGreaterThan(10)
    for (const link of links) {
      await shown.click(`nav a[href="${link}"]`)
      await expect.poll(marked, { interval: 10 }).toEqual([link])
    }
    await shown.evaluate("history.replaceState(null, '', location.pathname)")
    // Without a link, the first of the sections that begin at the height to which the reader has scrolled.
    const tops = await shown.evaluate<number[]>(
      "[...document.querySelectorAll('main section')].map((each) => each.getBoundingClientRect().top + scrollY)",
    )
    const end = await shown.evaluate<number>('document.documentElement.scrollHeight - innerHeight')
    for (const [i, link] of links.entries()) {
      if (tops[i] > end) break
      await shown.evaluate(`document.querySelector('${link}').scrollIntoView()`)
      await expect.poll(marked, { interval: 10 }).toEqual([links[tops.findIndex((top) => Math.abs(top - tops[i]) < 1)]])
    }
    await shown.evaluate('scrollTo(0, 0)')
    await expect.poll(marked).toEqual(['#summary'])
  })

  test('the lines behind others and clouds of points stay faint in both themes', async () => {
    for (const theme of ['light', 'dark']) {
      const colours = await shown.evaluate<string[]>(`(() => {
        document.documentElement.dataset.theme = '${theme}'
        const style = getComputedStyle(document.documentElement)
        return ['paper', 'behind', 'cloud', 'ink'].map((name) => style.getPropertyValue('--' + name).trim())
      })()`)
      const [paper, behind, cloud, ink] = colours.map(luminance)
      for (const faint of [behind, cloud]) {
        expect(contrast(faint, paper)).toBeGreaterThan(1.5)
        expect(contrast(faint, paper)).toBeLessThan(3.2)
        expect(contrast(ink, paper)).toBeGreaterThan(10)
      }
    }
  })

  test('print shows what is folded, in small letters, and gives the page back as it was', async () => {
    const folds = () =>
      shown.$$eval('details', (all) => all.filter((fold) => !fold.closest('#runs')).map((fold) => fold.open))
    const before = await folds()
    expect(before).toContain(false)
    await shown.emulateMedia({ media: 'print' })
    await shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(await folds()).toEqual(before.map(() => true))
    const heights = await shown.$$eval('summary, #median table', (all) => all.map((each) => each.clientHeight))
    for (const height of heights) expect(height).toBeGreaterThan(0)
    const sizes = await shown.evaluate<number[]>(
      "[...document.querySelectorAll('.note, figcaption, .legend, dl')].map((each) => parseFloat(getComputedStyle(each).fontSize))",
    )
    for (const size of sizes) expect(size).toBeLessThan(11)
    await shown.evaluate("dispatchEvent(new Event('afterprint'))")
    await shown.emulateMedia({ media: null })
    expect(await folds()).toEqual(before)
  })

  test('reloading keeps hidden series, sorted tables, opened parts and the theme', async () => {
    const view = () =>
      shown.evaluate<{ lines: boolean[]; sorted: string[] }>(`({
        theme: document.documentElement.dataset.theme,
        hidden: [...document.querySelectorAll('.legend button[aria-pressed=false]')].map((each) => each.dataset.label),
        lines: ((chart) => chart.data.datasets.map((_, i) => chart.isDatasetVisible(i)))(
          Chart.getChart(document.querySelector('#figure-hessian canvas')),
        ),
        sorted: [...document.querySelectorAll('th[aria-sort]')].map((each) => each.ariaSort + each.textContent),
        rows: document.querySelector('#table tbody').textContent,
        open: [...document.querySelectorAll('details')].map((each) => each.open),
      })`)
    expect((await view()).lines).not.toContain(false)
    await shown.locator('#figure-hessian .legend button').first().click()
    await shown.locator('#table th button').nth(2).click()
    await shown.evaluate("document.querySelector('details')?.setAttribute('open', '')")
    const chosen = await view()
    expect(chosen).toMatchObject({ theme: expect.any(String), sorted: expect.arrayContaining([expect.any(String)]) })
    expect(chosen.lines).toContain(false)
    await shown.reload()
    await shown.waitForSelector('html[data-drawn]')
    expect(await view()).toEqual(chosen)
    expect(messages).toEqual([])
  })

  test('a phone keeps the names of the rows in sight while a table scrolls', async () => {
    await shown.setViewportSize({ width: 390, height: 844 })
    const places = await shown.$$eval('#table .scroll, #tests .scroll', (all) =>
      all.map((scroll) => {
        const cells = [...scroll.querySelectorAll('tbody tr:not(.group) > :first-child')]
        const lefts = () => cells.map((cell) => Math.round(cell.getBoundingClientRect().left))
        const before = lefts()
        scroll.scrollLeft = 120
        return { scrolled: scroll.scrollLeft, before, after: lefts() }
      }),
    )
    expect(places.some(({ scrolled }) => scrolled > 0)).toBe(true)
    for (const { before, after } of places) expect(after).toEqual(before)
  })

  test('on a phone every word in the first column of a table stays on one line', async () => {
    await shown.setViewportSize({ width: 390, height: 844 })
    const { words, broken } = await shown.evaluate<{ words: number; broken: string[] }>(`(() => {
      const broken = []
      let words = 0
      for (const cell of document.querySelectorAll('main table tr > :first-child')) {
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
        while (walker.nextNode()) {
          for (const { 0: word, index } of walker.currentNode.data.matchAll(/[^\\s-]+-?/g)) {
            const range = document.createRange()
            range.setStart(walker.currentNode, index)
            range.setEnd(walker.currentNode, index + word.length)
            const lines = range.getClientRects().length
            words += lines > 0
            if (lines > 1) broken.push(word)
          }
        }
      }
      return { words, broken }
    })()`)
    expect(words).toBeGreaterThan(50)
    expect(broken).toEqual([])
  })

  test('a phone does not scroll sideways', async () => {
    await shown.setViewportSize({ width: 390, height: 844 })
    const overflow = () => shown.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    await expect.poll(overflow).toBeLessThanOrEqual(0)
  })
})
