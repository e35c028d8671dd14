/**
 * Writes `docs/gallery.md` with its pictures: every kind of figure that `bench plot` draws, and what `bench pareto` and
 * `bench genotype` draw, each below the command that made it. Runs two small searches for the figures of probes that no
 * committed report has, which takes some minutes of one core.
 *
 *     npm run gallery
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { type FigureKind, figureKinds } from '../../src/report/figures/index.ts'
import { writeAtomically } from '../../src/system/atomicFile.ts'

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'gallery-'))

/**
 * The pictures are half as wide as those of \`bench plot\`, in few colours: good enough for a screen, and light in the
 * repository.
 */
const SCALE = 0.5
const COLOURS = 32

/** Commands that make runs for the figures whose records are in no committed report. */
const SEARCHES = [
  'run --algo darts-v1,drnas --protocol micro:epochs=12 --seeds 4 --probe range:samples=50 --probe alpha --store runs',
  'run --algo random,rea,reinforce,bohb --seeds 20 --store black-box',
]

interface Picture {
  readonly name: string
  readonly title: string
  /** Arguments of `bench` without those that name the picture. */
  readonly command: string
  /** The option that names the picture. */
  readonly option: '--out' | '--picture'
}

/** The runs that each kind of figure shows best; a kind that is not listed shows those of `reports/nb201-laptop`. */
const SOURCES: Readonly<Record<string, string>> = {
  range: 'reports/laptop-lambda',
  training: 'runs',
  alpha: 'runs --algo drnas',
  anytime: 'reports/nb201-blackbox --dataset cifar10',
  regret: 'black-box --spread std',
  ranks: 'reports/nb201-blackbox --dataset cifar10',
  scatter: 'reports/hessian-shapes',
  cells: 'reports/hessian-shapes',
}

const pictures: readonly Picture[] = [
  ...(Object.keys(figureKinds) as FigureKind[]).map((kind) => ({
    name: kind,
    title: figureKinds[kind].title,
    command: `plot ${kind} ${SOURCES[kind] ?? 'reports/nb201-laptop'}`,
    option: '--out' as const,
  })),
  {
    name: 'front',
    title: 'The front of a lookup table',
    command: 'pareto --table nb201-micro --x params-M --y shapes/x-test/4/mean',
    option: '--picture',
  },
  { name: 'genotype', title: 'A genotype of the DARTS space', command: 'genotype show DARTS_V2', option: '--out' },
]

/**
 * Runs a command in the temporary folder, where `reports` and `configs` of the repository are found by their own paths.
 */
function bench(args: readonly string[]): string {
  const located = args.map((arg) => (arg.startsWith('reports/') ? here(arg) : arg))
  const { status, stdout, stderr } = spawnSync(process.execPath, [here('dist/cli/main.js'), ...located], {
    cwd: work,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`bench ${args.join(' ')} failed: ${stderr}`)
  return stdout
}

/** Draws one picture, makes it small, and returns its section of the page. */
async function section({ name, title, command, option }: Picture): Promise<string> {
  const large = join(work, `${name}.png`)
  const printed = bench([...command.split(' '), option, large])
  const picture = sharp(readFileSync(large))
  const { width } = await picture.metadata()
  const bytes = await picture
    .resize({ width: Math.round(SCALE * width) })
    .png({ palette: true, colours: COLOURS, compressionLevel: 9, effort: 10 })
    .toBuffer()
  writeAtomically(here(`docs/pictures/gallery/${name}.png`), bytes)
  const caption = printed.startsWith(`${large}: `) ? `\n${printed.slice(large.length + 2).trim()}\n` : ''
  return `## ${title}\n\n    bench ${command} ${option} ${name}.png\n\n![${title}](pictures/gallery/${name}.png)\n${caption}`
}

mkdirSync(here('docs/pictures/gallery'), { recursive: true })
for (const search of SEARCHES) bench([...search.split(' '), '--quiet'])
const sections: string[] = []
for (const picture of pictures) sections.push(await section(picture))
rmSync(work, { recursive: true })
const head = `# Gallery

Every kind of figure, below the command that draws it from the reports of this repository. The picture's ending names its format: PNG,
SVG or PDF. All figures of your own runs stand together on the page of \`bench report\`. Written by \`npm run gallery\`.

The runs in \`runs\` and \`black-box\`, of which the reports lack probes, losses or architectures, were made by

${SEARCHES.map((search) => `    bench ${search}`).join('\n')}
`
writeAtomically(here('docs/gallery.md'), [head, ...sections].join('\n'))
