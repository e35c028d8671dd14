/** An algorithm's options, from what was typed to what it takes. */
import { z } from 'zod'
import type { Algorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import type { AlgorithmRequest } from './experiment.ts'

/** Names of the options that an algorithm has. */
export function optionNames({ options }: Algorithm): readonly string[] {
  return options instanceof z.ZodObject ? Object.keys(options.shape) : []
}

/**
 * The options with defaults filled in.
 *
 * @throws BenchError `unknown-name` for an option that the algorithm lacks, `bad-input` for a value that it refuses
 */
export function resolveOptions(algorithm: Algorithm, given: AlgorithmRequest['options']): Record<string, unknown> {
  const known = optionNames(algorithm)
  const stranger = Object.keys(given).find((key) => !known.includes(key))
  if (stranger !== undefined) throw unknownName(`option of ${algorithm.name}`, stranger, known)
  const parsed = algorithm.options.safeParse(given)
  if (parsed.success) return parsed.data as Record<string, unknown>
  const [{ path, message }] = parsed.error.issues
  const at = path.join('.')
  throw new BenchError('bad-input', `${algorithm.name}: option ${at}=${String(given[String(path[0])])}: ${message}`)
}

/**
 * Hands `key=value` to each algorithm that has such an option, and `algorithm.key=value` to that one alone.
 *
 * @throws BenchError `unknown-name` where none has it, `bad-input` where there is no `=`
 */
export function distributeOptions(algorithms: readonly Algorithm[], lines: readonly string[]): AlgorithmRequest[] {
  const requests = algorithms.map((algorithm) => ({ algorithm, options: {} as Record<string, string> }))
  for (const line of lines) {
    const [, owner, key, value] = /^(?:([^.=]+)\.)?([^=]+)=(.*)$/s.exec(line) ?? []
    if (key === undefined) throw new BenchError('bad-input', `--option ${line} is not key=value, as in anchor=kl`)
    const owners = requests.filter(({ algorithm }) => owner === undefined || algorithm.name === owner)
    if (owners.length === 0) throw unknownName('algorithm of --option', owner, names(algorithms))
    const takers = owners.filter(({ algorithm }) => optionNames(algorithm).includes(key))
    if (takers.length === 0) {
      const having = owners.map(({ algorithm }) => algorithm.name).join(', ')
      throw unknownName(`option of ${having}`, key, new Set(owners.flatMap(({ algorithm }) => optionNames(algorithm))))
    }
    for (const { options } of takers) options[key] = value
  }
  return requests.map(({ algorithm, options }) => ({ name: algorithm.name, options }))
}

const names = (algorithms: readonly Algorithm[]): string[] => algorithms.map(({ name }) => name)
