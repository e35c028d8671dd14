/** Script of a report's page: draws the plots with Chart.js, which the page loads before, sorts tables and switches the theme. */
;(() => {
  const { Chart } = window
  const figures = JSON.parse(document.getElementById('figures').textContent)
  const root = document.documentElement
  const charts = []

  /** Replaces placeholders such as "@ink" in a configuration by the colours of the theme. */
  const themed = (value, style) => {
    if (typeof value === 'string')
      return value.startsWith('@') ? style.getPropertyValue(`--${value.slice(1)}`).trim() : value
    if (Array.isArray(value)) return value.map((item) => themed(item, style))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]))
  }

  /** Returns points from [x, y, x, y, …] and notes by position. */
  const expanded = ({ flat, notes, ...dataset }) => ({
    ...dataset,
    data: Array.from({ length: flat.length / 2 }, (_, i) => ({
      x: flat[2 * i],
      y: flat[2 * i + 1] ?? Number.NaN,
      note: notes[i],
    })),
  })

  const number = (value) =>
    Math.abs(value) >= 0.01 && Math.abs(value) < 1e6 ? String(+value.toFixed(4)) : value.toExponential(2)

  /** Returns the densest choice of ticks whose labels have room on the axis. */
  const roundTicks =
    ({ choices, room }) =>
    (scale) => {
      const length = scale.isHorizontal() ? scale.maxWidth : scale.maxHeight
      const decade = length / Math.log10(scale.max / scale.min)
      const hasRoom = (ticks) =>
        ticks.every(([value], i) => i === 0 || decade * Math.log10(value / ticks[i - 1][0]) >= room)
      const inside = choices.map((ticks) => ticks.filter(([value]) => value >= scale.min && value <= scale.max))
      const ticks = inside.find(hasRoom) ?? []
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
        interaction: { mode: 'nearest', intersect: true },
        plugins,
        scales: {
          x: withRoundTicks(config.options.scales.x, ticks.x),
          y: withRoundTicks(config.options.scales.y, ticks.y),
        },
      },
    })
  }

  /** Draws the plots once the fonts are loaded, since a canvas does not wait for them. */
  const drawAll = () => {
    for (const canvas of document.querySelectorAll('canvas[data-figure]')) {
      const panel = figures[canvas.dataset.figure].panels[canvas.dataset.panel]
      panel.datasets = panel.datasets.map(expanded)
      const started = performance.now()
      charts.push({ canvas, panel, chart: draw(canvas, panel) })
      canvas.dataset.drawMs = String(Math.round(performance.now() - started))
    }
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

  for (const button of document.querySelectorAll('.legend button')) {
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
      const body = cell.closest('table').tBodies[0]
      const ascending = cell.getAttribute('aria-sort') !== 'ascending'
      for (const other of cell.parentElement.cells) other.removeAttribute('aria-sort')
      cell.setAttribute('aria-sort', ascending ? 'ascending' : 'descending')
      const rows = [...body.rows].sort((a, b) =>
        order(sortValue(a, cell.cellIndex), sortValue(b, cell.cellIndex), ascending ? 1 : -1),
      )
      body.append(...rows)
    })
  }
})()
