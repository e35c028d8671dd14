/**
 * Fills in checklists of conferences and of good practice from the records of runs. Each answer names its evidence;
 * without evidence the answer is No. Questions that only authors can answer are left open.
 */
import { capitalize, pluralize } from '../../core/plainText.ts'
import { IMPORTED } from '../../protocols/imported.ts'
import { runId } from '../../runner/plan/identity.ts'
import { groupBy } from '../../system/groupBy.ts'
import { canonicalJson } from '../../system/json.ts'
import { type Claims, claimsTable } from '../comparison/claims.ts'
import { reductionsOf } from '../comparison/published.ts'
import { isRetrained } from '../comparison/retrainedRuns.ts'
import { groupByMethod, type Method } from '../methods.ts'
import { importedFiles, seedList } from '../page/reproducibility.ts'
import { missingRunsText, type PlannedRuns } from '../plannedRuns.ts'
import { hasFailed, isFinished, isUnfinished, type RunRecord } from '../runRecord.ts'
import { settingsByUser } from './hyperparameters.ts'
import { BASELINE } from './improvement.ts'
import { computeOf, hoursText, type PreliminaryCompute } from './ledger.ts'
import { licencesOf } from './licences.ts'
import { usesPlugin, whyNotRepeated } from './reproduce.ts'

/** The runs, settings and claims from which the answers to a checklist are computed. */
export interface Evidence {
  readonly runs: readonly RunRecord[]
  /** Names of the algorithms that answer with a fixed architecture. */
  readonly references: ReadonlySet<string>
  readonly claims?: Claims
  readonly preliminary?: readonly PreliminaryCompute[]
  /** Names of the files that lie beside the checklist, which its answers may cite; absent: none. */
  readonly files?: ReadonlySet<string>
  /** The planned runs of the experiment; absent: not known. */
  readonly planned?: PlannedRuns
}

type Answer = 'Yes' | 'No' | 'Partly' | 'Not applicable' | 'For the authors'
type Reply = readonly [answer: Answer, evidence: string]

interface Item {
  readonly question: string
  answer(facts: Facts): Reply
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
    `Answers that the records of ${pluralize(evidence.runs.length, 'run')} can give to ${checklists[name].about}; written by \`bench report --checklist ${name}\`. *For the authors* marks what no record can say.`,
    '',
    ...(facts.caveats.length > 0
      ? ['**Before these answers are used:**', '', ...facts.caveats.map((caveat) => `* ${caveat}`), '']
      : []),
    answers.join('\n\n'),
    '',
  ].join('\n')
}

/** Groups of runs for which an answer may not hold. */
type Exceptions = Readonly<Record<keyof typeof EXCEPTION_WORDS, readonly RunRecord[]>>

/** How an answer names each group of runs for which it does not hold. */
const EXCEPTION_WORDS = {
  failed: (count: number) => pluralize(count, 'failed run'),
  unfinished: (count: number) => pluralize(count, 'unfinished run'),
  edited: (count: number) => `${pluralize(count, 'run')} whose record was changed or comes from elsewhere`,
  imported: (count: number) => `${pluralize(count, 'run')} imported from other programs`,
  plugin: (count: number) => `${pluralize(count, 'run')} of plugins`,
} as const

function exceptionsOf(runs: readonly RunRecord[]): Exceptions {
  return {
    failed: runs.filter(hasFailed),
    unfinished: runs.filter(isUnfinished),
    edited: runs.filter(({ manifest: { id, job } }) => runId(job) !== id),
    imported: runs.filter(isImported),
    plugin: runs.filter(isOfPlugin),
  }
}

const isImported = ({ manifest }: RunRecord): boolean => manifest.job.imported !== undefined
const isOfPlugin = ({ manifest }: RunRecord): boolean => usesPlugin(manifest.job)

/** Facts about all runs of a report, computed once for all questions of a checklist. */
interface Facts {
  readonly runs: readonly RunRecord[]
  readonly exceptions: Exceptions
  readonly compute: ReturnType<typeof computeOf>
  readonly preliminary: readonly PreliminaryCompute[]
  /** The searches that are compared, without the references. */
  readonly searches: readonly Method[]
  /** Number of finished seeds of each search, by its label. */
  readonly seedCounts: ReadonlyMap<string, number>
  readonly seeds: string
  readonly datasets: readonly string[]
  readonly tables: readonly string[]
  readonly protocols: readonly string[]
  readonly reductions: readonly string[]
  readonly machines: readonly string[]
  readonly versions: readonly string[]
  readonly executors: readonly string[]
  readonly isDeterministic: boolean
  readonly licences: ReturnType<typeof licencesOf>
  readonly claims?: string
  readonly files: ReadonlySet<string>
  /** Sentences about failed, unfinished and third-party runs, which qualify every answer. */
  readonly caveats: readonly string[]
}

