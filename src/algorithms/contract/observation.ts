/** One search, run and watched. */
import { deserialize, serialize } from 'node:v8'
import type { Algorithm, EpochReport, SearchContext, SearchState } from '../../core/algorithm.ts'
import type { Executor } from '../../core/executor.ts'
import { random } from '../../core/random.ts'
import type { SearchSpace } from '../../core/space.ts'
import { createSupernet } from '../../training/supernet.ts'
import { requireGenotype, requireReport, requireSearch } from './shape.ts'
import { TinyOracle, tinyData, tinyProtocol, tinyReference } from './tinyTask.ts'
import { Watch } from './watchedSupernet.ts'

export const EPOCHS = 2

export interface Subject {
  readonly algorithm: Algorithm
  /** As the algorithm's schema parsed them. */
  readonly options: unknown
  readonly space: SearchSpace
  readonly executor: () => Promise<Executor>
  /** Weight steps of an epoch; 25 make 50 steps. */
  readonly stepsPerEpoch: number
}

export interface Observation {
  readonly epochs: number
  /** One an epoch, without what is measured by a clock. */
  readonly reports: readonly EpochReport[]
  /** What the search would have answered after each epoch. */
  readonly genotypes: readonly string[]
  /** Asked of the oracle, in order. */
  readonly asked: readonly string[]
  readonly usedSeconds: number
  readonly insisted: number
  /** Properties that the search read from its context and the context does not have. */
  readonly unknownKeys: readonly string[]
  readonly badMixing: string | undefined
  readonly overlap: string | undefined
  /** Vectors and activation masks alive after each epoch, and everything alive after the search was disposed of. */
  readonly heldAfterEpoch: readonly number[]
  readonly heldAtEnd: string | undefined
}

/**
 * Runs a search to its end.
 * @param interrupted after every epoch, the last one too, it is saved, disposed of, made anew and restored
 */
export async function observe(subject: Subject, seed: number, interrupted = false): Promise<Observation> {
  const watch = new Watch()
  const oracle = new TinyOracle(subject.space)
  const unknownKeys = new Set<string>()
  const context = contextOf(subject, seed, oracle, watch, unknownKeys)
  const begin = async () => requireSearch(await subject.algorithm.search(context, subject.options), subject.algorithm)
  const reports: EpochReport[] = []
  const genotypes: string[] = []
  const heldAfterEpoch: number[] = []
  let search = await begin()
  const { epochs } = search
  for (let epoch = 0; epoch < epochs && search.ended === undefined; epoch++) {
    reports.push(withoutClock(requireReport(await search.epoch(epoch))))
    genotypes.push(subject.space.format(requireGenotype(search.genotype(), subject.space)))
    heldAfterEpoch.push(watch.vectors + watch.activationMasks)
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
    insisted: oracle.insisted,
    unknownKeys: [...unknownKeys],
    badMixing: watch.badMixing,
    overlap: watch.overlap,
    heldAfterEpoch,
    heldAtEnd: watch.held(),
  }
}

function contextOf(
  { algorithm, space, executor, stepsPerEpoch }: Subject,
  seed: number,
  oracle: TinyOracle,
  watch: Watch,
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
      return watch.supernet(inner)
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

/** A state as it comes back from a checkpoint. */
const throughFile = (state: SearchState): SearchState => deserialize(serialize(state))

/** Seconds differ between two runs of the same search. */
function withoutClock(report: EpochReport): EpochReport {
  if (report.extra === undefined) return report
  const kept = Object.entries(report.extra).filter(([name]) => !name.endsWith('Seconds'))
  return { ...report, extra: Object.fromEntries(kept) }
}
