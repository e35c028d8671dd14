/**
 * Defines kinds of probes. A probe measures a running search at some epochs; the user chooses it by a text such as
 * `hessian:every=2,mode=full`.
 */
import { z } from 'zod'
import type { Search } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { expectation } from '../../core/parseRecord.ts'
import type { Probe, ProbeContext } from '../../core/probe.ts'

export interface ProbeKind {
  readonly name: string
  /** Description of the probe in one line, for help and lists. */
  readonly description: string
  /** Names of the probe's options. */
  readonly options: readonly string[]
  /**
   * Creates the probe with the options that the user gave as texts.
   * @throws BenchError `unknown-name` or `bad-input` for a wrong option
   */
  create(options: Readonly<Record<string, string>>): Probe
}

interface ProbeDefinition<Options extends Schedule> {
  readonly name: string
  readonly description: string
  /** Schema of the probe's options, each with a default. */
  readonly options: z.ZodObject & z.ZodType<Options>
  /** Returns the data to record for an epoch; undefined if the search lacks what this probe measures. */
  measure(search: Search, context: ProbeContext, options: Options, index: number): Promise<object | undefined>
}

/**
 * How often a probe measures: the number of epochs between two measurements. The first and the last epoch are always
 * measured.
 */
interface Schedule {
  readonly every: number
}

export const every = (epochs: number) => z.coerce.number().int().min(1).default(epochs)

export function defineProbe<Options extends Schedule>(definition: ProbeDefinition<Options>): ProbeKind {
  const { name, description, options, measure } = definition
  return {
    name,
    description,
    options: Object.keys(options.shape),
    create(given) {
      const chosen = parseOptions(definition, given)
      const isLast = (index: number, { epochs, ended }: Search) => index === epochs - 1 || ended !== undefined
      const isDue = (index: number, search: Search) => index % chosen.every === 0 || isLast(index, search)
      return {
        name,
        epoch: async (index, search, context) =>
          isDue(index, search) ? measure(search, context, chosen, index) : undefined,
      }
    },
  }
}

function parseOptions<Options extends Schedule>(
  { name, options }: ProbeDefinition<Options>,
  given: Readonly<Record<string, string>>,
): Options {
  const known = Object.keys(options.shape)
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined) throw unknownName(`option of probe ${name}`, unknown, known)
  const parsed = options.safeParse(given)
  if (parsed.success) return parsed.data as Options
  const [issue] = parsed.error.issues
  const key = String(issue.path[0])
  throw new BenchError('bad-input', `probe ${name}: ${key}=${given[key]}: ${expectation(issue)}`)
}
