/**
 * Fills in checklists of conferences and of good practice from the records of runs. Each answer names its evidence;
 * without evidence the answer is No. Questions that only authors can answer are left open.
 */
import { capitalize, pluralize } from '../../core/plainText.ts'
import { runId } from '../../runner/plan/identity.ts'
import { type Claims, claimsTable } from '../comparison/claims.ts'
import { reductionsOf } from '../comparison/published.ts'
import { isRetrained } from '../comparison/retrainedRuns.ts'
import { groupByMethod } from '../methods.ts'
import { importedFiles, seedList } from '../page/reproducibility.ts'
import type { RunRecord } from '../runRecord.ts'
import { BASELINE } from './improvement.ts'
import { computeOf, type PreliminaryCompute } from './ledger.ts'
import { licencesOf } from './licences.ts'

/** The runs, settings and claims from which the answers to a checklist are computed. */
export interface Evidence {
  readonly runs: readonly RunRecord[]
  /** Names of the algorithms that answer with a fixed architecture. */
  readonly references: ReadonlySet<string>
  readonly claims?: Claims
  readonly preliminary?: readonly PreliminaryCompute[]
}

type Answer = 'Yes' | 'No' | 'Partly' | 'Not applicable' | 'For the authors'

interface Item {
  readonly question: string
  answer(facts: Facts): readonly [answer: Answer, evidence: string]
}

/** The checklists by name, each with its title and the document that it comes from. */
export const checklists = {
  neurips: { title: 'NeurIPS paper checklist', about: 'the paper checklist of NeurIPS (2024 and later)' },
  nas: {
    title: 'Best practices for research on NAS',
    about: 'Lindauer and Hutter: Best Practices for Scientific Research on Neural Architecture Search, JMLR 2020',
  },
} as const

export type ChecklistName = keyof typeof checklists

/** Returns a filled-in checklist as Markdown. */
export function checklistText(name: ChecklistName, evidence: Evidence): string {
  const facts = factsOf(evidence)
  const items = name === 'neurips' ? NEURIPS : NAS
  const answers = items.map(({ question, answer }, i) => {
    const [short, why] = answer(facts)
    return `${i + 1}. **${question}**  \n   ${short}. ${why}`
  })
  return [
    `# ${checklists[name].title}`,
    '',
    `Answers that the records of ${pluralize(facts.compute.runs, 'run')} can give to ${checklists[name].about}; written by \`bench report --checklist ${name}\`. *For the authors* marks what no record can say.`,
    '',
    ...(facts.caveats.length > 0
      ? ['**Before these answers are used:**', '', ...facts.caveats.map((caveat) => `* ${caveat}`), '']
      : []),
    answers.join('\n\n'),
    '',
  ].join('\n')
}

/** Facts about all runs of a report, computed once for all questions of a checklist. */
interface Facts {
  readonly compute: ReturnType<typeof computeOf>
  readonly preliminary: readonly PreliminaryCompute[]
  readonly searches: readonly string[]
  readonly seedCounts: readonly [least: number, most: number]
  readonly seeds: string
  readonly datasets: readonly string[]
  readonly tables: readonly string[]
  readonly protocols: readonly string[]
  readonly reductions: readonly string[]
  readonly machines: readonly string[]
  readonly versions: readonly string[]
  readonly executors: readonly string[]
  readonly isDeterministic: boolean
  readonly hasRandom: boolean
  readonly hasTraces: boolean
  readonly isTrained: boolean
  readonly licences: ReturnType<typeof licencesOf>
  readonly claims?: string
  /** Sentences about failed, unfinished and third-party runs, which qualify every answer. */
  readonly caveats: readonly string[]
}

