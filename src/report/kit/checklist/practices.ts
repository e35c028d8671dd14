/**
 * The questions of Lindauer and Hutter, Best Practices for Scientific Research on Neural Architecture Search, JMLR 2020,
 * each with how the records answer it.
 */
import { pluralize } from '../../../core/plainText.ts'
import { distinct, groupBy } from '../../../system/groupBy.ts'
import { canonicalJson } from '../../../system/json.ts'
import { isRetrained } from '../../comparison/retrainedRuns.ts'
import type { Method } from '../../methods.ts'
import { isRandomSampling, isRandomSearch } from '../../randomMethods.ts'
import { datasetOf, isFinished, isImported, type RunRecord } from '../../runRecord.ts'
import { settingsByUser } from '../hyperparameters.ts'
import { type Facts, named } from './facts.ts'
import { cite, computeReply, detailsReply, type Item, type Reply, severalSeeds, yesExcept } from './replies.ts'

/** Returns sentences about the settings in which the compared searches differ though a fair comparison shares them. */
function mixedSettings({ runs, searches }: Facts): string[] {
  const jobs = runs.filter((run) => !isImported(run)).map(({ manifest }) => manifest.job)
  const shared = {
    protocols: jobs.map(({ protocol }) => protocol.name),
    'search spaces': jobs.map(({ space }) => space),
    'lookup tables': jobs.map(({ table }) => table && `${table.name} (SHA-256 ${table.sha256.slice(0, 16)})`),
  }
  const several = Object.entries(shared).flatMap(([what, values]) => {
    const found = distinct(values.map((value) => value ?? 'none'))
    return found.length > 1 ? [`There are ${found.length} ${what}: ${found.join(', ')}.`] : []
  })
  const datasetsOf = (method: Method) => canonicalJson(distinct(method.runs.map((run) => datasetOf(run))).sort())
  const trainings = jobs.flatMap(({ dataset, retraining }) =>
    retraining ? [[dataset.name, canonicalJson(retraining.settings)]] : [],
  )
  const trained = [...groupBy(trainings, ([dataset]) => dataset).values()]
  const data = jobs.filter(({ executor }) => executor !== undefined).map(({ protocol }) => canonicalJson(protocol.data))
  return [
    ...several,
    ...(distinct(searches.map(datasetsOf)).length > 1 ? ['Not every method has runs on the same datasets.'] : []),
    ...(distinct(data).length > 1 ? ['The splits or augmentations of the searches differ.'] : []),
    ...(trained.some((same) => distinct(same.map(([, settings]) => settings)).length > 1)
      ? ['The settings of the full trainings differ.']
      : []),
  ]
}

/** Answers for how many of the finished runs of searches something holds. */
function ofSearches({ searches }: Facts, has: (run: RunRecord) => boolean, yes: string, no: string): Reply {
  const lacking = searches.filter(({ runs }) => !runs.filter(isFinished).some(has)).map(({ label }) => label)
  if (lacking.length === searches.length) return ['No', no]
  return lacking.length === 0 ? ['Yes', yes] : ['Partly', `Not for ${lacking.join(', ')}. ${yes}`]
}