function factsOf({ runs, references, claims, preliminary = [], files = new Set(), planned }: Evidence): Facts {
  const jobs = runs.map(({ manifest }) => manifest.job)
  const searches = groupByMethod(runs).filter(({ algorithm }) => !references.has(algorithm))
  // The environment of an imported run is that of the import; where it was computed is unknown.
  const computed = runs.filter((run) => !isImported(run))
  const environments = computed.flatMap(({ manifest }) => [manifest.environment, ...(manifest.resumedIn ?? [])])
  const trained = jobs.filter(({ executor }) => executor !== undefined)
  return {
    runs,
    exceptions: exceptionsOf(runs),
    compute: computeOf(computed),
    preliminary,
    searches,
    seedCounts: new Map(searches.map((method) => [method.label, seedsOf(method.runs).size])),
    seeds: seedList([...seedsOf(searches.flatMap((method) => method.runs))]),
    datasets: unique(jobs.map(({ dataset }) => dataset.name)),
    tables: unique(jobs.flatMap(({ table }) => (table ? `${table.name} (SHA-256 ${table.sha256.slice(0, 16)})` : []))),
    protocols: unique(jobs.map(({ protocol }) => protocol.name).filter((name) => name !== IMPORTED)),
    reductions: reductionsOf(runs),
    machines: unique(environments.map(({ cpu, platform }) => `${cpu}, ${platform}`)),
    versions: unique(environments.map(({ version, node }) => `${version} on Node.js ${node}`)),
    executors: unique(
      trained.flatMap(({ executor, arithmetic }) => `${executor}${arithmetic ? ` (${arithmetic})` : ''}`),
    ),
    isDeterministic: trained.every(({ arithmetic }) => arithmetic === 'deterministic'),
    licences: licencesOf(runs),
    ...(claims && { claims: claimsTable(runs, claims, references).notes[0] }),
    files,
    caveats: [missingRunsText(planned) ?? [], caveatsOf(runs)].flat(),
  }
}

const seedsOf = (runs: readonly RunRecord[]): ReadonlySet<number> =>
  new Set(runs.filter(isFinished).map(({ manifest }) => manifest.job.seed))

/**
 * Returns `Yes` with the evidence if it holds for all runs. Otherwise returns `Partly`, or `No` if it holds for no run,
 * and names what it does not hold for.
 * @param kinds groups of runs for which the evidence does not hold
 * @param evidence makes the text from the words for the runs that it holds for: `every run` or `every other run`
 * @param more further sentences, each a reason why the answer is not a plain Yes
 */
function yesExcept(
  { runs, exceptions }: Facts,
  kinds: readonly (keyof Exceptions)[],
  evidence: (every: string) => string,
  more: readonly string[] = [],
): Reply {
  const found = kinds.filter((kind) => exceptions[kind].length > 0)
  const excepted = new Set(found.flatMap((kind) => exceptions[kind]))
  const names = found.map((kind) => `${EXCEPTION_WORDS[kind](exceptions[kind].length)} (${named(exceptions[kind])})`)
  const not = names.length > 0 ? [`Not for ${names.join('; ')}.`] : []
  if (runs.length > 0 && excepted.size === runs.length) return ['No', [...not, ...more].join(' ')]
  const sentences = [...not, ...more, evidence(excepted.size > 0 ? 'every other run' : 'every run')]
  return [not.length + more.length > 0 ? 'Partly' : 'Yes', sentences.join(' ').trim()]
}

/** Returns a sentence that cites a file beside the checklist, or says how it is made if it does not lie there. */
const cite = ({ files }: Facts, name: string, what: string): string =>
  files.has(name) ? `${name} ${what}.` : `\`bench report --folder DIR --kit\` writes ${name}, which ${what}.`

