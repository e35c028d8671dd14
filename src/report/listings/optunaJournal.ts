/**
 * Writes black-box searches as an Optuna journal, a file that `optuna.storages.JournalStorage` and optuna-dashboard
 * open: a study for each run, and a trial for each query.
 */
import { BenchError } from '../../core/errors.ts'
import type { RecordedQuery } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import type { RunRecord } from '../runRecord.ts'

/** Numbers of Optuna's operations in a journal (`JournalOperation` in optuna/storages/journal/_storage.py). */
const CREATE_STUDY = 0
const SET_STUDY_USER_ATTR = 2
const CREATE_TRIAL = 4
/** Optuna's numbers of the direction "maximize" and of the state "complete". */
const MAXIMIZE = 2
const COMPLETE = 1

/** Value of an edge's parameter if the architecture lacks the edge. */
const ABSENT_EDGE = 'absent'

/**
 * Returns the journal of the finished black-box searches among some runs. The parameters of a trial are the operations
 * on the architecture's edges; its value is the accuracy in % that the query returned; its start and end are times of
 * the simulated clock, counted from the start of the run.
 * @throws BenchError `missing` if no run has queries
 */
export async function optunaJournal(
  runs: readonly RunRecord[],
  spaceOf: (name: string) => Promise<SearchSpace>,
): Promise<string> {
  const lines: object[] = []
  let studies = 0
  for (const { manifest, result } of runs) {
    const { queries = [] } = result?.oracle ?? {}
    if (result === undefined || queries.length === 0) continue
    const space = await spaceOf(manifest.job.space)
    lines.push(...studyLines(studies, manifest))
    const parameters = parametersOf(queries, space)
    for (const [i, query] of queries.entries()) {
      lines.push(trialLine(studies, query, queries[i - 1], result.timing.startedAt, parameters[i]))
    }
    studies++
  }
  if (studies > 0) return lines.map((line) => `${JSON.stringify({ ...line, worker_id: 'bench' })}\n`).join('')
  const found = 'none of these runs is a finished black-box search, whose queries could be trials'
  throw new BenchError('missing', `${found}; \`bench run --algo rea --seeds 4\` makes some`)
}

function studyLines(study: number, { id, job }: RunRecord['manifest']): object[] {
  const { algorithm, space, dataset, protocol, seed, table } = job
  const facts = {
    ...{ algorithm: algorithm.name, version: algorithm.version, options: algorithm.options },
    ...{ space, dataset: dataset.name, table: table?.name ?? null, protocol: protocol.name, seed },
  }
  return [
    { op_code: CREATE_STUDY, study_name: id, directions: [MAXIMIZE] },
    ...Object.entries(facts).map(([name, value]) => ({
      ...{ op_code: SET_STUDY_USER_ATTR, study_id: study },
      user_attr: { [name]: value },
    })),
  ]
}

function trialLine(
  study: number,
  query: RecordedQuery,
  before: RecordedQuery | undefined,
  startedAt: string,
  { params, distributions }: Parameters,
): object {
  const at = (seconds: number) => new Date(Date.parse(startedAt) + 1000 * seconds).toISOString()
  const { genotype, accuracyPct, epochs, usedSeconds } = query
  return {
    ...{ op_code: CREATE_TRIAL, study_id: study, state: COMPLETE, value: accuracyPct, values: null },
    ...{ datetime_start: at(before?.usedSeconds ?? 0), datetime_complete: at(usedSeconds) },
    ...{ params, distributions, intermediate_values: {}, system_attrs: {} },
    user_attrs: {
      ...(genotype !== undefined && { architecture: genotype }),
      ...(epochs !== undefined && { epochs }),
      simulatedSeconds: usedSeconds,
    },
  }
}

interface Parameters {
  /** For each parameter, the index of its value in the list of choices. */
  readonly params: Readonly<Record<string, number>>
  /** For each parameter, its Optuna distribution as JSON text. */
  readonly distributions: Readonly<Record<string, string>>
}

/**
 * Returns the operation of each edge of each queried architecture as categorical parameters of Optuna, which have the
 * same choices in all trials. A query without a recorded architecture has no parameters.
 */
function parametersOf(queries: readonly RecordedQuery[], { parse, oneHot, edges }: SearchSpace): readonly Parameters[] {
  const chosen = queries.map(
    ({ genotype }) => genotype && oneHot(parse(genotype)).map((row) => row.findIndex((share) => share > 0)),
  )
  const severalCells = new Set(edges.map(({ cell }) => cell)).size > 1
  const distributions = edges.map(({ cell, from, to, operations }, edge) => {
    const isAbsent = chosen.some((positions) => positions && positions[edge] < 0)
    const attributes = { choices: isAbsent ? [...operations, ABSENT_EDGE] : operations }
    const name = `${severalCells ? `${cell} ` : ''}${from} to ${to}`
    return [name, JSON.stringify({ name: 'CategoricalDistribution', attributes })] as const
  })
  return chosen.map((positions) => {
    if (!positions) return { params: {}, distributions: {} }
    const position = (edge: number) => (positions[edge] < 0 ? edges[edge].operations.length : positions[edge])
    const params = Object.fromEntries(distributions.map(([name], edge) => [name, position(edge)]))
    return { params, distributions: Object.fromEntries(distributions) }
  })
}
