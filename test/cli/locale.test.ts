import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'

const built = (module: string) => new URL(`../../dist/${module}`, import.meta.url).href
const REPORT = fileURLToPath(new URL('../../reports/hessian-shapes', import.meta.url))
const place = new Workplace()

/** Locales with other formats of numbers and dates, other letter cases and another order of letters. */
const machines: Readonly<Record<string, { readonly locale: string; readonly zone: string }>> = {
  plain: { locale: 'C', zone: 'UTC' },
  german: { locale: 'de_DE.UTF-8', zone: 'Europe/Berlin' },
  arabic: { locale: 'ar_EG.UTF-8', zone: 'Africa/Cairo' },
  estonian: { locale: 'et_EE.UTF-8', zone: 'Pacific/Kiritimati' },
}

/** Commands that write numbers, into the current folder. */
const formats = ['text', 'md', 'csv', 'json', 'latex']
const calls: readonly (readonly string[])[] = [
  ...formats.map((format) => ['table', '--published', 'none', '--format', format, '--out', `table-${format}`]),
  ['status', '--format', 'csv', '--out', 'status.csv'],
  ['plot', 'anytime', '--out', 'anytime.svg', '--out', 'anytime.png', '--out', 'anytime.pdf'],
  ['plot', 'scatter', '--out', 'scatter.svg', '--out', 'scatter.png'],
  ['plot', 'hessian', REPORT, '--out', 'hessian.png', '--out', 'hessian.svg'],
  ['plot', 'pareto', REPORT, '--out', 'pareto.png', '--out', 'pareto.svg'],
  ['report', '--out', 'report.html'],
  ['report', '--folder', 'report'],
  ['query', '6111', '12', '--table', 'nb201', '--out', 'query.txt'],
  ['query', '--table', 'nb201', '--top', '5', '--by', 'cifar10/ori-test/200/mean', '--out', 'top.csv'],
  [
    'pareto',
    '--table',
    'nb201',
    '--x',
    'shapes/x-test/5/mean',
    '--y',
    'cifar10/ori-test/200/mean',
    '--picture',
    'front.png',
    '--out',
    'front.txt',
  ],
  ['genotype', 'show', '6111', '--out', 'cell.svg'],
  ['tables', 'info', 'nb201', '--out', 'info.txt'],
  ['list', 'options', '--out', 'options.txt'],
  ['data', 'info', 'shapes', '--out', 'shapes.txt'],
]

/** Returns the content of every written file, by name. */
function written(machine: string): ReadonlyMap<string, string> {
  const { locale, zone } = machines[machine]
  const folder = join(place.folder, machine)
  mkdirSync(folder)
  const script = `import { writeFileSync } from 'node:fs'
    import { programFor } from ${JSON.stringify(built('cli/program.js'))}
    import { renderFigure } from ${JSON.stringify(built('report/pictures/picture.js'))}
    for (const args of ${JSON.stringify(calls)}) {
      const own = ['table', 'status', 'plot', 'report'].includes(args[0]) && !args[2].startsWith('/')
      const whole = own ? [...args, '--store', '../runs'] : args
      await (await programFor(whole)).parseAsync(whole, { from: 'user' })
    }
    const line = { label: 'x', look: { colour: '#000000', dash: [], marker: 'circle' }, form: 'line' }
    for (const [kind, scale] of [['small', 'linear'], ['large', 'linear'], ['log', 'log']]) {
      const points = [0.1, 0.25, 0.7, 0.9].map((x) => ({ x: kind === 'large' ? 50_000 * x : x, y: kind === 'large' ? 1e7 * x : x ** 3 }))
      const axis = { label: 'number', scale }
      const panels = [{ kind: 'plot', title: '', x: axis, y: axis, series: [{ ...line, points }] }]
      for (const format of ['svg', 'png', 'pdf']) {
        writeFileSync('axes-' + kind + '.' + format, renderFigure({ name: 'axes', caption: '', columns: 1, panels }, format))
      }
    }
    console.log((0.5).toLocaleString())`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NAS_BENCH_HOME: place.home, NO_COLOR: '1', LC_ALL: locale, LANG: locale, TZ: zone },
  })
  if (status !== 0) throw new Error(stderr)
  const shown = stdout.trim().split('\n').at(-1)
  if (machine !== 'plain' && shown === '0.5') console.warn(`this Node.js knows no ${locale}`)
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = names.map(({ parentPath, name }) => join(parentPath, name))
  return new Map(paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path).toString('base64')]))
}

let plain: ReadonlyMap<string, string>
beforeAll(async () => {
  if (!full) return
  const run = ['run', '--algo', 'rea,random', '--dataset', 'cifar10', '--seeds', '3', '--budget', '20000', '--quiet']
  expect(await place.bench(...run)).toMatchObject({ code: 0 })
  plain = written('plain')
})
afterAll(() => place.remove())

describe.runIf(full)('output is the same to the byte', () => {
  test.each(Object.keys(machines).filter((name) => name !== 'plain'))('on a machine set to %s', (machine) => {
    const found = written(machine)
    expect([...found.keys()]).toEqual([...plain.keys()])
    expect(plain.size).toBeGreaterThan(calls.length)
    for (const [name, content] of found) expect(content === plain.get(name), name).toBe(true)
  })
})