function factsOf({ runs, references, claims, preliminary = [] }: Evidence): Facts {
  const jobs = runs.map(({ manifest }) => manifest.job)
  const methods = groupByMethod(runs).filter(({ algorithm }) => !references.has(algorithm))
  const counts = methods.map(
    (method) => new Set(method.runs.flatMap(({ manifest, result }) => (result ? [manifest.job.seed] : []))).size,
  )
  const environments = runs.flatMap(({ manifest }) => [manifest.environment, ...(manifest.resumedIn ?? [])])
  const trained = jobs.filter(({ executor }) => executor !== undefined)
  return {
    compute: computeOf(runs),
    preliminary,
    searches: methods.map(({ label }) => label),
    seedCounts: counts.length === 0 ? [0, 0] : [Math.min(...counts), Math.max(...counts)],
    seeds: seedList(runs.flatMap(({ manifest, result }) => (result ? [manifest.job.seed] : []))),
    datasets: unique(jobs.map(({ dataset }) => dataset.name)),
    tables: unique(jobs.flatMap(({ table }) => (table ? `${table.name} (SHA-256 ${table.sha256.slice(0, 16)})` : []))),
    protocols: unique(jobs.map(({ protocol }) => protocol.name)),
    reductions: reductionsOf(runs),
    machines: unique(environments.map(({ cpu, platform }) => `${cpu}, ${platform}`)),
    versions: unique(environments.map(({ version, node }) => `${version} on Node.js ${node}`)),
    executors: unique(
      trained.flatMap(({ executor, arithmetic }) => `${executor}${arithmetic ? ` (${arithmetic})` : ''}`),
    ),
    isDeterministic: trained.every(({ arithmetic }) => arithmetic === 'deterministic'),
    hasRandom: methods.some(({ algorithm }) => algorithm === BASELINE),
    hasTraces: runs.some(({ epochs, result }) => epochs.length > 1 || result?.oracle !== undefined),
    isTrained: runs.some(isRetrained),
    licences: licencesOf(runs),
    ...(claims && { claims: claimsTable(runs, claims, references).notes[0] }),
    caveats: caveatsOf(runs),
  }
}

/** Returns sentences about failed, unfinished, edited and third-party runs, which the answers must mention. */
export function caveatsOf(runs: readonly RunRecord[]): string[] {
  const failed = runs.filter(({ result, failure }) => result === undefined && failure !== undefined)
  const unfinished = runs.filter(({ result, failure }) => result === undefined && failure === undefined)
  const edited = runs.filter(({ manifest: { id, job } }) => runId(job) !== id)
  const plugins = unique(
    runs.flatMap(({ manifest: { job } }) => (job.algorithm.plugin === undefined ? [] : job.algorithm.name)),
  )
  const imported = runs.filter(({ manifest }) => manifest.job.imported !== undefined)
  const protocols = unique(runs.map(({ manifest }) => manifest.job.protocol.name))
  const tables = unique(runs.map(({ manifest }) => manifest.job.table?.sha256 ?? 'none'))
  const versions = unique(runs.map(({ manifest }) => manifest.environment.version))
  return [
    ...(failed.length > 0 ? [`${pluralize(failed.length, 'run')} failed: ${named(failed)}.`] : []),
    ...(unfinished.length > 0 ? [`${pluralize(unfinished.length, 'run')} did not finish: ${named(unfinished)}.`] : []),
    ...(edited.length > 0
      ? [
          `The name of ${pluralize(edited.length, 'run')} is not the hash of its job, so its record was changed or comes from elsewhere: ${named(edited)}.`,
        ]
      : []),
    ...(imported.length > 0
      ? [
          `${pluralize(imported.length, 'run')} of other programs ${imported.length === 1 ? 'was' : 'were'} imported from ${importedFiles(imported)}; settings and compute are unknown and not counted.`,
        ]
      : []),
    ...(plugins.length > 0
      ? [
          `${plugins.join(', ')} ${plugins.length === 1 ? 'is' : 'are'} of plugins, whose code this program does not know.`,
        ]
      : []),
    ...(protocols.length > 1 ? [`The runs follow ${protocols.length} protocols: ${protocols.join(', ')}.`] : []),
    ...(tables.length > 1 ? ['The runs were not all looked up in the same table.'] : []),
    ...(versions.length > 1 ? [`The runs were made by several versions of the program: ${versions.join(', ')}.`] : []),
  ]
}

const MOST_NAMED = 4

function named(runs: readonly RunRecord[]): string {
  const names = runs.slice(0, MOST_NAMED).map(({ manifest: { job } }) => `${job.algorithm.name} seed ${job.seed}`)
  return runs.length > MOST_NAMED ? `${names.join(', ')} and ${runs.length - MOST_NAMED} more` : names.join(', ')
}

const unique = (items: readonly string[]): string[] => [...new Set(items)]

const authors = (question: string): Item => ({
  question,
  answer: () => ['For the authors', 'The records of runs say nothing about it.'],
})

const seedsText = ({ seedCounts: [least, most], seeds }: Facts): string =>
  least === most
    ? `${pluralize(most, 'seed')} of every search (${seeds})`
    : `${least} to ${most} seeds of each search (${seeds})`

