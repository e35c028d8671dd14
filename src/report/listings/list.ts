/** The tables that `bench list` prints of algorithms, search spaces, datasets and so on. */
import type { Algorithm } from '../../core/algorithm.ts'
import type { RankScore, Score } from '../../core/score.ts'
import type { SearchSpace } from '../../core/space.ts'
import type { BackendReport } from '../../engine/index.ts'
import { listSources, type Preset } from '../../protocols/preset.ts'
import type { RetrainingPreset } from '../../retrain/presets.ts'
import { describeOptions, type OptionDescription, optionNames } from '../../runner/plan/algorithmOptions.ts'
import { LIMITS, type LimitName, limitOf } from '../../system/limits.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { type Tabular, wordTable } from '../formats/tabular.ts'

/**
 * Returns the table of algorithms.
 * @param everything whether to include the columns of sources and options, which are too wide for a terminal
 */
export function algorithmList(algorithms: readonly Algorithm[], everything: boolean): Tabular {
  const short = ({ name, kind, description }: Algorithm) => [name, kind, description]
  const long = (algorithm: Algorithm) => [
    ...short(algorithm),
    algorithm.spaces?.join(', ') ?? 'all',
    optionNames(algorithm).join(', '),
    algorithm.source,
  ]
  const titles = ['name', 'kind', 'description']
  if (everything) return wordTable([...titles, 'spaces', 'options', 'source'], algorithms.map(long))
  return wordTable(titles, algorithms.map(short), ['`bench list algos --json` prints options and sources, too.'])
}

/**
 * Returns the table of training-free scores.
 * @param everything whether to include the columns of sources and seeds, which are too wide for a terminal
 */
export function scoreList(scores: readonly (Score | RankScore)[], everything: boolean): Tabular {
  const short = (score: Score | RankScore) => [score.name, score.better, readsOf(score), score.description]
  const titles = ['name', 'better', 'reads', 'description']
  if (everything) {
    const long = (score: Score | RankScore) => [...short(score), score.source]
    return wordTable([...titles, 'source'], scores.map(long))
  }
  return wordTable(titles, scores.map(short), [
    'A+B is the sum of the ranks of scores A and B. `bench list scores --json` prints sources, too.',
  ])
}

const readsOf = (score: Score | RankScore): string => ('parts' in score ? 'ranks' : score.reads)

export function spaceList(spaces: readonly SearchSpace[]): Tabular {
  return wordTable(
    ['name', 'architectures', 'edges', 'description'],
    spaces.map(({ name, numbering, edges, description }) => [
      name,
      numbering === undefined ? 'not numbered' : String(numbering.count),
      String(edges.length),
      description,
    ]),
  )
}

/**
 * Returns the table of the architectures that papers have published.
 * @param everything whether to include other names and the genotypes themselves, which are too wide for a terminal
 */
export function genotypeList(spaces: readonly SearchSpace[], everything: boolean): Tabular {
  const families = new Set(spaces.flatMap(({ family }) => family ?? []))
  const rows = [...families].flatMap(({ name: space, published = [] }) =>
    published.map(({ name, aliases, source, searchedOn, genotype }) => {
      const short = [name, space, searchedOn, source]
      return everything ? [...short, aliases.join(', '), genotype.replace(/\s+/g, ' ')] : short
    }),
  )
  const titles = ['name', 'space', 'searched on', 'source']
  if (everything) return wordTable([...titles, 'aliases', 'genotype'], rows)
  return wordTable(titles, rows, [
    'Given as --genotype NAME; `bench genotype show NAME` draws the cells. `bench list genotypes --json` prints them, too.',
  ])
}

/** Returns the table of the kinds of figures. */
export const figureList = (kinds: Readonly<Record<string, FigureDescription>>): Tabular =>
  wordTable(
    ['name', 'quantities', 'description'],
    Object.entries(kinds).map(([name, { about, quantities = {} }]) => [
      name,
      Object.keys(quantities).join(', '),
      about,
    ]),
    ['Drawn as by `bench plot hessian --out hessian.pdf`; --quantity chooses among the quantities.'],
  )

interface FigureDescription {
  readonly about: string
  readonly quantities?: Readonly<Record<string, string>>
}

export function datasetList(datasets: readonly { readonly name: string; readonly description: string }[]): Tabular {
  return wordTable(
    ['name', 'description'],
    datasets.map(({ name, description }) => [name, description]),
  )
}

