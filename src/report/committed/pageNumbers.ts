/** What the page of a report says, without how it looks: pages are restyled, their numbers stay. */

/** The data from which the page's script draws, as `page/figureHtml.ts` writes it. */
interface DrawnPanel {
  readonly labels: readonly string[]
  readonly datasets: readonly { readonly flat: readonly (number | null)[]; readonly notes: object }[]
}

/**
 * Words and numbers of every section, then the points of every figure, one a line; but for the scatter, which shows the
 * whole lookup table.
 */
export function pageNumbers(html: string): string {
  const sections = [...html.matchAll(/<section id="([^"]*)">(.*?)<\/section>/gs)]
  const words = sections
    .filter(([, id]) => id !== 'scatter')
    .flatMap(([, id, content]) => [`# ${id}`, ...linesOf(content)])
  return [...words, ...pointsOf(html), ''].join('\n')
}

/** A table's cells also hold their numbers with all digits, by which they are sorted. */
function linesOf(content: string): readonly string[] {
  const text = content.replace(/ data-value="([^"]*)"[^>]*>/g, '>$1 ').replace(/<[^>]*>/g, '\n')
  return text.split('\n').filter((line) => line.trim() !== '')
}

function pointsOf(html: string): readonly string[] {
  const [, json = '[]'] = /<script type="application\/json" id="figures">(.*?)<\/script>/s.exec(html) ?? []
  const figures: readonly { readonly panels: readonly (DrawnPanel | null)[] }[] = JSON.parse(json)
  const names = [...html.matchAll(/<figure id="figure-([^"]*)"/g)].map(([, name]) => name)
  return figures.flatMap(({ panels }, i) =>
    names[i] === 'scatter' ? [] : panels.flatMap((panel) => panelLines(names[i], panel)),
  )
}

const panelLines = (figure: string, panel: DrawnPanel | null): readonly string[] =>
  panel?.datasets.map(({ flat, notes }, i) =>
    [figure, panel.labels[i], ...flat.map(String), ...Object.values(notes)].join(' '),
  ) ?? []
