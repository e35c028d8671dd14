/**
 * Script of a report's page: draws the plots with Chart.js, which the page loads before, sorts tables, copies them,
 * saves figures, follows the reader in the contents, switches the theme, and keeps what the reader chose when it is reloaded.
 */
;(() => {
  const { Chart } = window
  const dataOf = (id) => JSON.parse(document.getElementById(id).textContent)
  const figures = dataOf('figures')
  const root = document.documentElement
  const charts = []
  const legendButtons = [...document.querySelectorAll('.legend button')]

  /** Returns a name of a button or another part of a section, by which it is found after the page was written anew. */
  const nameOf = (part) => `${part.closest('[id]').id} ${part.dataset.label ?? part.textContent.trim()}`
  const VIEW = `view of ${location.pathname}`
  /** Returns what the reader of this tab chose before the page was reloaded: theme, hidden series, sorted tables. */
  const earlierView = () => {
    try {
      return JSON.parse(sessionStorage.getItem(VIEW)) ?? { hidden: [], sorted: [], open: [] }
    } catch {
      // Some browsers give pages from files no storage.
      return { hidden: [], sorted: [], open: [] }
    }
  }
  const earlier = earlierView()
  if (earlier.theme !== undefined) root.dataset.theme = earlier.theme

  /** Replaces placeholders such as "@ink" in a configuration by the colours of the theme. */
  const themed = (value, style) => {
    if (typeof value === 'string')
      return value.startsWith('@') ? style.getPropertyValue(`--${value.slice(1)}`).trim() : value
    if (Array.isArray(value)) return value.map((item) => themed(item, style))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]))
  }

  /** Returns a dataset with its points, from [x, y, x, y, …] or a cloud of the figure, and notes by position. */
  const expanded = (clouds, { cloud, flat = clouds[cloud], notes, ...dataset }) => ({
    ...dataset,
    data: Array.from({ length: flat.length / 2 }, (_, i) => ({
      x: flat[2 * i],
      y: flat[2 * i + 1] ?? Number.NaN,
      note: notes[i],
    })),
  })

  const number = (value) =>
    Math.abs(value) >= 0.01 && Math.abs(value) < 1e6 ? String(+value.toFixed(4)) : value.toExponential(2)

  /** Sets the ticks of an axis: of the choices whose labels have room the one with most ticks. */
  const roundTicks =
    ({ choices, room }) =>
    (scale) => {
      const length = scale.isHorizontal() ? scale.maxWidth : scale.maxHeight
      const decade = length / Math.log10(scale.max / scale.min)
      const hasRoom = (ticks) =>
        ticks.every(([value], i) => i === 0 || decade * Math.log10(value / ticks[i - 1][0]) >= room)
      const inside = choices.map((ticks) => ticks.filter(([value]) => value >= scale.min && value <= scale.max))
      const ticks = inside.filter(hasRoom).reduce((best, next) => (next.length > best.length ? next : best), [])
      if (ticks.length > 1) scale.ticks = ticks.map(([value]) => ({ value }))
    }

  const withRoundTicks = (scale, ticks) => {
    if (ticks === null) return scale
    const labels = new Map(ticks.choices.flat())
    const callback = (value) => labels.get(Number(value)) ?? number(Number(value))
    return { ...scale, afterBuildTicks: roundTicks(ticks), ticks: { ...scale.ticks, callback } }
  }

  const tooltip = (panel) => ({
    filter: ({ dataset }) => dataset.label !== undefined,
    callbacks: {
      title: () => '',
      label: ({ dataset, raw }) => [
        dataset.label,
        `${panel.x}: ${number(raw.x)}`,
        `${panel.y}: ${number(raw.y)}`,
        ...((raw.note ?? '').match(/.{1,64}/g) ?? []),
      ],
    },
  })

  /** Splits a title into lines that are no wider than its plot, at the places at which pictures split it. */
  const titleLines = (words, width, measure) => {
    const fits = (part) => measure(part) <= width
    const lines = ['']
    const add = (part, gap = '') => {
      const last = lines.at(-1)
      if (last === '' || fits(last + gap + part)) lines[lines.length - 1] = last === '' ? part : last + gap + part
      else lines.push(part)
    }
    for (const parts of words) {
      if (fits(parts.join(''))) {
        add(parts.join(''), ' ')
        continue
      }
      if (lines.at(-1) !== '') lines.push('')
      for (const part of parts) for (const piece of fits(part) ? [part] : part) add(piece)
    }
    return lines
  }

  /** Splits the title of a plot anew when the plot becomes narrower or wider. */
  const fitTitle =
    (words) =>
    ({ ctx, options }, { width }) => {
      const { title } = options.plugins
      ctx.save()
      ctx.font = `${title.font.weight} ${title.font.size}px ${title.font.family}`
      title.text = titleLines(words, width - options.layout.padding.right, (text) => ctx.measureText(text).width)
      ctx.restore()
    }

  const draw = (canvas, panel) => {
    const style = getComputedStyle(root)
    const { datasets, ticks } = panel
    const config = themed(panel.config, style)
    const plugins = { ...config.options.plugins, tooltip: tooltip(panel) }
    return new Chart(canvas, {
      ...config,
      data: {
        datasets: datasets.map((dataset) => ({
          ...themed({ ...dataset, flat: null, notes: null }, style),
          data: dataset.data,
        })),
      },
      options: {
        ...config.options,
        responsive: true,
        onResize: fitTitle(panel.title),
        interaction: { mode: 'nearest', intersect: true },
        plugins,
        scales: {
          x: withRoundTicks(config.options.scales.x, ticks.x),
          y: withRoundTicks(config.options.scales.y, ticks.y),
        },
      },
    })
  }

  const drawOne = (canvas) => {
    const { panels, clouds } = figures[canvas.dataset.figure]
    const panel = panels[canvas.dataset.panel]
    panel.datasets = panel.datasets.map((dataset) => expanded(clouds, dataset))
    const started = performance.now()
    charts.push({ canvas, panel, chart: draw(canvas, panel) })
    canvas.dataset.drawMs = String(Math.round(performance.now() - started))
  }

  /** Lets the browser show what is there before the next plot is drawn. */
  const breath = () => new Promise((resolve) => setTimeout(resolve))

  /** Draws the plots once the fonts are loaded, since a canvas does not wait for them; one after the other. */
  const drawAll = async () => {
    for (const canvas of document.querySelectorAll('canvas[data-figure]')) {
      drawOne(canvas)
      await breath()
    }
    for (const button of legendButtons) if (earlier.hidden.includes(nameOf(button))) button.click()
    root.dataset.drawn = 'true'
  }
  Promise.allSettled([...document.fonts].map((face) => face.load())).then(drawAll)

  const redraw = () => {
    for (const entry of charts) {
      const hidden = entry.chart.data.datasets.map((_, i) => !entry.chart.isDatasetVisible(i))
      entry.chart.destroy()
      entry.chart = draw(entry.canvas, entry.panel)
      hidden.forEach((isHidden, i) => {
        entry.chart.setDatasetVisibility(i, !isHidden)
      })
      entry.chart.update()
    }
  }

  for (const button of legendButtons) {
    button.addEventListener('click', () => {
      const shown = button.getAttribute('aria-pressed') !== 'true'
      button.setAttribute('aria-pressed', String(shown))
      const figure = button.closest('figure')
      for (const { canvas, panel, chart } of charts) {
        if (canvas.closest('figure') !== figure) continue
        panel.datasets.forEach((dataset, i) => {
          if (panel.labels[dataset.series] === button.dataset.label) chart.setDatasetVisibility(i, shown)
        })
        chart.update()
      }
    })
  }

  const isDark = () =>
    root.dataset.theme === 'dark' ||
    (root.dataset.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.getElementById('theme').addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark'
    redraw()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)

  /** Prints in the light theme, with the plots as wide as the paper, and what is folded open. */
  let beforePrint
  let openedForPrint = []
  addEventListener('beforeprint', () => {
    beforePrint = root.dataset.theme
    // The list of runs and their configurations stay as the reader left them: they would take many pages.
    openedForPrint = [...document.querySelectorAll('details:not([open])')].filter((fold) => !fold.closest('#runs'))
    for (const fold of openedForPrint) fold.open = true
    root.dataset.theme = 'light'
    redraw()
    for (const { chart } of charts) chart.resize()
  })
  addEventListener('afterprint', () => {
    if (beforePrint === undefined) delete root.dataset.theme
    else root.dataset.theme = beforePrint
    for (const fold of openedForPrint) fold.open = false
    openedForPrint = []
    redraw()
  })

  const sortValue = (row, column) => {
    const { value } = row.cells[column].dataset
    return value === undefined || value === '' ? undefined : Number.isNaN(Number(value)) ? value : Number(value)
  }
  /** Compares two cells for sorting; empty cells come last in both directions. */
  const order = (a, b, sign) => {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined)
    return a < b ? -sign : a > b ? sign : 0
  }
  for (const head of document.querySelectorAll('th button')) {
    head.addEventListener('click', () => {
      const cell = head.closest('th')
      const ascending = cell.getAttribute('aria-sort') !== 'ascending'
      for (const other of cell.parentElement.cells) other.removeAttribute('aria-sort')
      cell.setAttribute('aria-sort', ascending ? 'ascending' : 'descending')
      for (const body of cell.closest('table').tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains('group'))
        rows.sort((a, b) => order(sortValue(a, cell.cellIndex), sortValue(b, cell.cellIndex), ascending ? 1 : -1))
        body.append(...rows)
      }
    })
  }

  for (const head of document.querySelectorAll('th button')) {
    const direction = earlier.sorted.find(([name]) => name === nameOf(head))?.[1]
    if (direction === undefined) continue
    head.click()
    if (head.closest('th').getAttribute('aria-sort') !== direction) head.click()
  }
  const folds = [...document.querySelectorAll('details')]
  const foldName = (fold) => nameOf(fold.querySelector('summary'))
  for (const fold of folds) if (earlier.open.includes(foldName(fold))) fold.open = true
  // A page that is written anew while runs proceed reloads itself.
  addEventListener('pagehide', () => {
    const view = {
      theme: root.dataset.theme,
      hidden: legendButtons.filter((button) => button.getAttribute('aria-pressed') === 'false').map(nameOf),
      sorted: [...document.querySelectorAll('th[aria-sort] button')].map((head) => [
        nameOf(head),
        head.closest('th').getAttribute('aria-sort'),
      ]),
      open: folds.filter((fold) => fold.open).map(foldName),
    }
    try {
      sessionStorage.setItem(VIEW, JSON.stringify(view))
    } catch {}
  })

  /** Shows for a moment on a button what became of the click. */
  const answer = (button, text) => {
    const label = button.textContent
    button.textContent = text
    setTimeout(() => {
      button.textContent = label
    }, 1500)
  }

  /** Copies a text; where the browser gives no clipboard to files, through a hidden text field. */
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      const field = document.createElement('textarea')
      field.value = text
      document.body.append(field)
      field.select()
      document.execCommand('copy')
      field.remove()
    }
  }
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.addEventListener('click', async () => {
      await copy(dataOf('copies')[button.dataset.copy][button.dataset.format])
      answer(button, 'Copied')
    })
  }

  const TYPES = { svg: 'image/svg+xml', pdf: 'application/pdf', csv: 'text/csv' }
  const unpacked = async (text, type) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
    return new Blob([await new Response(stream).arrayBuffer()], { type })
  }
  /** Returns an SVG file whose letters have the fonts of the page. */
  const withFonts = async (svg) => {
    const rules = document.querySelector('style').textContent.match(/@font-face\{[^}]*\}/g) ?? []
    const text = await svg.text()
    if (!text.includes('<text')) return svg
    return new Blob([text.replace(/<svg[^>]*>/, (head) => `${head}<style>${rules.join('')}</style>`)], {
      type: svg.type,
    })
  }
  /** Paints a picture in SVG as PNG at 300 dpi; an SVG pixel is 1/96 inch. */
  const painted = async (svg) => {
    const image = new Image()
    image.src = URL.createObjectURL(svg)
    await image.decode()
    const canvas = document.createElement('canvas')
    const scale = 300 / 96
    canvas.width = Math.round(image.naturalWidth * scale)
    canvas.height = Math.round(image.naturalHeight * scale)
    const context = canvas.getContext('2d')
    context.fillStyle = '#ffffff'
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.drawImage(image, 0, 0, canvas.width, canvas.height)
    URL.revokeObjectURL(image.src)
    return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  }
  for (const button of document.querySelectorAll('[data-download]')) {
    button.addEventListener('click', async () => {
      const { download: name, ending } = button.dataset
      const files = dataOf('downloads')[name]
      const stored = ending === 'png' ? 'svg' : ending
      const packed = await unpacked(files[stored], TYPES[stored])
      const file = stored === 'svg' ? await withFonts(packed) : packed
      const link = document.createElement('a')
      link.href = URL.createObjectURL(ending === 'png' ? await painted(file) : file)
      link.download = `${name}.${ending}`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    })
  }

  /** Pixels below the place to which a link scrolls within which a section counts as reached. */
  const NEAR = 40
  /**
   * Returns the section that the reader looks at: the lowest that begins above the first lines of the window, at the
   * end of the page the last one. Of sections side by side, or all visible at the end, it is the one of the last link.
   */
  const sectionInView = () => {
    const topOf = (section) => section.getBoundingClientRect().top
    const linked = sections.find(({ id }) => `#${id}` === location.hash)
    if (scrollY + innerHeight >= root.scrollHeight - 2) {
      return linked !== undefined && topOf(linked) >= 0 && topOf(linked) < innerHeight ? linked : sections.at(-1)
    }
    const line = Number.parseFloat(getComputedStyle(root).scrollPaddingTop) + NEAR
    const passed = sections.filter((section) => topOf(section) <= line)
    const lowest = Math.max(...passed.map(topOf))
    const reached = passed.filter((section) => topOf(section) === lowest)
    return reached.includes(linked) ? linked : (reached[0] ?? sections[0])
  }

  /** Marks the section that the reader looks at in the contents. */
  const links = new Map([...document.querySelectorAll('nav a')].map((link) => [link.hash.slice(1), link]))
  const sections = [...links.keys()].map((id) => document.getElementById(id))
  let current
  const follow = () => {
    const section = sectionInView()
    if (section === undefined || section === current) return
    current = section
    for (const [id, link] of links) {
      if (id === section.id) link.setAttribute('aria-current', 'true')
      else link.removeAttribute('aria-current')
    }
    const link = links.get(section.id)
    const bar = link.parentElement
    if (bar.scrollWidth > bar.clientWidth) bar.scrollTo({ left: link.offsetLeft - 24 })
  }
  addEventListener('scroll', follow, { passive: true })
  addEventListener('resize', follow)
  addEventListener('hashchange', follow)
  follow()
})()