export const NAS: readonly Item[] = [
  {
    question: 'Is the code of the training pipeline of final architectures released?',
    answer: (facts) => {
      const { runs, licences } = facts
      const isKnown = ({ manifest: { job } }: RunRecord) =>
        licences.some(({ name, licence }) => name === `table ${job.table?.name}` && licence !== undefined)
      const without = runs.filter((run) => !isRetrained(run) && run.manifest.job.table === undefined)
      const foreign = distinct(
        runs.flatMap((run) => (run.manifest.job.table && !isKnown(run) ? [run.manifest.job.table.name] : [])),
      )
      if (without.length === runs.length) return ['No', 'Architectures were neither looked up nor trained in full.']
      const known = facts.tables.filter((text) => !foreign.some((name) => text.startsWith(`${name} (`)))
      const sentences = [
        ...(runs.some(isRetrained)
          ? ['Architectures were trained in full by this program (src/retrain), with the settings in the records.']
          : []),
        ...(known.length > 0
          ? [`Architectures were looked up in ${known.join(', ')}, whose training pipeline is published with it.`]
          : []),
      ]
      const more = [
        ...(without.length > 0
          ? [
              `Neither looked up nor trained in full: ${pluralize(without.length, 'run')} (${named(without, facts.labels)}).`,
            ]
          : []),
        ...(foreign.length > 0
          ? [
              `Whether the training pipeline of the table ${foreign.join(', ')} is published is not known to this program.`,
            ]
          : []),
      ]
      const [short, text] = yesExcept(facts, ['edited'], () => sentences.join(' '), more)
      return [sentences.length === 0 ? 'No' : short, text]
    },
  },
  {
    question: 'Is the code of the NAS methods released?',
    answer: (facts) => {
      const builtIn = facts.searches.filter(
        ({ runs: [run] }) => !isImported(run) && run.manifest.job.algorithm.plugin === undefined,
      )
      return yesExcept(
        facts,
        ['imported', 'plugin'],
        () => `Built into this program, open source: ${builtIn.map(({ label }) => label).join(', ') || 'no search'}.`,
      )
    },
  },
  {
    question: 'Do all methods use the same data, splits, space and evaluation?',
    answer: (facts) => {
      const mixed = mixedSettings(facts)
      const [short, text] = yesExcept(
        facts,
        ['edited', 'imported', 'plugin'],
        (every) =>
          mixed.length > 0
            ? 'A comparison across protocols or tables is refused unless it is marked.'
            : `The protocol of ${every} is ${facts.protocols.join(', ')}; ${facts.tables.length > 0 ? `looked up in ${facts.tables.join(', ')}` : 'no lookup table'}.`,
        mixed,
      )
      return [mixed.length > 0 ? 'No' : short, text]
    },
  },
  {
    question: 'Are confounding factors controlled: hardware, versions, initialisation?',
    answer: (facts) => {
      const { machines, versions, executors } = facts
      const several = [
        ...(machines.length > 1 ? [`${machines.length} machines.`] : []),
        ...(versions.length > 1 ? [`${versions.length} versions of the program or of Node.js.`] : []),
        ...(executors.length > 1 ? [`${executors.length} executors.`] : []),
      ]
      return yesExcept(
        facts,
        ['edited', 'imported', 'plugin'],
        () =>
          `Machines: ${machines.join('; ')}. Program: ${versions.join(', ')}. Executors: ${executors.join(', ') || 'none'}. Initial weights and data order come from the seed.`,
        several,
      )
    },
  },
  {
    question: 'Are there ablations?',
    answer: (facts) => {
      const searched = facts.searches.filter((method) => !isRandomSampling(method))
      const own = searched.filter(({ runs }) => runs.some((run) => isFinished(run) && !isImported(run)))
      const variants = [...groupBy(own, ({ algorithm }) => algorithm).values()].filter((same) => same.length > 1)
      return variants.length > 0
        ? yesExcept(
            facts,
            ['edited'],
            () =>
              `Variants of one method: ${variants
                .flat()
                .map(({ label }) => label)
                .join(', ')}.`,
          )
        : ['No', 'No method was run with different options.']
    },
  },
  {
    question: 'Is performance shown over time?',
    answer: (facts) =>
      ofSearches(
        facts,
        ({ epochs, result }) => epochs.length > 1 || result?.oracle !== undefined,
        'Every epoch and every better answer is recorded; `bench plot anytime` shows them.',
        'The records have final architectures only.',
      ),
  },
  {
    question: 'Is random search compared with?',
    answer: (facts) => {
      const random = facts.searches.filter(isRandomSearch)
      if (random.length === 0) {
        const none = 'No run of random search (the algorithm random) is among these runs'
        return [
          'No',
          facts.searches.some(isRandomSampling) ? `${none}, only random sampling (evaluations=1).` : `${none}.`,
        ]
      }
      if (!random.some(({ runs }) => runs.some(isFinished))) return ['No', 'No run of random search finished.']
      const own = new Set(random.flatMap(({ runs }) => runs))
      const { failed, unfinished, edited } = facts.exceptions
      const faulty = [...failed, ...unfinished, ...edited].filter((run) => own.has(run))
      const text = `${random.map(({ label }) => label).join(', ')}, in the same space. ${cite(facts, 'improvement.md', 'has the relative improvement')}`
      return faulty.length > 0
        ? ['Partly', `Failed, unfinished or changed: ${named(faulty, facts.labels)}. ${text}`]
        : ['Yes', text]
    },
  },
  {
    question: 'Are there several runs, with their seeds?',
    answer: (facts) => severalSeeds(facts, ['failed', 'unfinished', 'edited'], '.'),
  },
  {
    question: 'Are tabular or surrogate benchmarks used for a wider study?',
    answer: (facts) =>
      ofSearches(
        facts,
        ({ manifest }) => manifest.job.table !== undefined,
        `${facts.tables.join(', ')}.`,
        'No finished search was looked up in a table.',
      ),
  },
  {
    question: 'Is it reported how hyper-parameters were chosen?',
    answer: (facts) => {
      const chosen = distinct(facts.runs.filter((run) => !isImported(run)).flatMap(settingsByUser))
      const more = [
        ...(chosen.length > 0
          ? [
              `Only the authors know how these were chosen, which were set for these runs: ${chosen.slice(0, MOST_SETTINGS).join(', ')}${chosen.length > MOST_SETTINGS ? ` and ${chosen.length - MOST_SETTINGS} more` : ''}.`,
            ]
          : []),
        ...(facts.preliminary.length === 0 ? ['No tuning runs were named (`--preliminary`).'] : []),
      ]
      return yesExcept(
        facts,
        ['edited', 'imported', 'plugin'],
        () =>
          cite(
            facts,
            'hyperparameters.md',
            'names the source of every value: a paper, its authors’ code, or these runs',
          ),
        more,
      )
    },
  },
  { question: 'Is the time of the whole search reported?', answer: computeReply },
  { question: 'Are all details of the experiments given?', answer: detailsReply },
]

/** Largest number of settings that an answer lists. */
const MOST_SETTINGS = 8
