/** Answers to the questions that several checklists ask, each with its evidence. */
import { capitalize, pluralize } from '../../../core/plainText.ts'
import { distinct } from '../../../system/groupBy.ts'
import { isImported } from '../../runRecord.ts'
import { hoursText } from '../ledger.ts'
import { whyNotRepeated } from '../reproduce.ts'
import { EXCEPTION_WORDS, type Exceptions, type Facts, isOfPlugin, named } from './facts.ts'

type Answer = 'Yes' | 'No' | 'Partly' | 'Not applicable' | 'For the authors'
/** An answer with the sentences that support it. */
export type Reply = readonly [answer: Answer, evidence: string]

/** A question of a checklist, and how the facts answer it. */
export interface Item {
  readonly question: string
  answer(facts: Facts): Reply
}

/**
 * Returns `Yes` with the evidence if it holds for all runs. Otherwise returns `Partly`, or `No` if it holds for no run,
 * and names what it does not hold for.
 * @param kinds groups of runs for which the evidence does not hold
 * @param evidence makes the text from the words for the runs that it holds for: `every run` or `every other run`
 * @param more further sentences, each a reason why the answer is not a plain Yes
 */
export function yesExcept(
  { runs, exceptions, labels }: Facts,
  kinds: readonly (keyof Exceptions)[],
  evidence: (every: string) => string,
  more: readonly string[] = [],
): Reply {
  const found = kinds.filter((kind) => exceptions[kind].length > 0)
  const excepted = new Set(found.flatMap((kind) => exceptions[kind]))
  const names = found.map(
    (kind) => `${EXCEPTION_WORDS[kind](exceptions[kind].length)} (${named(exceptions[kind], labels)})`,
  )
  const not = names.length > 0 ? [`Not for ${names.join('; ')}.`] : []
  if (runs.length > 0 && excepted.size === runs.length) return ['No', [...not, ...more].join(' ')]
  const sentences = [...not, ...more, evidence(excepted.size > 0 ? 'every other run' : 'every run')]
  return [not.length + more.length > 0 ? 'Partly' : 'Yes', sentences.join(' ').trim()]
}

/** Returns a sentence that cites a file beside the checklist, or says how it is made if it does not lie there. */
export const cite = ({ files }: Facts, name: string, what: string): string =>
  files.has(name) ? `${name} ${what}.` : `\`bench report --folder DIR --kit\` writes ${name}, which ${what}.`

/** Returns a question that only the authors can answer. */
export const authors = (question: string): Item => ({
  question,
  answer: () => ['For the authors', 'The records of runs say nothing about it.'],
})

/** Returns the finished seeds of the searches as text: `4 seeds of every search (0–3)`. */
function seedsText({ seedCounts, seeds }: Facts): string {
  const counts = [...seedCounts.values()]
  const [least, most] = counts.length === 0 ? [0, 0] : [Math.min(...counts), Math.max(...counts)]
  const list = seeds === '' ? '' : ` (${seeds})`
  return least === most
    ? `${pluralize(most, 'finished seed')} of every search${list}`
    : `${least} to ${most} finished seeds of each search${list}`
}

const LEAST_SEEDS = 2

/** Returns the labels of the searches with too few finished seeds for a spread, each with its number of seeds. */
const rareSearches = ({ seedCounts }: Facts): string[] =>
  [...seedCounts].flatMap(([label, count]) => (count < LEAST_SEEDS ? [`${label} (${count})`] : []))

/** Answers a question about seeds: `No` if no search has several, `Partly` if some have not or if runs are missing. */
export function severalSeeds(facts: Facts, kinds: readonly (keyof Exceptions)[], evidence: string): Reply {
  const rare = rareSearches(facts)
  const seeds = `${capitalize(seedsText(facts))}`
  const why = `fewer than ${LEAST_SEEDS} seeds have no spread`
  if (rare.length === facts.seedCounts.size) return ['No', `${seeds}: ${why}.`]
  const few = rare.length > 0 ? [`Not for ${rare.join(', ')}: ${why}.`] : []
  return yesExcept(facts, kinds, () => `${seeds}${evidence}`, few)
}

/** Answers a question about the compute of all runs. The answer is `Yes` only if no run's time is unknown. */
export function computeReply(facts: Facts): Reply {
  const { compute, preliminary, exceptions } = facts
  if (compute.runs === 0)
    return ['No', `The time of imported runs is unknown (${named(exceptions.imported, facts.labels)}).`]
  const trials =
    preliminary.length > 0 ? `, preliminary runs included (${preliminary.map(({ name }) => name).join(', ')})` : ''
  const runs = [compute, ...preliminary].reduce((sum, part) => sum + part.runs, 0)
  const untimed =
    compute.untimed > 0
      ? [`The time of ${pluralize(compute.untimed, 'run')} without a result was not recorded and is not counted.`]
      : []
  const more = [
    ...untimed,
    ...(preliminary.length === 0
      ? ['No preliminary runs were named (`--preliminary`); only if there were none, the answer is Yes.']
      : []),
  ]
  const counted = `${hoursText([compute, ...preliminary])} over ${pluralize(runs, 'run')}${compute.failed > 0 ? ', failed ones included' : ''}${trials}`
  return yesExcept(
    facts,
    ['edited', 'imported'],
    () =>
      `${counted}${facts.machines.length > 0 ? `, on ${facts.machines.join('; ')}` : ''}. ${cite(facts, 'compute.md', 'has them by method')}`,
    more,
  )
}

/** Answers whether all details are in the records: those of imported runs and in the code of plugins are not. */
export function detailsReply(facts: Facts): Reply {
  const commented = distinct(
    facts.runs.flatMap((run) => {
      const { job } = run.manifest
      const why = isImported(run) || isOfPlugin(run) ? undefined : whyNotRepeated(job)
      return why === undefined ? [] : [`${job.algorithm.name}, which ${why}`]
    }),
  )
  const rounding =
    facts.executors.length === 0
      ? []
      : facts.isDeterministic
        ? []
        : [`The arithmetic of ${facts.executors.join(', ')} may round differently on other machines.`]
  return yesExcept(
    facts,
    ['edited', 'imported', 'plugin'],
    (every) =>
      `All settings of ${every} are in its record. ${cite(facts, 'reproduce.sh', `repeats ${every}`)}${
        facts.executors.length > 0 && facts.isDeterministic
          ? ' The arithmetic is deterministic: the same commands give the same bits.'
          : ''
      }`,
    [
      ...rounding,
      ...(commented.length > 0 ? [`reproduce.sh does not repeat the runs of ${commented.join('; ')}.`] : []),
    ],
  )
}