export function tableList(manifests: readonly Manifest[]): Tabular {
  return wordTable(
    ['name', 'space', 'rows', 'columns', 'source', 'sha256'],
    manifests.map(({ name, space, rows, architectures, columns, source, table }) => [
      name,
      space,
      architectures === null || rows === architectures ? String(rows) : `${rows} of ${architectures}`,
      String(columns.length),
      `${source.format}: ${source.name}`,
      table.sha256.slice(0, 12),
    ]),
  )
}

export function backendList(reports: readonly BackendReport[]): Tabular {
  return wordTable(
    ['name', 'available', 'detail'],
    reports.map(({ backend, available, detail }) => [backend, available ? 'yes' : 'no', detail]),
  )
}

export function protocolList(presets: readonly Preset[]): Tabular {
  return wordTable(
    ['name', 'epochs', 'batch size', 'network', 'description'],
    presets.map(({ name, description, values: { epochs, batchSize, network } }) => [
      name,
      String(epochs.value),
      String(batchSize.value),
      `C=${network.channels.value} N=${network.depth.value}`,
      description,
    ]),
    ['`bench list protocols --json` prints every value with its source.'],
  )
}

export function retrainingPresetList(presets: readonly RetrainingPreset[]): Tabular {
  return wordTable(
    ['name', 'description'],
    presets.map(({ name, description }) => [name, description]),
    ['`bench list presets --json` prints every value with its source.'],
  )
}

/**
 * Returns, for JSON output, every setting of every preset of full trainings, with its source in a paper or a paper's
 * code.
 */
export function retrainingPresetSources(presets: readonly RetrainingPreset[]): unknown {
  return presets.map(({ name, description, cifar, imagenet, byFamily = {}, byDataset = {} }) => ({
    name,
    description,
    cifar: listSources(cifar),
    ...(imagenet && { imagenet: listSources(imagenet) }),
    byFamily: sourcesOfEach(byFamily),
    byDataset: sourcesOfEach(byDataset),
  }))
}

/** Returns, for JSON output, every setting of every search protocol, with its source in a paper or a paper's code. */
export function protocolSources(presets: readonly Preset[]): unknown {
  return presets.map(({ name, description, values, bySpace = {}, byDataset = {}, byAlgorithm = {} }) => ({
    name,
    description,
    values: listSources(values),
    bySpace: sourcesOfEach(bySpace),
    byDataset: sourcesOfEach(byDataset),
    byAlgorithm: sourcesOfEach(byAlgorithm),
  }))
}

export function probeList(
  probes: readonly { readonly name: string; readonly description: string; readonly options: readonly string[] }[],
): Tabular {
  return wordTable(
    ['name', 'options', 'description'],
    probes.map(({ name, options, description }) => [name, options.join(', '), description]),
  )
}

const sourcesOfEach = (parts: Readonly<Record<string, object>>) =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, listSources(part)]))

/**
 * Largest width of the column `Default` in the table of options, in characters. A longer default, such as an
 * architecture, would push the descriptions off the screen.
 */
const DEFAULT_WIDTH = 24

/**
 * Returns the table of all options of all algorithms.
 * @param whole whether long default values are shown in full
 */
export function optionList(algorithms: readonly Algorithm[], whole: boolean): Tabular {
  const shown = ({ byDefault, isRequired }: OptionDescription) => {
    const text = isRequired ? 'required' : String(byDefault ?? '')
    return whole || text.length <= DEFAULT_WIDTH ? text : `${text.slice(0, DEFAULT_WIDTH - 1)}…`
  }
  return wordTable(
    ['algorithm', 'option', 'default', 'description'],
    algorithms.flatMap((algorithm) =>
      describeOptions(algorithm).map((option) => [algorithm.name, option.name, shown(option), option.description]),
    ),
    ['Given as --option option=value, or --option algorithm.option=value.'],
  )
}

/**
 * Returns the table of the limits on the sizes of input files, with their current values, which `--raise` may have
 * changed.
 */
export const limitList = (): Tabular =>
  wordTable(
    ['name', 'value', 'unit', 'bounds'],
    Object.entries(LIMITS).map(([name, { unit, meaning }]) => [
      name,
      String(limitOf(name as LimitName)),
      unit,
      meaning,
    ]),
    ['--raise name=value raises one, on every command'],
  )
