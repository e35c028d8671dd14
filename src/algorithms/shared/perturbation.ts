/**
 * Selection by perturbation, the last stage of DARTS-PT (Wang, Cheng, Chen, Tang, Hsieh: "Rethinking Architecture
 * Selection in Differentiable NAS", ICLR 2021), for every search whose supernet mixes operations. The size of α does
 * not tell how much an operation contributes to the supernet, so each edge is decided by the supernet itself:
 *
 *     o*(edge) = argmin over o of the validation accuracy of the supernet without operation o on this edge
 *
 * Edges are decided one after another, in random order, one of each cell type at a time; other weights of the edge are
 * not renormalised while an operation is left out. The decided edge computes o* alone. Where a node keeps fewer inputs
 * than it has edges, as on the DARTS space, nodes are decided next: those edges are kept whose absence costs most
 * accuracy. Between two decisions α and w are trained for some epochs on what is undecided, w at a tenth of its initial
 * learning rate; the last decision is made before the last of these epochs. All this follows the authors' code.
 *
 * Differences from that code: accuracies are measured on the validation half without augmentation, under batch
 * statistics as there; the moments of Adam, or of the search's own update of α, start anew. Tuning takes plain steps:
 * what else a search adds to its steps (perturbed mixing weights, penalties, further weight steps) ends with the search
 * itself. On the DARTS space that code makes a cosine for the rate of w and never steps it, so the tenth stays, as here.
 */
import type { RelaxedSearch, Search, SearchContext, SearchState } from '../../core/algorithm.ts'
import type { Batch, BatchSource } from '../../core/data.ts'
import { argmax, type Matrix, type Mixing, map, type Relaxation } from '../../core/mixing.ts'
import type { SearchSpace } from '../../core/space.ts'
import type { Supernet } from '../../core/supernet.ts'
import { type BilevelState, bilevelEpoch, bilevelStart, type RelaxedBilevel } from './bilevel.ts'

/** Settings of the selection by perturbation. */
export interface SelectionSettings {
  /** Number of epochs of training between two decisions. */
  readonly tune: number
  /** Whether α stays as the search left it while w is tuned. */
  readonly fixedAlpha?: boolean
}

/** The decisions of the selection so far: chosen operations and dropped edges. */
interface Decisions {
  /** Chosen operation of each edge; null while the edge is undecided. */
  readonly operations: readonly (number | null)[]
  /** Edges that their node does not keep. */
  readonly dropped: readonly number[]
  /** Number of decision rounds made. */
  readonly rounds: number
}

/** A round of the selection decides one edge, or the inputs of one node, of each cell type. */
type Round = readonly ({ readonly edge: number } | { readonly node: readonly number[]; readonly keeps: number })[]

/**
 * Makes a search that runs the given one, then selects the architecture by perturbation.
 * @param search a search with a supernet and architecture parameters
 */
