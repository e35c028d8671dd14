/** A network compiled: its program on the device, and what the host needs to run it. */
import type { Network } from '../../../core/network.ts'
import { Activity } from '../../graph/activity.ts'
import { lower } from '../../graph/lower.ts'
import { orderByDepth, rewrite } from '../../graph/rewrite.ts'
import { type PlannedTerm, termsOf } from '../../graph/terms.ts'
import type { NoiseSlot } from '../../plan/feedNumbers.ts'
import type { Device } from '../device/device.ts'
import { RunNumbers } from '../device/runNumbers.ts'
import { type Feeds, makeFeeds, type State } from '../plan/layout.ts'
import { type Place, Program } from '../plan/program.ts'
import { Context, type Mask } from './context.ts'
import { emitProgram } from './index.ts'

export interface Plan {
  readonly program: Program
  readonly run: RunNumbers
  readonly state: State
  readonly feeds: Feeds
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
  /** Of the main logits and the features: buffers, and channels as stored. */
  readonly logits: Output
  readonly features: Output
  /** The activity, a word a flag, as kernels read it. */
  readonly flags: GPUBuffer
  readonly masks: readonly Mask[]
  readonly noises: readonly NoiseSlot<GPUBuffer>[]
}

export interface Output extends Place {
  readonly channels: number
}

/** A plan whose kernels may be compiled side by side before it is finished. */
export interface Draft {
  readonly program: Program
  prepare(): Promise<void>
  /** @throws BenchError `unsupported` where a buffer is larger than the device allows */
  finish(): Plan
}

/** @param live the plan of the same network, where this one shall hold its activation masks and share what it is fed */
export function draft(device: Device, network: Network, batchSize: number, state: State, live?: Plan): Draft {
  const graph = orderByDepth(rewrite(lower(network), live ? 'frozen' : 'live'))
  const activity = new Activity(graph)
  const terms = termsOf(graph, activity)
  const run = new RunNumbers(device)
  const program = new Program(device, run.buffer)
  const feeds = live?.feeds ?? makeFeeds(program, network, batchSize, terms.length)
  const { bindings, largestBinding } = device
  const context = new Context({ program, graph, activity, state, feeds, batchSize, bindings, largestBinding })
  emitProgram(context)
  return {
    program,
    prepare: () => program.prepare(),
    finish: () => {
      const placeOf = program.load(network.name)
      const output = (id: number): Output => ({
        ...placeOf(context.value(id)),
        channels: context.extent(id).channels,
      })
      return {
        ...{ program, run, state, feeds, activity, terms },
        logits: output(network.heads[0].logits),
        features: output(network.features),
        flags: context.tables.flags,
        masks: context.masks,
        noises: context.noises,
      }
    },
  }
}