const computeText = ({ compute, preliminary }: Facts): string => {
  const all = [compute, ...preliminary]
  const sum = (of: (part: (typeof all)[number]) => number) => all.reduce((total, part) => total + of(part), 0)
  const trials =
    preliminary.length > 0 ? `, preliminary runs included (${preliminary.map(({ name }) => name).join(', ')})` : ''
  return `${sum(({ cpuHours }) => cpuHours).toFixed(2)} CPU hours and ${sum(({ gpuHours }) => gpuHours).toFixed(2)} GPU hours over ${pluralize(
    sum(({ runs }) => runs),
    'run',
  )}, failed ones included${trials}`
}

const LEAST_SEEDS = 2

const NEURIPS: readonly Item[] = [
  {
    question: 'Do the main claims match the results?',
    answer: ({ claims }) =>
      claims === undefined
        ? ['No', 'No claims with rules were written down (`--claims`), so the records cannot be held against any.']
        : ['Partly', `${claims} See claims.md.`],
  },
  {
    question: 'Are the limitations discussed?',
    answer: ({ reductions, caveats }) => [
      'For the authors',
      reductions.length + caveats.length === 0
        ? 'The records show none: the runs are complete and of the papers’ size.'
        : `Limitations that the records show: ${[...reductions, ...caveats.map((each) => each.replace(/\.$/, ''))].join('; ')}.`,
    ],
  },
  {
    question: 'Are theoretical results given with assumptions and proofs?',
    answer: () => ['Not applicable', 'Runs prove nothing; if the paper has theory, it is for the authors.'],
  },
  {
    question: 'Is everything disclosed that is needed to reproduce the results?',
    answer: ({ isDeterministic, executors }) => [
      isDeterministic ? 'Yes' : 'Partly',
      `Every setting of every run is in its record, and reproduce.sh repeats the runs. ${isDeterministic ? 'The arithmetic is deterministic: the same commands give the same bits.' : `The arithmetic of ${executors.join(', ')} may round differently on other machines.`}`,
    ],
  },
  {
    question: 'Are data and code open, with instructions?',
    answer: ({ datasets, tables, caveats }) => [
      caveats.some((each) => each.includes('of plugins')) ? 'Partly' : 'Yes',
      `The program is open source (MIT), reproduce.sh has the commands; plugins are for their authors to publish. Data: ${datasets.join(', ')}${tables.length > 0 ? `; tables: ${tables.join(', ')}` : ''}. Records: runs.jsonl.gz or runs/.`,
    ],
  },
  {
    question: 'Are all training and test details specified?',
    answer: ({ protocols }) => [
      'Yes',
      `Protocols ${protocols.join(', ')}; hyperparameters.md lists every value with the source that it was chosen by, the records have splits and optimisers.`,
    ],
  },
  {
    question: 'Are error bars or significance reported, and defined?',
    answer: (facts) =>
      facts.seedCounts[0] < LEAST_SEEDS
        ? ['No', `${capitalize(seedsText(facts))}: a single seed has no spread.`]
        : [
            'Yes',
            `${capitalize(seedsText(facts))}; mean ± sample standard deviation (ddof 1) over the seeds, 95 % t intervals, paired tests with Holm's correction. The variation is that of initial weights, data order and sampling; the splits of the data are those of the protocol.`,
          ],
  },
  {
    question: 'Are the compute resources reported?',
    answer: (facts) => [
      facts.compute.untimed > 0 ? 'Partly' : 'Yes',
      `${computeText(facts)}, on ${facts.machines.join('; ')}; compute.md has them by method.${facts.compute.untimed > 0 ? ` The time of ${pluralize(facts.compute.untimed, 'run')} without a result was not recorded.` : ''}${facts.preliminary.length === 0 ? ' No preliminary runs were named (`--preliminary`).' : ''}`,
    ],
  },
  authors('Does the research conform to the code of ethics?'),
  authors('Are broader impacts discussed?'),
  {
    question: 'Are safeguards described for models or data with a high risk of misuse?',
    answer: () => ['Not applicable', 'The runs release architectures of image classifiers.'],
  },
  {
    question: 'Are existing assets credited, with their licences?',
    answer: ({ licences }) => [
      licences.every(({ licence }) => licence !== undefined) ? 'Yes' : 'Partly',
      `${licences.map(({ name, licence = 'licence not known to this program', credit }) => `${name}: ${licence}${credit === undefined ? '' : ` (${credit})`}`).join('; ')}.`,
    ],
  },
  {
    question: 'Are new assets documented?',
    answer: () => [
      'Yes',
      'The records have a documented form (docs/reports.md), and `bench verify .` in the folder of the report recomputes what it shows from them.',
    ],
  },
  {
    question: 'Are instructions to and payment of crowd workers given?',
    answer: () => ['Not applicable', 'No person took part in these runs.'],
  },
  {
    question: 'Was research with human subjects approved?',
    answer: () => ['Not applicable', 'No person took part in these runs.'],
  },
  authors('Is the use of large language models declared?'),
]

