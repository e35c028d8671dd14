/**
 * Makes the table of hyper-parameters: each setting of the compared searches with its value and the source that its
 * preset names.
 */
import type { Job } from '../../core/result.ts'
import { presets } from '../../protocols/index.ts'
import { citedProtocol, listSources } from '../../protocols/preset.ts'
import { groupBy } from '../../system/groupBy.ts'
import { canonicalJson } from '../../system/json.ts'
import { type Tabular, wordTable } from '../formats/tabular.ts'
import { flatten, groupByMethod } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

interface Choice {
  readonly setting: string
  readonly value: string
  readonly source: string
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
    'Source: the paper or public file that the protocol cites for the value. Options of an algorithm have their sources in docs/algorithms.md.',
  ])
  return {
    ...table,
    columns: table.columns.map((column) => (column.key === 'source' ? { ...column, title: 'Chosen by' } : column)),
  }
}

function choicesOf({ algorithm, protocol, space, dataset, executor }: Job): readonly Choice[] {
  const options = [...flatten(algorithm.options)].map(
    ([key, value]): Choice => ({ setting: `${algorithm.name}.${key}`, value, source: 'option of the algorithm' }),
  )
  if (executor === undefined) return options
  const preset = presets.find(({ name }) => name === protocol.name.split(':')[0])
  const known = preset && citedProtocol(preset, { space, dataset: dataset.name, algorithm: algorithm.name })
  const sources = new Map((known ? listSources(known) : []).map(({ path, value, source }) => [path, { value, source }]))
  const { name: _, headline: __, ...settings } = protocol
  const values = [...flatten(settings)].map(([setting, value]): Choice => {
    const cited = sources.get(setting)
    const isCited = cited !== undefined && textOf(cited.value) === value
    return { setting, value, source: isCited ? cited.source : `${BY_USER} (${protocol.name})` }
  })
  return [...values, ...options]
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
