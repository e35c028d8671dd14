/** Runs one search of the contract suite on a tiny task and records what the search does. */
import { deserialize, serialize } from 'node:v8'
import type { Algorithm, EpochReport, SearchContext, SearchState } from '../../core/algorithm.ts'
import type { Executor } from '../../core/executor.ts'
import { random } from '../../core/random.ts'
import type { SearchSpace } from '../../core/space.ts'
import { createSupernet } from '../../training/supernet.ts'
import { requireGenotype, requireReport, requireSearch } from './shape.ts'
import { SupernetMonitor } from './supernetMonitor.ts'
import { TinyOracle, tinyData, tinyProtocol, tinyReference } from './tinyTask.ts'

/** Epochs of every search in the suite. */
export const EPOCHS = 2

/** An algorithm with options, to be checked on one space. */
export interface Subject {
  readonly algorithm: Algorithm
  /** The options as parsed by the algorithm's schema. */
  readonly options: unknown
  readonly space: SearchSpace
  readonly executor: () => Promise<Executor>
  /** Weight steps per epoch; 25 make 50 steps in two epochs. */
  readonly stepsPerEpoch: number
}

/** The record of one search: its reports and answers, its questions to the oracle, and its mistakes. */
export interface Observation {
  /** Number of epochs that the search announces. */
  readonly epochs: number
  /** The record of each epoch, without times. */
  readonly reports: readonly EpochReport[]
  /** The architecture that the search would have answered after each epoch. */
  readonly genotypes: readonly string[]
  /** Architectures that the search asked the oracle about, in order. */
  readonly asked: readonly string[]
  /** Simulated seconds that the search spent. */
  readonly usedSeconds: number
  /** Number of queries that the search made after the oracle had refused one. */
  readonly queriesAfterRefusal: number
  /** Properties that the search read from its context although the context does not have them. */
  readonly unknownKeys: readonly string[]
  readonly badMixing: string | undefined
  readonly overlap: string | undefined
  /**
   * Number of weight vectors and activation masks not disposed of after each epoch, and a description of everything not
   * disposed of after the search.
   */
  readonly heldAfterEpoch: readonly number[]
  readonly heldAtEnd: string | undefined
}

/**
 * Runs a search to its end.
 * @param interrupted after every epoch, including the last, the search is saved, disposed of, created anew and restored
 */
export async function observe(subject: Subject, seed: number, interrupted = false): Promise<Observation> {
  const monitor = new SupernetMonitor()
  const oracle = new TinyOracle(subject.space)
  const unknownKeys = new Set<string>()
  const context = contextOf(subject, seed, oracle, monitor, unknownKeys)
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
    if (!interrupted) continue
    // After the last epoch, too: the runner saves there, and may go on from there.
    const state = throughFile(await search.save())
    search.dispose()
    search = await begin()
    await search.restore(state)
    genotypes[epoch] = subject.space.format(requireGenotype(search.genotype(), subject.space))
  }
  search.dispose()
  return {
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
    data: async () => data,
    async supernet(options) {
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

/** Serialises a state and reads it back, as a checkpoint does. */
const throughFile = (state: SearchState): SearchState => deserialize(serialize(state))

/** Removes the seconds from a record, because they differ between two runs of the same search. */
function withoutClock(report: EpochReport): EpochReport {
  if (report.extra === undefined) return report
  const kept = Object.entries(report.extra).filter(([name]) => !name.endsWith('Seconds'))
  return { ...report, extra: Object.fromEntries(kept) }
}
