/** Runs one search of the contract suite on a tiny task and records what the search does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Algorithm, EpochReport, SearchContext, SearchState } from '../../core/algorithm.ts'
import type { Executor } from '../../core/executor.ts'
import { random } from '../../core/random.ts'
import type { SearchSpace } from '../../core/space.ts'
import { createSupernet } from '../../training/supernet.ts'
import { requireGenotype, requireReport, requireSearch } from './shape.ts'
import { SupernetMonitor } from './supernetMonitor.ts'
import { TinyOracle, tinyData, tinyProgramServices, tinyProtocol, tinyReference } from './tinyTask.ts'

/** Number of epochs in the protocol of every search that the contract suite runs. */
export const EPOCHS = 2

/** An algorithm with its options, and the search space in which the contract suite checks it. */
export interface Subject {
  readonly algorithm: Algorithm
  /** The algorithm's options as parsed by its zod schema. */
  readonly options: unknown
  readonly space: SearchSpace
  readonly executor: () => Promise<Executor>
  /** Number of weight steps in an epoch of the checked search; 25 make 50 steps in two epochs. */
  readonly stepsPerEpoch: number
}

/**
 * What the contract suite records of one search: its reports and answers, its queries to the oracle, and its mistakes.
 */
export interface Observation {
  /** Number of epochs that the search says it will run. */
  readonly epochs: number
  /** The search's report of each epoch, without the measured seconds. */
  readonly reports: readonly EpochReport[]
  /** The architecture that the search would answer if it ended after epoch 0, 1, …, as text. */
  readonly genotypes: readonly string[]
  /** The architectures whose accuracy the search queried from the oracle, in order, as text. */
  readonly asked: readonly string[]
  /** Simulated seconds of the time budget that the search spent on oracle queries. */
  readonly usedSeconds: number
  /** Number of queries that the search made after the oracle had refused one because the time budget was spent. */
  readonly queriesAfterRefusal: number
  /** Names of properties that the search read from its `SearchContext` although the context does not have them. */
  readonly unknownKeys: readonly string[]
  readonly badMixing: string | undefined
  readonly overlap: string | undefined
  /**
   * Number of weight vectors and activation masks on the backend that the search had not disposed of, after each epoch.
   */
  readonly heldAfterEpoch: readonly number[]
  /** Description of what the search had not disposed of at its end; undefined if it disposed of everything. */
  readonly heldAtEnd: string | undefined
  /**
   * Description of what a program still ran some seconds after its input was closed; absent if nothing, or for a search
   * that is no program.
   */
  readonly afterClosedInput?: string
}

/**
 * Runs a search on the tiny task to its end and records it.
 * @param interrupted whether the search is saved, disposed of, created anew and restored after every epoch, the last
 * included
 */
export async function observe(subject: Subject, seed: number, interrupted = false): Promise<Observation> {
  const folder = subject.algorithm.program && mkdtempSync(join(tmpdir(), 'bench-check-'))
  try {
    return await observeIn(folder, subject, seed, interrupted)
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Runs and records a search on the tiny task.
 * @param folder folder for the files of a search that is a program
 */
async function observeIn(
  folder: string | undefined,
  subject: Subject,
  seed: number,
  interrupted: boolean,
): Promise<Observation> {
  const monitor = new SupernetMonitor()
  const oracle = new TinyOracle(subject.space)
  const unknownKeys = new Set<string>()
  const context = contextOf(subject, seed, oracle, monitor, unknownKeys, folder)
  const begin = async () => requireSearch(await subject.algorithm.search(context, subject.options), subject.algorithm)
  const reports: EpochReport[] = []
  const genotypes: string[] = []
  const heldAfterEpoch: number[] = []
  let search = await begin()
  const { epochs } = search
  for (let epoch = 0; epoch < epochs && search.ended === undefined; epoch++) {
    reports.push(withoutClock(requireReport(await search.epoch(epoch))))
    genotypes.push(subject.space.format(requireGenotype(search.genotype(), subject.space)))
    heldAfterEpoch.push(monitor.vectors + monitor.activationMasks)
    if (!interrupted || search.saves === false) continue
    // After the last epoch, too: the runner saves there, and may go on from there.
    const state = throughFile(await search.save())
    search.dispose()
    search = await begin()
    await search.restore(state)
    genotypes[epoch] = subject.space.format(requireGenotype(search.genotype(), subject.space))
  }
  search.dispose()
  const afterClosedInput = interrupted
    ? await subject.algorithm.program?.afterClosedInput(context, subject.options)
    : undefined
  return {
    ...(afterClosedInput !== undefined && { afterClosedInput }),
    epochs,
    reports,
    genotypes,
    asked: oracle.asked,
    usedSeconds: oracle.usedSeconds,
    queriesAfterRefusal: oracle.queriesAfterRefusal,
    unknownKeys: [...unknownKeys],
    badMixing: monitor.badMixing,
    overlap: monitor.overlap,
    heldAfterEpoch,
    heldAtEnd: monitor.held(),
  }
}

function contextOf(
  { algorithm, space, executor, stepsPerEpoch }: Subject,
  seed: number,
  oracle: TinyOracle,
  monitor: SupernetMonitor,
  unknownKeys: Set<string>,
  folder: string | undefined,
): SearchContext {
  const protocol = tinyProtocol(space, EPOCHS)
  const { channels, depth, affine, track } = protocol.network
  const data = tinyData(seed, stepsPerEpoch)
  const context: SearchContext = {
    space,
    protocol,
    seed,
    oracle,
    random: (...path) => random(seed, ...path),
    ...(folder !== undefined && { program: tinyProgramServices(folder, seed) }),
    data: async () => data,
    async supernet(options, dropProbability) {
      const network = space.supernet({
        shape: data.shape,
        channels,
        depth,
        batchNorm: { affine, track },
        ...options,
      })
      const inner = await createSupernet({
        executor: await executor(),
        network,
        edges: space.edges,
        batchSize: protocol.batchSize,
        stream: random(seed, 'weights', 'start'),
        ...(dropProbability && { dropProbability }),
      })
      return monitor.supernet(inner)
    },
  }
  const whole = algorithm.kind === 'reference' ? { ...context, ...tinyReference(space) } : context
  return new Proxy(whole, {
    get(target, name) {
      // A promise that resolves to the context looks for `then`.
      if (typeof name === 'string' && name !== 'then' && !(name in target)) unknownKeys.add(name)
      return Reflect.get(target, name)
    },
  })
}

/** Serialises the state of a search and deserialises it, as writing and reading a checkpoint does. */
const throughFile = (state: SearchState): SearchState => deserialize(serialize(state))

/** Removes the measured seconds from an epoch's report, because they differ between two runs of the same search. */
function withoutClock(report: EpochReport): EpochReport {
  if (report.extra === undefined) return report
  const kept = Object.entries(report.extra).filter(([name]) => !name.endsWith('Seconds'))
  return { ...report, extra: Object.fromEntries(kept) }
}
