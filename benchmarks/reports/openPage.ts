/**
 * How long a browser takes to open the page of a report, with the runs of 16 methods over 10 seeds and with those of
 * 4 seeds beside it.
 *
 *     npm run build
 *     npx jiti benchmarks/reports/openPage.ts [--store FOLDER] [--times 5]
 *
 * The searches are real, and small (a few minutes of one core); they are kept where --store says. Printed are the size of
 * the page and, as medians over the openings, the time until the page's first paint and until it has loaded with its
 * scripts. On two cores that did nothing else, a page of 160 runs had its first paint after 0.2 s and was loaded after
 * 0.5 s (Chromium 156). Needs Chromium (`/usr/bin/chromium`, or the path in `CHROMIUM`).
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { median } from 'simple-statistics'

const METHODS = [
  ...['darts-v1', 'drnas', 'pc-darts', 'gdas', 'snas', 'dsnas', 'beta-darts', 'sdarts-rs', 'darts-minus', 'gaea'],
  ...['rsps', 'random', 'rea', 'reinforce', 'bohb', 'local-search'],
]
const SEEDS = [10, 4]
const SEARCH = ['--protocol', 'micro:epochs=10,data.limit=256', '--probe', 'skip']

/** Script in the page: waits for the first paint, and returns the times in milliseconds since the navigation. */
const TIMES = `(async () => {
  const painted = () => performance.getEntriesByName('first-contentful-paint')[0]
  while (!painted()) await new Promise(requestAnimationFrame)
  const [navigation] = performance.getEntriesByType('navigation')
  return { paint: painted().startTime, loaded: navigation.loadEventEnd }
})()`

const { values: flags } = parseArgs({
  options: { store: { type: 'string' }, times: { type: 'string', default: '5' } },
})
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'open-page-'))

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
try {
  console.log(`${cpus()[0].model}, ${availableParallelism()} cores; Chromium ${browser.version()}`)
  console.log('  runs      size   first paint       loaded')
  for (const seeds of SEEDS) {
    // A store for each number of seeds: a report is of all runs in its store.
    const store = join(resolve(flags.store ?? scratch), `${seeds}-seeds`)
    bench(['run', '--algo', METHODS.join(','), '--seeds', String(seeds), ...SEARCH, '--store', store, '--quiet'])
    const page = join(scratch, `${seeds}.html`)
    bench(['report', '--store', store, '--out', page, '--quiet'])
    const openings = []
    for (let i = 0; i < Number(flags.times); i++) openings.push(await opening(browser, page))
    const ms = (times: readonly number[]) => `${median([...times]).toFixed(0)} ms`.padStart(12)
    console.log(
      `${String(METHODS.length * seeds).padStart(6)}  ${(statSync(page).size / 1e6).toFixed(1).padStart(5)} MB  ${ms(openings.map(({ paint }) => paint))} ${ms(openings.map(({ loaded }) => loaded))}`,
    )
  }
} finally {
  await browser.close()
  rmSync(scratch, { recursive: true, force: true })
}

/** Opens the page in a context without a cache. Returns milliseconds from navigation to first paint and to the end of loading. */
async function opening(of: Browser, path: string): Promise<{ readonly paint: number; readonly loaded: number }> {
  const context = await of.newContext({ viewport: { width: 1280, height: 800 } })
  try {
    const page = await context.newPage()
    await page.goto(pathToFileURL(path).href, { waitUntil: 'load' })
    return await page.evaluate(TIMES)
  } finally {
    await context.close()
  }
}

function bench(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`bench ${args[0]} failed: ${stderr}`)
}
