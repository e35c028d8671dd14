/** A network compiled: its program in an arena, and what the host needs to run it. */
import type { Network } from '../../../core/network.ts'
import { Activity } from '../../graph/activity.ts'
import type { Graph } from '../../graph/graph.ts'
import { lower } from '../../graph/lower.ts'
import { rewrite } from '../../graph/rewrite.ts'
import { type PlannedTerm, termsOf } from '../../graph/terms.ts'
import type { NoiseSlot } from '../../plan/feedNumbers.ts'
import type { Arena } from '../module/module.ts'
import { signatures } from '../module/signatures.ts'
import { type Layout, layOut } from '../plan/layout.ts'
import { Program } from '../plan/program.ts'
import { Context, type Mask } from './context.ts'
import { emitProgram } from './index.ts'

export interface Plan {
  readonly graph: Graph
  readonly program: Program
  readonly layout: Layout
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
  /** Where the terms' numbers stand: floats, integers, doubles. */
  readonly termTable: Context['termTable']
  /** Buffers of the main logits and the features: addresses and channels as stored. */
  readonly logits: { readonly address: number; readonly channels: number }
  readonly features: { readonly address: number; readonly channels: number }
  readonly masks: readonly Mask[]
  readonly noises: readonly NoiseSlot<number>[]
  /** Bytes of the arena that are in use. */
  readonly bytes: number
}

export interface PlanOptions {
  readonly batchSize: number
  readonly threads: number
  readonly activations: 'live' | 'frozen'
}

/** @throws BenchError `unsupported` where the network does not fit into the module's memory */
export function plan(network: Network, arena: Arena, { batchSize, threads, activations }: PlanOptions): Plan {
  const graph = rewrite(lower(network), activations)
  const program = new Program(signatures)
  const layout = layOut(program, network, batchSize)
  const activity = new Activity(graph)
  const context = new Context(program, graph, layout, activity, { batchSize, threads })
  emitProgram(context)
  const bytes = program.load(arena, network.name)
  const stored = (id: number) => ({ address: context.value(id).address, channels: context.extent(id).channels })
  return {
    graph,
    program,
    layout,
    activity,
    terms: termsOf(graph, activity),
    termTable: context.termTable,
    logits: stored(network.heads[0].logits),
    features: stored(network.features),
    masks: context.masks,
    noises: context.noises,
    bytes,
  }
}
