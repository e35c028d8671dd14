/**
 * Adds options to every algorithm with architecture parameters: a rule that stops a search early, a limit on the skip
 * connections of the derived architecture, and a selection step after the last epoch. Like other options, they are part
 * of a job and its identity. The algorithms themselves do not implement them.
 */
import { z } from 'zod'
import type { Algorithm, RelaxedSearch, Search } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { checkEarlyStop, type EarlyStopOptions, earlyStopOptions, earlyStopped } from './earlyStopping.ts'
import { dependentOptions, optionalChoice, optionalCount } from './options.ts'
import { selectedByPerturbation } from './perturbation.ts'
import { checkFewSkips, withFewSkips } from './skips.ts'

/** Number of epochs of tuning between two decisions of the selection, in the code of DARTS-PT. */
const TUNE = 5

const fewSkips = {
  mostSkips: optionalCount(
    'largest number of skip connections in the derived normal cell (P-DARTS has 2); default: no limit',
    0,
  ),
}

const selection = {
  select: optionalChoice(['perturbation'], 'select the architecture after the search, as DARTS-PT; default: by α'),
  selectTune: optionalCount(`epochs of training between two decisions of select; default: ${TUNE} (DARTS-PT)`, 0),
}

/** Options of the stages, as typed by the user. */
export interface StageOptions extends EarlyStopOptions {
  readonly mostSkips?: number
  readonly select?: 'perturbation'
  readonly selectTune?: number
}

/**
 * Returns the algorithm with three features added, each with its own options: early stopping, a limit on skip
 * connections, and `select`, another way to choose the final architecture than by the largest α. If none of the options
 * is given, the algorithm searches as before. Its searches must have the member `relaxed`: the search network with α.
 * @param ofDerivation names of the algorithm's options that matter only where α decides the final architecture; with
 * `select` they would have no effect
 * @param without features that the algorithm does not get, because they would do nothing for it
 * @throws Error if the algorithm's options are not a zod object
 */
export function withStages<Options>(
  algorithm: Algorithm<Options>,
  ofDerivation: readonly (string & keyof Options)[] = [],
  without: readonly ('earlyStop' | 'select')[] = [],
): Algorithm<Options & StageOptions> {
  const own: unknown = algorithm.options
  if (!(own instanceof z.ZodObject)) throw new Error(`${algorithm.name}: withStages expects options as z.strictObject`)
  const limited = own.safeExtend(fewSkips)
  const selecting = without.includes('select') ? limited : selectionOptions(limited)
  const options = without.includes('earlyStop') ? selecting : earlyStopOptions(selecting)
  return {
    ...algorithm,
    options: options as unknown as z.ZodType<Options & StageOptions>,
    check(planned, given) {
      algorithm.check?.(planned, given)
      checkEarlyStop(algorithm.name, planned, given)
      const { mostSkips } = given
      if (mostSkips !== undefined) checkFewSkips(planned.space, mostSkips, `${algorithm.name}: mostSkips=${mostSkips}`)
      if (given.select === undefined) return
      const refuse = (found: string) => {
        throw new BenchError('bad-input', `${algorithm.name}: ${found}; leave one of them out`)
      }
      if (given.mostSkips !== undefined)
        refuse('mostSkips limits a derivation by α, and select=perturbation makes none')
      for (const name of ofDerivation) {
        if (given[name] !== (own.shape[name] as z.ZodType).parse(undefined))
          refuse(`${name} is of a derivation by α, and select=perturbation makes none`)
      }
      if (given.earlyStop === 'eigenvalue') {
        refuse('earlyStop=eigenvalue answers with an earlier architecture, and select=perturbation with a later one')
      }
    },
    idleUnder(given, protocol) {
      const idle = algorithm.idleUnder?.(given, protocol) ?? {}
      if (given.select === undefined && given.earlyStop !== 'eigenvalue') return idle
      // These stages measure the search network on the architecture half.
      return Object.fromEntries(Object.entries(idle).filter(([setting]) => !setting.endsWith('Portion')))
    },
    async search(context, given) {
      const search = requireRelaxed(algorithm, await algorithm.search(context, given))
      const derived = given.mostSkips === undefined ? search : withFewSkips(context.space, search, given.mostSkips)
      const stopped = earlyStopped(context, derived, given)
      if (given.select === undefined) return stopped
      return selectedByPerturbation(context, stopped, { tune: given.selectTune ?? TUNE })
    },
  }
}

/** Adds the options of the selection to the zod schema of an algorithm's options. */
const selectionOptions = (own: z.ZodObject): z.ZodObject =>
  dependentOptions(
    own.safeExtend(selection),
    ['selectTune'],
    ({ select }) => select !== undefined,
    'select=perturbation',
  )

function requireRelaxed(
  { name }: Pick<Algorithm, 'name'>,
  search: Search,
): Search & { readonly relaxed: RelaxedSearch } {
  if (search.relaxed === undefined) throw new Error(`${name}: withStages expects a search with architecture parameters`)
  return search as Search & { readonly relaxed: RelaxedSearch }
}
