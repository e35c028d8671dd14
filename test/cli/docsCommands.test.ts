/**
 * Every command in a block of README.md and docs/ is run as it stands there, in the order of the page, with the files
 * that the page speaks of. What needs a network, a GPU, a cluster or long time is listed with its reason, and its words
 * are read. Searches that take minutes run with fewer epochs and images, all but the first command of the README.
 * `npm test` runs a few pages,
 *
 *     npx vitest run --mode full test/cli/docsCommands.test.ts
 *
 * all of them.
 */
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { hasPython } from '../algorithms/external/runProgram.ts'
import { cifarRecords, png, write } from '../data/sampleFiles.ts'
import { writePictures } from '../retrain/tinyTraining.ts'
import { type Ended, MAIN, until, Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'
import { parseCommand } from '../support/parseCommand.ts'
import { commandsIn } from '../support/shell.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 900_000 })

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
)
const PYTHON_PAGE = 'docs/external-methods.md'
const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

/** The first command of the README, and the row of the table that it prints. */
const [, FIRST] = textOf('README.md').match(/npm ci && (npx bench run .*)/) ?? ['', '?']
const [FIRST_ROW] = textOf('README.md').match(/^drnas +4 .*±.*$/m) ?? ['?']

/** The commands that are not run here, and why. */
const LEFT_OUT: readonly (readonly [command: RegExp, reason: string])[] = [
  [/^(npm (ci|install|test)\b|npx bench data fetch )/, 'loads packages or images from the network'],
  [/--slurm |^sbatch /, 'needs a cluster'],
  [/-paper\b/, 'trains for days on a GPU, on all images'],
  [/nb201-(table4|laptop)\.yaml/, 'trains for hours or days, on all images'],
  [/--backend tensorflow/, 'needs an optional package'],
  [/drnas-figure-4\.yaml/, 'needs the runs of that comparison'],
  [/nb201_cifar100?_full_training\.pickle|naslib/, 'needs the files of NASLib with all architectures'],
  [/\/home\/me\//, 'is what another command printed'],
  [/^(npx jiti benchmarks\/|bash (gpu-kit|benchmarks)\/)/, 'packs or runs the kit for a GPU machine, in a clone'],
  [/^(bash src\/|export |npx vitest )/, 'builds or tests a backend in a clone'],
]
/** A search that trains networks for minutes: on built-in images or CIFAR-10, of which all images are used. */
const LONG = /^(npx )?bench run (?!.*(--data |data\.limit))(?=.*--algo \S*(darts|drnas|my-search))/
const SHORT = 'micro:epochs=2,data.limit=16'

/** The same command with few epochs and images, where it is a long search. */
function shortened(line: string): string {
  if (!LONG.test(line) || line.startsWith(FIRST)) return line
  if (line.includes('--protocol')) return line.replace(/(?<=--protocol )micro:epochs=\d+/, SHORT)
  return line.replace(/(?= +#|$)/, ` --protocol ${SHORT}`)
}

/** Blocks of code that a user types: indented, or fenced as shell or as nothing in particular. */
function blocksIn(text: string): string[] {
  const fenced = [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)]
  const typed = fenced.filter(([, language]) => ['', 'sh'].includes(language)).map(([, , block]) => block)
  const rest = text.replace(/^```[\s\S]*?^```$/gm, '')
  return [...typed, ...(rest.match(/(?:^ {4}.*\n)+/gm) ?? []).map((block) => block.replace(/^ {4}/gm, ''))]
}

const COMMAND = /^ *(npx|bench|npm|bash|export|sbatch|node) /

/** Lines of commands, those broken by a backslash put together, in the order of the page. */
function typedIn(page: string): string[] {
  const text = textOf(page)
  const lines = blocksIn(text).flatMap((block) => block.replace(/\\\n */g, '').split('\n'))
  const place = (line: string) => text.indexOf(line.slice(0, 60))
  return lines
    .filter((line) => COMMAND.test(line))
    .sort((a, b) => place(a) - place(b))
    .map((line) => line.trim())
}

/** The words of each `bench` in a line of a shell. */
const benchIn = (line: string): string[] =>
  line
    .replace(/ +#.*$/, '')
    .split(/ && |'(?=npx bench )/)
    .map((part) => part.replace(/^npx (?:nas-bench-harness|bench) /, 'bench ').replace(/(?<=SLURM.*)'$/, ''))
    .map((part) => part.replace('$SLURM_ARRAY_TASK_ID', '1'))
    .filter((part) => part.startsWith('bench '))

/** A user's folder, and a shell that finds the program under its names and through npx. */
class Desk extends Workplace {
  constructor() {
    super()
    // As on a fresh machine: the embedded table alone.
    rmSync(join(this.home, 'tables'), { recursive: true })
    const scripts = { bench: `"${process.execPath}" "${MAIN}" "$@"`, npx: '"$@"' }
    for (const [name, line] of Object.entries({ ...scripts, 'nas-bench-harness': scripts.bench })) {
      write(join(this.home, 'bin', name), `#!/bin/sh\nexec ${line}\n`)
      chmodSync(join(this.home, 'bin', name), 0o755)
    }
  }

  /** The user's own folder, `~`. */
  get own(): string {
    return join(this.folder, 'me')
  }

  /** @param stop true as soon as the command has done enough, and is to be interrupted */
  async type(line: string, stop?: () => boolean): Promise<Ended> {
    const PATH = join(this.home, 'bin') + delimiter + process.env.PATH
    const env = { ...process.env, NAS_BENCH_HOME: this.home, HOME: this.own, NO_COLOR: '1', PATH }
    const child = spawn('sh', ['-c', stop ? `exec ${line}` : line], { cwd: this.folder, env })
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (text) => (said.stdout += text))
    child.stderr.on('data', (text) => (said.stderr += text))
    const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...said })))
    if (stop) {
      // Each of its processes loads the program first.
      await until(stop, line, 300_000)
      child.kill('SIGINT')
    }
    return ended
  }
}

let desk: Desk
afterEach(() => desk?.remove())

async function prepare(line: string): Promise<void> {
  const { code, stderr } = await desk.type(line)
  expect(code, `${line}: ${stderr}`).toBe(0)
}

/** What lies in the folder before the page begins. */
const preparations: Readonly<Record<string, () => Promise<unknown> | unknown>> = {
  async 'README.md'() {
    await writePictures(join(desk.folder, 'photos'), { side: 32 })
    writeFileSync(join(desk.folder, 'nb201.csv.gz'), gzipSync(wholeTable()))
    writeCifar(join(desk.home, 'datasets/cifar10'))
    const [program] = textOf('README.md').match(/(?<=```ts\n)import \{\n {2}bilevelSearch[\s\S]*?(?=```)/) ?? []
    writeFileSync(join(desk.folder, 'my-search.ts'), program ?? '')
    cpSync(join(ROOT, 'reports/nb201-laptop'), join(desk.folder, 'reports/nb201-laptop'), { recursive: true })
    return prepare('bench run --algo rea --seeds 2')
  },
  async 'docs/building-tables.md'() {
    await writePictures(join(desk.own, 'photos'), { side: 16 })
    const micro = readFileSync(join(ROOT, 'configs/recipes/micro.yaml'), 'utf8')
    const mine = micro
      .replace(/^dataset: .*/m, 'dataset: photos')
      .replace(/epochs: \d+/, 'epochs: 1')
      .replace(/imageSize: .*/, 'imageSize: 8')
      .replace(/limit: .*/, 'limit: 8')
      .replace(/batchSize: .*/, 'batchSize: 4')
    writeFileSync(join(desk.folder, 'my-recipe.yaml'), mine)
    for (const part of [1, 2, 3, 4]) {
      const build = `bench tables build --recipe my-recipe.yaml --data ~/photos --as photos-${part} --out .`
      expect(await desk.type(`${build} --jobs 1 --indices ${part * 1000}-${part * 1000 + 1}`)).toMatchObject({
        code: 0,
      })
    }
  },
  'docs/importing-tables.md'() {
    const columns = Array.from({ length: 12_000 }, (_, i) => `number${i}`)
    const row = (index: number) => `${spaceIndex(nb201).at(index)},${columns.map((_, i) => i % 7).join()}\n`
    writeFileSync(join(desk.folder, 'wide.csv'), `arch,${columns.join()}\n${row(5)}${row(6)}`)
  },
  'docs/importing-runs.md'() {
    const [rows] = textOf('docs/importing-runs.md').match(/(?<=```csv\n)[\s\S]*?(?=```)/) ?? []
    writeFileSync(join(desk.folder, 'results.csv'), rows ?? '')
    const log = (epoch: number) => `epoch ${epoch} lr 1e-2\ngenotype = ${spaceIndex(nb201).at(epoch)}\n`
    writeFileSync(join(desk.folder, 'drnas-seed2.log'), [0, 1, 2].map(log).join(''))
  },
  'docs/gallery.md': () => symlinkSync(join(ROOT, 'reports'), join(desk.folder, 'reports')),
  'docs/reports.md'() {
    return prepare('bench run --algo darts-v1,random --protocol micro:epochs=2,data.limit=16 --probe hessian --seeds 3')
  },
  'docs/watching.md': () => prepare('bench run --algo random --seeds 1'),
  'docs/exporting.md': () => writeCifar(join(desk.home, 'datasets/cifar10')),
  'docs/retraining.md': () => writeCifar(join(desk.home, 'datasets/cifar10')),
  async 'docs/own-images.md'() {
    for (const file of [...[0, 1, 2, 3].map((i) => `cat/${i}.png`), ...[0, 1, 2, 3].map((i) => `dog/${i}.png`)]) {
      write(join(desk.folder, 'classes', file), await png(9, 99, 199, 16))
    }
  },
}

/** CIFAR-10 as it is downloaded, of very few images. */
function writeCifar(folder: string): void {
  const labels = Array.from({ length: 20 }, (_, i) => [i % 10])
  for (let part = 1; part <= 5; part++) write(join(folder, `data_batch_${part}.bin`), cifarRecords(labels))
  write(join(folder, 'test_batch.bin'), cifarRecords(labels))
}

/** Every architecture of NAS-Bench-201 with a number for each column that the README asks for. */
function wholeTable(): string {
  const columns = [
    ...['cifar10-valid/x-valid/200', 'cifar10/ori-test/200', 'cifar100/x-valid/200', 'cifar100/x-test/200'],
    ...['ImageNet16-120/x-valid/200', 'ImageNet16-120/x-test/200', 'cifar10-valid/x-valid/12'],
  ].map((name) => `${name}/mean`)
  const seconds = ['train-seconds:cifar10-valid/12', 'eval-seconds:cifar10-valid/x-valid/12']
  const space = spaceIndex(nb201)
  const rows = Array.from({ length: 15_625 }, (_, i) =>
    [space.at(i), ...columns.map((_, at) => 50 + at + ((i * 7919) % 15_625) / 400), 90, 10].join(),
  )
  return `arch,${[...columns, ...seconds].join()}\n${rows.join('\n')}\n`
}

/** Lines of the journals of a build, each a training. */
const trained = (): number => {
  const journal = join(desk.home, 'tables/photos.build')
  if (!existsSync(journal)) return 0
  const files = readdirSync(journal).filter((name) => name.endsWith('.jsonl'))
  return files.flatMap((name) => readFileSync(join(journal, name), 'utf8').trim().split('\n')).length
}

describe('the commands of', () => {
  // All pages take minutes: the shortest ones, or all in `npm run test:full`.
  const QUICK = ['backends', 'gpu-kit', 'importing-runs'].map((name) => `docs/${name}.md`)
  const there = pages.filter((page) => page !== PYTHON_PAGE || hasPython)
  if (!hasPython) console.warn(`skipped: the commands of ${PYTHON_PAGE} need Python 3.9`)
  test.each(there.filter((page) => full || QUICK.includes(page)))('%s work as they stand there', async (page) => {
    desk = new Desk()
    await preparations[page]?.()
    for (const line of typedIn(page)) {
      for (const command of benchIn(line)) await expect(parseCommand(command), command).resolves.toBeUndefined()
      if (LEFT_OUT.some(([command]) => command.test(line))) continue
      // Of a whole table the page says that it may be interrupted.
      const enough = /tables build .*--jobs 8/.test(line) ? () => trained() > 8 : undefined
      const { code, stdout, stderr } = await desk.type(shortened(line), enough)
      expect({ line, code, stderr: code === 0 ? '' : stderr, stdout: code === 0 ? '' : stdout }).toEqual({
        ...{ line, code: 0, stderr: '', stdout: '' },
      })
      // Two minutes of processor time.
      if (line.startsWith(FIRST)) expect(stdout.split('\n')).toContain(FIRST_ROW)
    }
  })

  test('every page name commands and options that there are, also within its sentences', async () => {
    const lines = pages.flatMap((page) => commandsIn(textOf(page)).map((line) => line.replace(/\n/g, ' ')))
    expect(lines.length).toBeGreaterThan(60)
    for (const line of lines) {
      const [command = line] = benchIn(line)
      const problem = await parseCommand(command).catch((error: { code?: string }) => error)
      // A sentence may leave out what does not matter to it.
      if (!/missing(Argument|MandatoryOptionValue)$/.test(problem?.code ?? '')) expect(problem, line).toBeUndefined()
    }
  })

  test('the README has its first command once more, without `npm ci`, and the row that it prints', () => {
    expect(typedIn('README.md').filter((line) => line.startsWith(FIRST))).toHaveLength(1)
    expect(FIRST_ROW).toMatch(/^drnas +4 /)
  })

  test('each reason to leave one out is for a command that there is', () => {
    const lines = pages.flatMap(typedIn)
    for (const [command] of LEFT_OUT)
      expect(
        lines.filter((line) => command.test(line)),
        String(command),
      ).not.toEqual([])
  })
})