/** Returns sentences about failed, unfinished, edited and third-party runs, which the answers must mention. */
export function caveatsOf(runs: readonly RunRecord[]): string[] {
  const { failed, unfinished, edited, imported, plugin } = exceptionsOf(runs)
  const plugins = unique(plugin.map(({ manifest }) => manifest.job.algorithm.name))
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
function severalSeeds(facts: Facts, kinds: readonly (keyof Exceptions)[], evidence: string): Reply {
  const rare = rareSearches(facts)
  const seeds = `${capitalize(seedsText(facts))}`
  const why = `fewer than ${LEAST_SEEDS} seeds have no spread`
  if (rare.length === facts.seedCounts.size) return ['No', `${seeds}: ${why}.`]
  const few = rare.length > 0 ? [`Not for ${rare.join(', ')}: ${why}.`] : []
  return yesExcept(facts, kinds, () => `${seeds}${evidence}`, few)
}

/** Answers a question about the compute of all runs. The answer is `Yes` only if no run's time is unknown. */
function computeReply(facts: Facts): Reply {
  const { compute, preliminary, exceptions } = facts
  if (compute.runs === 0) return ['No', `The time of imported runs is unknown (${named(exceptions.imported)}).`]
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
function detailsReply(facts: Facts): Reply {
  const commented = unique(
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

const NEURIPS: readonly Item[] = [
  {
    question: 'Do the main claims match the results?',
    answer: (facts) =>
      facts.claims === undefined
        ? ['No', 'No claims with rules were written down (`--claims`), so the records cannot be held against any.']
        : [
            'Partly',
            `${facts.claims} ${facts.files.has('claims.md') ? 'claims.md has them.' : '`bench report` shows them, with their rules.'}`,
          ],
  },
  {
    question: 'Are the limitations discussed?',
    answer: ({ reductions, caveats }) => [
      'For the authors',
      reductions.length + caveats.length === 0
        ? 'The records show none: the runs are complete and of the papers’ size.'
        : ['Limitations that the records show:', ...reductions.map((each) => `${each}.`), ...caveats].join(' '),
    ],
  },
  {
    question: 'Are theoretical results given with assumptions and proofs?',
    answer: () => ['Not applicable', 'Runs prove nothing; if the paper has theory, it is for the authors.'],
  },
  { question: 'Is everything disclosed that is needed to reproduce the results?', answer: detailsReply },
  {
    question: 'Are data and code open, with instructions?',
    answer: (facts) =>
      yesExcept(facts, ['imported', 'plugin'], (every) => {
        const { datasets, tables, files } = facts
        const records = ['runs.jsonl.gz', 'runs'].filter((name) => files.has(name))
        const tableText = tables.length > 0 ? `; tables: ${tables.join(', ')}` : ''
        return `The program, with the code of ${every}, is open source (MIT). ${cite(facts, 'reproduce.sh', 'has the commands')} Data: ${datasets.join(', ')}${tableText}.${records.length > 0 ? ` Records: ${records.join(', ')}.` : ''}`
      }),
  },
  {
    question: 'Are all training and test details specified?',
    answer: (facts) =>
      yesExcept(
        facts,
        ['edited', 'imported', 'plugin'],
        (every) =>
          `The protocol of ${every} (${facts.protocols.join(', ')}) is in its record, with splits and optimisers. ${cite(facts, 'hyperparameters.md', 'lists every value with the source that it was chosen by')}`,
      ),
  },
  {
    question: 'Are error bars or significance reported, and defined?',
    answer: (facts) =>
      severalSeeds(
        facts,
        ['failed', 'unfinished', 'edited', 'imported'],
        "; mean ± sample standard deviation (ddof 1) over the finished seeds, 95 % t intervals, paired tests with Holm's correction. The variation is that of initial weights, data order and sampling; the splits of the data are those of the protocol.",
      ),
  },
  { question: 'Are the compute resources reported?', answer: computeReply },
  authors('Does the research conform to the code of ethics?'),
  authors('Are broader impacts discussed?'),
  {
    question: 'Are safeguards described for models or data with a high risk of misuse?',
    answer: () => ['Not applicable', 'The runs release architectures of image classifiers.'],
  },
  {
    question: 'Are existing assets credited, with their licences?',
    answer: (facts) => {
      const { licences } = facts
      const unknown = licences.filter(({ licence }) => licence === undefined).map(({ name }) => name)
      return yesExcept(
        facts,
        ['imported', 'plugin'],
        () =>
          `${licences.map(({ name, licence = 'licence not known to this program', credit }) => `${name}: ${licence}${credit === undefined ? '' : ` (${credit})`}`).join('; ')}.`,
        unknown.length > 0 ? [`This program does not know the licence of ${unknown.join(', ')}.`] : [],
      )
    },
  },
  {
    question: 'Are new assets documented?',
    answer: (facts) =>
      yesExcept(
        facts,
        ['edited', 'plugin'],
        () =>
          `The records have a documented form (docs/reports.md), and ${facts.files.has('report.json') ? '`bench verify .` in the folder of the report recomputes what it shows' : '`bench verify FOLDER` checks them and the reports that are computed'} from them.`,
      ),
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

/** Returns sentences about the settings in which the compared searches differ though a fair comparison shares them. */
function mixedSettings({ runs, searches }: Facts): string[] {
  const jobs = runs.filter((run) => !isImported(run)).map(({ manifest }) => manifest.job)
  const shared = {
    protocols: jobs.map(({ protocol }) => protocol.name),
    'search spaces': jobs.map(({ space }) => space),
    'lookup tables': jobs.map(({ table }) => table && `${table.name} (SHA-256 ${table.sha256.slice(0, 16)})`),
  }
  const several = Object.entries(shared).flatMap(([what, values]) => {
    const found = unique(values.map((value) => value ?? 'none'))
    return found.length > 1 ? [`There are ${found.length} ${what}: ${found.join(', ')}.`] : []
  })
  const datasetsOf = (method: Method) => canonicalJson(unique(method.runs.map((run) => datasetOf(run))).sort())
  const trainings = jobs.flatMap(({ dataset, retraining }) =>
    retraining ? [[dataset.name, canonicalJson(retraining.settings)]] : [],
  )
  const trained = [...groupBy(trainings, ([dataset]) => dataset).values()]
  const data = jobs.filter(({ executor }) => executor !== undefined).map(({ protocol }) => canonicalJson(protocol.data))
  return [
    ...several,
    ...(unique(searches.map(datasetsOf)).length > 1 ? ['Not every method has runs on the same datasets.'] : []),
    ...(unique(data).length > 1 ? ['The splits or augmentations of the searches differ.'] : []),
    ...(trained.some((same) => unique(same.map(([, settings]) => settings)).length > 1)
      ? ['The settings of the full trainings differ.']
      : []),
  ]
}

const datasetOf = ({ manifest }: RunRecord): string => manifest.job.dataset.name

/** Answers for how many of the finished runs of searches something holds. */
function ofSearches({ searches }: Facts, has: (run: RunRecord) => boolean, yes: string, no: string): Reply {
  const lacking = searches.filter(({ runs }) => !runs.filter(isFinished).some(has)).map(({ label }) => label)
  if (lacking.length === searches.length) return ['No', no]
  return lacking.length === 0 ? ['Yes', yes] : ['Partly', `Not for ${lacking.join(', ')}. ${yes}`]
}

const NAS: readonly Item[] = [
  {
    question: 'Is the code of the training pipeline of final architectures released?',
    answer: (facts) => {
      const { runs, licences } = facts
      const isKnown = ({ manifest: { job } }: RunRecord) =>
        licences.some(({ name, licence }) => name === `table ${job.table?.name}` && licence !== undefined)
      const without = runs.filter((run) => !isRetrained(run) && run.manifest.job.table === undefined)
      const foreign = unique(
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
          ? [`Neither looked up nor trained in full: ${pluralize(without.length, 'run')} (${named(without)}).`]
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
      const own = facts.searches.filter(({ runs }) => runs.some((run) => isFinished(run) && !isImported(run)))
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
      const random = facts.searches.filter(({ algorithm }) => algorithm === BASELINE)
      if (random.length === 0) return ['No', 'No run of the algorithm random is among these runs.']
      if (!random.some(({ runs }) => runs.some(isFinished))) return ['No', 'No run of the algorithm random finished.']
      const isOfRandom = ({ manifest }: RunRecord) => manifest.job.algorithm.name === BASELINE
      const { failed, unfinished, edited } = facts.exceptions
      const faulty = [...failed, ...unfinished, ...edited].filter(isOfRandom)
      const text = `The algorithm random, in the same space. ${cite(facts, 'improvement.md', 'has the relative improvement')}`
      return faulty.length > 0 ? ['Partly', `Failed, unfinished or changed: ${named(faulty)}. ${text}`] : ['Yes', text]
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
      const chosen = unique(facts.runs.filter((run) => !isImported(run)).flatMap(settingsByUser))
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
