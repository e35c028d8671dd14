/**
 * Makes the table of hyper-parameters: each setting of the compared searches with its value and the source that its
 * preset names.
 */
import { builtinAlgorithms } from '../../algorithms/index.ts'
import type { Algorithm } from '../../core/algorithm.ts'
import type { Job } from '../../core/result.ts'
import { presets } from '../../protocols/index.ts'
import { citedProtocol, listSources } from '../../protocols/preset.ts'
import { describeOptions } from '../../runner/plan/algorithmOptions.ts'
import { groupBy } from '../../system/groupBy.ts'
import { canonicalJson } from '../../system/json.ts'
import { flatten } from '../differences.ts'
import { type Tabular, wordTable } from '../formats/tabular.ts'
import { groupByMethod } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

interface Choice {
  readonly setting: string
  readonly value: string
  readonly source: string
  /** Whether the value is neither that of the preset nor the default of the algorithm. */
  readonly isSetByUser: boolean
}

const BY_USER = 'set for these runs'

/** Returns the table of hyper-parameters: each setting and value with its source and the methods that have it. */
export function hyperparameterTable(runs: readonly RunRecord[]): Tabular {
  const choices = groupByMethod(runs).flatMap(({ label, runs: [{ manifest }] }) =>
    choicesOf(manifest.job).map((choice) => ({ ...choice, label })),
  )
  const groups = groupBy(choices, ({ setting, value, source }) => canonicalJson([setting, value, source]))
  const all = new Set(choices.map(({ label }) => label)).size
  const rows = [...groups.values()].map((same) => {
    const [{ setting, value, source }] = same
    const labels = [...new Set(same.map(({ label }) => label))]
    return [setting, value, labels.length === all ? 'all' : labels.join(', '), source]
  })
  const table = wordTable(['setting', 'value', 'methods', 'source'], rows, [
    'Of a protocol: the paper or public file that it cites for the value. Of an option: whether the value is the default of the algorithm, and what the option is, with its place in the paper of the method.',
  ])
  return {
    ...table,
    columns: table.columns.map((column) => (column.key === 'source' ? { ...column, title: 'Chosen by' } : column)),
  }
}

/** Returns the settings of a run that are neither those of its preset nor defaults of its algorithm, with their values. */
export const settingsByUser = ({ manifest }: RunRecord): readonly string[] =>
  choicesOf(manifest.job).flatMap((choice) => (choice.isSetByUser ? [`${choice.setting}=${choice.value}`] : []))

function choicesOf({ algorithm, protocol, space, dataset, executor }: Job): readonly Choice[] {
  const options = optionChoices(algorithm)
  if (executor === undefined) return options
  const preset = presets.find(({ name }) => name === protocol.name.split(':')[0])
  const known = preset && citedProtocol(preset, { space, dataset: dataset.name, algorithm: algorithm.name })
  const sources = new Map((known ? listSources(known) : []).map(({ path, value, source }) => [path, { value, source }]))
  const { name: _, headline: __, ...settings } = protocol
  const values = [...flatten(settings)].map(([setting, value]): Choice => {
    const cited = sources.get(setting)
    const isCited = cited !== undefined && textOf(cited.value) === value
    const source = isCited ? cited.source : `${BY_USER} (${protocol.name})`
    return { setting, value, source, isSetByUser: !isCited }
  })
  return [...values, ...options]
}

/** Returns the options of an algorithm. What an option of a built-in algorithm is, its schema describes. */
function optionChoices({ name, options, plugin }: Job['algorithm']): readonly Choice[] {
  const builtIn = (builtinAlgorithms as Readonly<Record<string, Algorithm>>)[name]
  const known = new Map(
    plugin === undefined && builtIn !== undefined ? describeOptions(builtIn).map((each) => [each.name, each]) : [],
  )
  return Object.entries(options).flatMap(([option, given]) => {
    const { byDefault, description = '' } = known.get(option) ?? {}
    const isDefault = byDefault !== undefined && canonicalJson(byDefault) === canonicalJson(given)
    const chosen = isDefault ? 'default of the algorithm' : BY_USER
    const source = !known.has(option) ? 'option of a plugin' : description === '' ? chosen : `${chosen}: ${description}`
    return [...flatten({ [option]: given })].map(
      ([key, value]): Choice => ({ setting: `${name}.${key}`, value, source, isSetByUser: !isDefault }),
    )
  })
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