const NAS: readonly Item[] = [
  {
    question: 'Is the code of the training pipeline of final architectures released?',
    answer: ({ isTrained, tables }) =>
      isTrained
        ? ['Yes', 'Architectures were trained in full by this program (src/retrain), with the settings in the records.']
        : tables.length > 0
          ? [
              'Yes',
              `Architectures were looked up in ${tables.join(', ')}, whose training pipeline is published with it.`,
            ]
          : ['No', 'Architectures were neither looked up nor trained in full.'],
  },
  {
    question: 'Is the code of the NAS methods released?',
    answer: ({ searches, caveats }) => [
      caveats.some((each) => each.includes('of plugins')) ? 'Partly' : 'Yes',
      `Built into this program, open source: ${searches.join(', ')}.`,
    ],
  },
  {
    question: 'Do all methods use the same data, splits, space and evaluation?',
    answer: ({ protocols, tables, caveats }) => {
      const isMixed = caveats.some((each) => each.startsWith('The runs follow') || each.startsWith('The runs were not'))
      return [
        isMixed ? 'No' : 'Yes',
        `Protocol ${protocols.join(', ')}; ${tables.length > 0 ? `looked up in ${tables.join(', ')}` : 'no lookup table'}. A comparison across protocols or tables is refused unless it is marked.`,
      ]
    },
  },
  {
    question: 'Are confounding factors controlled: hardware, versions, initialisation?',
    answer: ({ machines, versions, executors }) => [
      machines.length === 1 && versions.length === 1 && executors.length <= 1 ? 'Yes' : 'Partly',
      `Machines: ${machines.join('; ')}. Program: ${versions.join(', ')}. Executors: ${executors.join(', ') || 'none'}. Initial weights and data order come from the seed.`,
    ],
  },
  {
    question: 'Are there ablations?',
    answer: ({ searches }) => {
      const variants = searches.filter((label) => label.includes('('))
      return variants.length > 0
        ? ['Yes', `Variants of one method: ${variants.join(', ')}.`]
        : ['No', 'No method was run with different options.']
    },
  },
  {
    question: 'Is performance shown over time?',
    answer: ({ hasTraces }) =>
      hasTraces
        ? ['Yes', 'Every epoch and every better answer is recorded; `bench plot anytime` shows them.']
        : ['No', 'The records have final architectures only.'],
  },
  {
    question: 'Is random search compared with?',
    answer: ({ hasRandom }) =>
      hasRandom
        ? ['Yes', 'The algorithm random, in the same space; improvement.md has the relative improvement over it.']
        : ['No', 'No run of the algorithm random is among these runs.'],
  },
  {
    question: 'Are there several runs, with their seeds?',
    answer: (facts) => [facts.seedCounts[0] >= LEAST_SEEDS ? 'Yes' : 'No', `${capitalize(seedsText(facts))}.`],
  },
  {
    question: 'Are tabular or surrogate benchmarks used for a wider study?',
    answer: ({ tables }) =>
      tables.length > 0 ? ['Yes', `${tables.join(', ')}.`] : ['No', 'No lookup table was used.'],
  },
  {
    question: 'Is it reported how hyper-parameters were chosen?',
    answer: ({ preliminary }) => [
      'Yes',
      `hyperparameters.md names the source of every value: a paper, its authors’ code, or these runs.${preliminary.length === 0 ? ' No tuning runs were named (`--preliminary`).' : ''}`,
    ],
  },
  {
    question: 'Is the time of the whole search reported?',
    answer: (facts) => [
      facts.compute.untimed > 0 ? 'Partly' : 'Yes',
      `${computeText(facts)}; compute.md has them by method.`,
    ],
  },
  {
    question: 'Are all details of the experiments given?',
    answer: () => ['Yes', 'Every job with all its settings is in the records, and reproduce.sh repeats it.'],
  },
]