export function selectedByPerturbation(
  context: SearchContext,
  search: Search & { readonly relaxed: RelaxedSearch },
  settings: SelectionSettings,
): Search & { readonly relaxed: RelaxedSearch } {
  const { space } = context
  const stream = context.random('select', 'order')
  const rounds = roundsOf(space, (list) => Array.from(stream.permutation(list.length), (at) => list[at]))
  const allowed = choosable(space)
  const tuneEpochs = settings.tune * (rounds.length - 1)
  const tuning = tuningContext(context)
  let decisions: Decisions = { operations: space.edges.map(() => null), dropped: [], rounds: 0 }
  /** Number of epochs that the search itself took, and the state of the tuning; undefined while the search goes on. */
  let stage: { readonly from: number; readonly state: BilevelState } | undefined

  const isOver = (epochsDone: number) => epochsDone >= search.epochs || search.ended !== undefined
  const begin = (from: number) => {
    search.relaxed.supernet.momentum.scale(0)
    const start = search.relaxed.parameters()
    stage = { from, state: bilevelStart({ ...kept(), start, relaxation }) }
  }
  const relaxation = () => projected(search.relaxed.relaxation, decisions)
  /**
   * Returns the parts of the search's own method that tuning keeps: how α is updated, its weight decay, and the images
   * used.
   */
  const kept = () => {
    const { update, weightDecay, images } = (search.relaxed as Partial<RelaxedBilevel>).method ?? {}
    return { update, weightDecay, images }
  }
  const parameters = () => stage?.state.parameters ?? search.relaxed.parameters()
  const mixing = () => relaxation().relax(parameters()).mixing
  const decide = async (due: number) => {
    const accuracyPct = (changed: Mixing) => accuracyOnValidation(context, search.relaxed.supernet, changed)
    while (decisions.rounds < due) {
      for (const item of rounds[decisions.rounds]) {
        decisions =
          'edge' in item
            ? await decideEdge(decisions, item.edge, allowed[item.edge], mixing(), accuracyPct)
            : await decideNode(decisions, item.node, item.keeps, mixing(), accuracyPct)
      }
      decisions = { ...decisions, rounds: decisions.rounds + 1 }
    }
  }

  return {
    epochs: search.epochs + tuneEpochs,
    async epoch(index) {
      if (stage === undefined) {
        const report = await search.epoch(index)
        if (!isOver(index + 1)) return report
        begin(index + 1)
        if (tuneEpochs === 0) await decide(rounds.length)
        return report
      }
      const { from, state } = stage
      const at = index - from
      await decide(at === tuneEpochs - 1 ? rounds.length : Math.floor(at / settings.tune) + 1)
      const method = {
        ...kept(),
        start: state.parameters,
        relaxation,
        ...(settings.fixedAlpha && { architectureFrom: Number.POSITIVE_INFINITY }),
      }
      const after = await bilevelEpoch(tuning, method, search.relaxed.supernet, state, index)
      stage = { from, state: after.state }
      return { ...after.report, extra: { ...after.report.extra, decisions: decisions.rounds } }
    },
    get ended() {
      if (stage === undefined || decisions.rounds < rounds.length || stage.from === search.epochs) return undefined
      return `${search.ended ?? 'its supernet was trained'}; then the architecture was selected by perturbation`
    },
    genotype: () => (stage === undefined ? search.genotype() : space.derive(mixing().theta, mixing().edgeWeights)),
    save: async () => ({ search: await search.save(), decisions, stage }),
    async restore(saved) {
      const state = saved as { search: SearchState; decisions: Decisions; stage: typeof stage }
      await search.restore(state.search)
      decisions = state.decisions
      stage = state.stage
    },
    relaxed: {
      get relaxation() {
        return relaxation()
      },
      get supernet(): Supernet {
        return search.relaxed.supernet
      },
      parameters,
    },
    dispose: () => search.dispose(),
  }
}

/** Makes a context whose protocol trains w at a constant tenth of its initial learning rate. */
function tuningContext(context: SearchContext): SearchContext {
  const { learningRate, warmUp, halfPeriod, ...weights } = context.protocol.weights
  const tenth = learningRate / 10
  const slow = { ...weights, learningRate: tenth, learningRateMin: tenth }
  return { ...context, protocol: { ...context.protocol, weights: slow } }
}

/** Chooses the operation of an edge without which the supernet is least accurate; ties go to the lowest operation. */
async function decideEdge(
  decisions: Decisions,
  edge: number,
  allowed: readonly boolean[],
  mixing: Mixing,
  accuracyPct: (changed: Mixing) => Promise<number>,
): Promise<Decisions> {
  const costs: number[] = []
  for (const op of mixing.theta[edge].keys()) {
    const candidate = allowed[op] && (mixing.active?.[edge][op] ?? true)
    costs.push(candidate ? -(await accuracyPct(without(mixing, (e, o) => e === edge && o === op))) : -Infinity)
  }
  const operations = decisions.operations.map((old, e) => (e === edge ? argmax(costs) : old))
  return { ...decisions, operations }
}

/** Keeps those edges into a node without which the supernet is least accurate; ties go to the first edge. */
async function decideNode(
  decisions: Decisions,
  node: readonly number[],
  keeps: number,
  mixing: Mixing,
  accuracyPct: (changed: Mixing) => Promise<number>,
): Promise<Decisions> {
  const costs: { readonly edge: number; readonly accuracy: number }[] = []
  for (const edge of node) costs.push({ edge, accuracy: await accuracyPct(without(mixing, (e) => e === edge)) })
  const weakest = costs.toSorted((a, b) => a.accuracy - b.accuracy).slice(keeps)
  return { ...decisions, dropped: [...decisions.dropped, ...weakest.map(({ edge }) => edge)] }
}

