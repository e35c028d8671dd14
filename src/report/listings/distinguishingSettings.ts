/** Finds the settings by which runs in a list can be told apart. */
import type { Job } from '../../core/result.ts'
import type { RunStatus } from '../../runner/status.ts'
import { distinct, groupBy } from '../../system/groupBy.ts'
import { canonicalJson, contentName } from '../../system/json.ts'
import { differingKeys, flatten } from '../differences.ts'

/** Largest number of characters of one option's value that are shown. */
const LONGEST_VALUE = 40
/** Number of characters of a hash that are shown. */
const HASH_DIGITS = 8

type ListedRun = Pick<RunStatus, 'id' | 'job'>

/**
 * Returns the settings by which runs can be told apart, by the run's id: those in which the variants of an algorithm
 * differ (options and budget, such as `progressive=true`), and those in which runs differ that would look the same
 * without them, such as `probes=hessian`. The result is empty if there are none.
 * @param shownBeside returns what a list shows of a run beside algorithm, options, dataset and seed
 */
export function distinguishingSettings<Run extends ListedRun>(
  runs: readonly Run[],
  shownBeside: (run: Run) => unknown = () => null,
): ReadonlyMap<string, string> {
  const variants = variantSettings(runs)
  const found = new Map(variants)
  for (const own of groupBy(runs, ({ job }) => job.algorithm.name).values()) {
    const alike = groupBy(own, (run) => {
      const { id, job } = run
      return canonicalJson([variants.get(id) ?? null, job.dataset.name, job.seed, shownBeside(run)])
    })
    const keys = distinct([...alike.values()].flatMap(distinguishingKeys))
    if (keys.length === 0) continue
    for (const { id, job } of own) {
      found.set(id, [variants.get(id) ?? '', textOf(flatten(job), keys)].filter(Boolean).join(', '))
    }
  }
  return found
}

/** Returns the options and the budget in which the variants of an algorithm differ, by the run's id. */
function variantSettings(runs: readonly ListedRun[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const own of groupBy(runs, ({ job }) => job.algorithm.name).values()) {
    const variants = groupBy(own, ({ job }) => canonicalJson(settingsOf(job)))
    if (variants.size === 1) continue
    const all = [...variants.values()].map(([{ job }]) => settingsOf(job))
    const keys = [...new Set(all.flatMap((each) => Object.keys(each)))].filter(
      (key) => new Set(all.map((each) => canonicalJson([each[key] ?? null]))).size > 1,
    )
    for (const [i, alike] of [...variants.values()].entries()) {
      const text = keys
        .filter((key) => all[i][key] !== undefined)
        .map((key) => `${key}=${shortened(all[i][key])}`)
        .join(', ')
      for (const { id } of alike) found.set(id, text)
    }
  }
  return found
}

const settingsOf = ({ algorithm, budgetSeconds }: Job): Readonly<Record<string, unknown>> => ({
  ...algorithm.options,
  ...(budgetSeconds !== undefined && { budget: budgetSeconds }),
})

/** Settings of a job that are shown before others, which often follow from them. */
const FIRST = ['probes', 'space', 'table.name', 'protocol.name', 'retraining.settings.preset']

/**
 * Returns the settings that tell apart runs that look the same: as few as do. Hashes are among them only if nothing
 * else differs.
 */
function distinguishingKeys(runs: readonly ListedRun[]): readonly string[] {
  if (runs.length === 1) return []
  const values = runs.map(({ job }) => flatten(job))
  const rank = (key: string) => {
    if (values.some((own) => HASH.test(own.get(key) ?? ''))) return FIRST.length + 1
    return FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length
  }
  const distinguished = (keys: readonly string[]) => distinct(values.map((own) => textOf(own, keys))).length
  let keys: readonly string[] = []
  for (const key of differingKeys(runs.map(({ job }) => job)).toSorted((a, b) => rank(a) - rank(b))) {
    const more = [...keys, key]
    if (distinguished(more) > distinguished(keys)) keys = more
  }
  return keys
}

const HASH = /^[0-9a-f]{64}$/

/** Returns flattened settings as text: `probes=hessian,skip, space=nb201`; an empty list is `none`. */
const textOf = (values: ReadonlyMap<string, string>, keys: readonly string[]): string =>
  keys.map((key) => `${key.replace(/\.name$/, '')}=${listed(values.get(key))}`).join(', ')

/** Returns a flattened value, in which lists are JSON, as text of limited length. */
const listed = (value = ''): string => shortened(value.replace(/^\[|"|\]$/g, '') || 'none')

/** Returns a value as text. Long texts, which may begin alike, are cut and followed by a hash. */
function shortened(value: unknown): string {
  const text = typeof value === 'string' || Array.isArray(value) ? String(value) : JSON.stringify(value)
  if (HASH.test(text)) return text.slice(0, HASH_DIGITS)
  return text.length > LONGEST_VALUE
    ? `${text.slice(0, LONGEST_VALUE)}… ${contentName(text).slice(0, HASH_DIGITS)}`
    : text
}
