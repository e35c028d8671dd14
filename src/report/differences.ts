/** Finds the settings in which records differ, such as the jobs of two runs. */
import { classWeightsText } from '../core/classWeights.ts'

/** Returns the dotted names of the fields in which nested objects differ, such as `network.channels`. */
export function differingKeys(records: readonly object[]): readonly string[] {
  const flat = records.map(flatten)
  const keys = [...new Set(flat.flatMap((record) => [...record.keys()]))]
  return keys.filter((key) => new Set(flat.map((record) => record.get(key))).size > 1)
}

/**
 * Returns the fields of a nested object by dotted name, as text: { a: { b: 1 } } becomes `a.b` ↦ `1`, and a list its
 * items with commas. Weights of classes are one field, since an object with one for each would be too long a label.
 */
export function flatten(record: object): ReadonlyMap<string, string> {
  const entries = Object.entries(record).flatMap(([key, value]): [string, string][] =>
    key === 'classWeights' && value !== undefined
      ? [[key, classWeightsText(value)]]
      : typeof value === 'object' && value !== null && !Array.isArray(value)
        ? [...flatten(value)].map(([inner, text]) => [`${key}.${inner}`, text])
        : [[key, textOf(value)]],
  )
  return new Map(entries)
}

/** Returns a value as text: a text as it is, a list of texts and numbers with commas, else as JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const isPlain = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== 'object')
  return isPlain ? value.join(',') : JSON.stringify(value)
}