/** Returns mixing weights in which some operations are left out; the weights of the others stay. */
function without(mixing: Mixing, isLeftOut: (edge: number, op: number) => boolean): Mixing {
  const theta = map(mixing.theta, (weight, edge, op) => (isLeftOut(edge, op) ? 0 : weight))
  const active = theta.map((row, edge) =>
    row.map((_, op) => !isLeftOut(edge, op) && (mixing.active?.[edge][op] ?? true)),
  )
  return { ...mixing, theta, active }
}

/** A relaxation in which decided edges compute their operation alone, and dropped edges nothing. */
function projected(base: Relaxation, { operations, dropped }: Decisions): Relaxation {
  const isOpen = (edge: number) => operations[edge] === null
  const keeps = (edge: number, op: number) => operations[edge] === op && !dropped.includes(edge)
  return {
    stochastic: base.stochastic,
    relax(parameters, stream) {
      const { mixing, pullback } = base.relax(parameters, stream)
      if (operations.every((op) => op === null)) return { mixing, pullback }
      const isActive = (edge: number, op: number) => mixing.active?.[edge][op] ?? true
      const theta = map(mixing.theta, (weight, edge, op) => (isOpen(edge) ? weight : Number(keeps(edge, op))))
      const active = theta.map((row, edge) => row.map((_, op) => (isOpen(edge) ? isActive(edge, op) : keeps(edge, op))))
      return {
        mixing: { ...mixing, theta, active },
        pullback: (gradient) =>
          pullback({ ...gradient, theta: map(gradient.theta, (g, edge) => (isOpen(edge) ? g : 0)) }),
      }
    },
  }
}

/**
 * Returns the rounds of the selection: first those that decide an edge, then those that decide the inputs of a node, of
 * each cell type.
 * @param order puts the edges and the nodes of a cell type in the order in which they are decided
 */
function roundsOf(space: SearchSpace, order: <T>(list: readonly T[]) => readonly T[]): Round[] {
  const cells = [...new Set(space.edges.map(({ cell }) => cell))]
  const keptRows = space.oneHot(space.derive(space.edges.map(({ operations }) => operations.map(() => 1))))
  const sequences = cells.map((cell) => {
    const edges = [...space.edges.keys()].filter((edge) => space.edges[edge].cell === cell)
    const nodes = [...new Set(edges.map((edge) => space.edges[edge].to))].flatMap((to) => {
      const node = edges.filter((edge) => space.edges[edge].to === to)
      const keeps = node.filter((edge) => keptRows[edge].includes(1)).length
      return keeps < node.length ? [{ node, keeps }] : []
    })
    return { edges: order(edges).map((edge) => ({ edge })), nodes: order(nodes) }
  })
  const inTurn = <T>(lists: readonly (readonly T[])[]): T[][] =>
    Array.from({ length: Math.max(...lists.map((list) => list.length)) }, (_, i) =>
      lists.flatMap((list) => list.slice(i, i + 1)),
    )
  return [...inTurn(sequences.map(({ edges }) => edges)), ...inTurn(sequences.map(({ nodes }) => nodes))]
}

/** Tells for each operation of each edge whether an architecture of the space can contain it. */
function choosable(space: SearchSpace): readonly (readonly boolean[])[] {
  const one = (edge: number, op: number): Matrix =>
    space.edges.map(({ operations }, e) => operations.map((_, o) => (e === edge && o === op ? 1 : 0.001)))
  return space.edges.map(({ operations }, edge) =>
    operations.map((_, op) => space.oneHot(space.derive(one(edge, op)))[edge][op] === 1),
  )
}

/** Measures the accuracy of a supernet on the whole validation half under batch statistics, in percent. */
export async function accuracyOnValidation(
  { data }: SearchContext,
  supernet: Supernet,
  mixing: Mixing,
): Promise<number> {
  const { correct, samples } = await supernet.evaluate(everyBatch((await data()).validation), mixing)
  return (100 * correct) / samples
}

/** Reads all batches of a source once. */
async function* everyBatch(source: BatchSource): AsyncGenerator<Batch> {
  for (let index = 0; index < source.batchesPerEpoch; index++) yield await source.batch(index)
}
