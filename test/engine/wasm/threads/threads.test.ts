/**
 * Tests threads within a step: their number does not change the bits. The worker threads run the built module in
 * `dist/`.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { describe, expect, test, vi } from 'vitest'
import type { Executor, Feed, SgdStep } from '../../../../src/core/executor.ts'
import type { Network } from '../../../../src/core/network.ts'
import { random } from '../../../../src/core/random.ts'
import { openStaticExecutor, usefulThreads } from '../../../../src/engine/wasm/index.ts'
import { Arena, kernelModule } from '../../../../src/engine/wasm/module/module.ts'
import type { PlainCall } from '../../../../src/engine/wasm/plan/program.ts'
import { bindCalls, type ThreadedPlan } from '../../../../src/engine/wasm/threads/threads.ts'
import { joinThreads } from '../../../../src/engine/wasm/threads/workerThreads.ts'
import { nb201 } from '../../../../src/spaces/nb201/index.ts'
import { initialWeights } from '../../../../src/training/initialise.ts'
import { discrete, supernets } from '../../agreement/networks.ts'
import { randomCase } from '../../agreement/randomNetworks.ts'
import { feedFor, type Request, run } from '../../agreement/run.ts'
import { threadsInTurn } from './threadsInTurn.ts'

const SGD: SgdStep = { learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 3e-4, clipNorm: 5 }
const LOSS = { kind: 'cross-entropy' } as const
const COUNTS = [1, 2, 3]

/** Opens the executor with exactly so many threads, even for small networks. */
const open = (threads: number, join = joinThreads): Promise<Executor> =>
  openStaticExecutor({ threads, usefulThreads: () => threads, joinThreads: join })

const inTurns = (threads: number) => open(threads, async () => threadsInTurn(threads))

const searchNetwork = (channels: number, size: number) =>
  nb201.supernet({
    shape: { height: size, width: size, channels: 3, classes: 10 },
    channels,
    depth: 1,
    batchNorm: { affine: false, track: true },
  })

/** Returns requests with a batch of several chunks: a training step, and on small networks all other kinds of run. */
function requestsFor(network: Network): Record<string, Request> {
  const feed = feedFor(network, 9)
  const training = { 'training, at a smaller batch than compiled for': { feed, batchSize: 13 } }
  if (network.layers.length > 150) return training
  const stream = random(11, 'threads')
  const active = Uint8Array.from({ length: network.coefficientCount }, () => stream.integer(2))
  const cotangent = Float32Array.from({ length: 9 * network.classes }, () => stream.normal())
  return {
    ...training,
    'running statistics': { feed, mode: 'eval' },
    'given logits': { feed, mode: 'probe', objective: { kind: 'logits', cotangent } },
    ...(active.length > 0 && { 'paths switched off': { feed: { ...feed, active } } }),
  }
}

/** Returns a result with its arrays replaced by hashes, which are quicker to compare. */
const bitsOf = (result: object) =>
  Object.fromEntries(
    Object.entries(result).map(([name, value]: [string, unknown]) => [
      name,
      ArrayBuffer.isView(value)
        ? createHash('sha256')
            .update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
            .digest('hex')
        : value,
    ]),
  )

/** Expects the same bits from all executors, for every request. */
async function compareBits(network: Network, executors: readonly Executor[], requests = requestsFor(network)) {
  for (const [situation, request] of Object.entries(requests)) {
    const results: object[] = []
    for (const executor of executors) results.push(bitsOf(await run(executor, network, request)))
    for (const other of results.slice(1)) expect(other, situation).toEqual(results[0])
  }
}

describe('one, two and three threads that take turns give the same bits', () => {
  for (const [name, build] of Object.entries({ ...supernets, ...discrete })) {
    test(name, async () => compareBits(build(), await Promise.all(COUNTS.map(inTurns))))
  }

  test('on random networks with less work than threads', async () => {
    const executors = await Promise.all(COUNTS.map(inTurns))
    for (let seed = 100; seed < 140; seed++) {
      const { network, request } = randomCase(seed)
      await compareBits(network, executors, { [network.name]: request })
    }
  })
})

describe('one, two and three threads give the same bits', () => {
  test('on networks with many kinds of windows and paths', async () => {
    const executors = await Promise.all(COUNTS.map((threads) => open(threads)))
    await compareBits(discrete['network of large windows, dilated and strided unevenly'](), executors)
    await compareBits(discrete['network of noise in channels that are no multiple of four'](), executors)
  })

  test('if no call of a list runs, and flags change right after a step', async () => {
    const { step, flags, counts, group } = await countingPlan(3)
    const stream = random(3, 'flags')
    const expected = [0, 0, 0]
    for (let order = 0; order < 600; order++) {
      flags.forEach((_, call) => {
        flags[call] = stream.integer(4) === 0 ? 1 : 0
        expected[call] += flags[call]
      })
      step()
    }
    expect(counts()).toEqual(expected.flatMap((count) => new Array(60).fill(count)))
    group.leave()
  })

  test('with frozen activations, and in memory that grows and is reused', async () => {
    const results = [1, 2].map(async (threads) => {
      const executor = await open(threads)
      const small = await heldGradients(executor, searchNetwork(4, 8))
      return [
        small,
        await heldGradients(executor, searchNetwork(8, 12)),
        await heldGradients(executor, searchNetwork(4, 8)),
      ]
    })
    const [one, ...others] = await Promise.all(results)
    for (const other of others) expect(other).toEqual(one)
  })
})

/** Takes a step, allocates one more vector, and returns a gradient with frozen activations. */
async function heldGradients(executor: Executor, network: Network) {
  const executable = await executor.compile(network, { batchSize: 9 })
  executable.weights.write(initialWeights(network, random(0, 'weights')))
  const [feed, other] = [feedFor(network, 9), feedFor(network, 9, 'other')]
  const activationMasks = executable.activationMasks?.(feed)
  await executable.step(feed, LOSS, SGD)
  const weights = executable.vector()
  const result = await executable.gradient(
    { ...feed, coefficients: other.coefficients, activationMasks },
    LOSS,
    { weights, coefficients: true },
    'probe',
  )
  const gradient = await weights.read()
  executable.dispose()
  return bitsOf({ ...result, gradient })
}

test('memory does not grow over steps with changing batches and paths', async () => {
  const network = discrete['network of noise in channels that are no multiple of four']()
  const executable = await (await open(2)).compile(network, { batchSize: 9 })
  const stream = random(5, 'paths')
  const feeds = Array.from({ length: 8 }, (_, i): Feed => feedFor(network, 2 + i))
  const residentAfter = async (steps: number) => {
    for (let step = 0; step < steps; step++) {
      const active = Uint8Array.from({ length: network.coefficientCount }, () => stream.integer(2))
      await executable.step({ ...feeds[step % 8], active }, LOSS, SGD)
    }
    return process.memoryUsage().rss
  }
  const warm = await residentAfter(60)
  expect((await residentAfter(180)) - warm).toBeLessThan(2 ** 24)
  executable.dispose()
})

describe('threads', () => {
  test('are limited by the option and by the work: one for a small network', async () => {
    expect(usefulThreads(searchNetwork(4, 16), 64)).toBe(1)
    expect(usefulThreads(searchNetwork(16, 32), 64)).toBeGreaterThan(64)
    const executor = await openStaticExecutor({ threads: 2 })
    const small = await executor.compile(searchNetwork(4, 8), { batchSize: 64 })
    expect(executor.threads).toBe(1)
    const large = await executor.compile(searchNetwork(16, 16), { batchSize: 64 })
    expect(executor.threads).toBe(2)
    small.dispose()
    large.dispose()
  })

  test('are shared by all networks that use as many, and end with the last', async () => {
    const [first, second] = [await joinThreads(2), await joinThreads(2)]
    expect(second).toBe(first)
    first.leave()
    expect(await joinThreads(2)).toBe(first)
    first.leave()
    first.leave()
    const next = await joinThreads(2)
    expect(next).not.toBe(first)
    next.leave()
  })

  test('do not keep a process alive', () => {
    const script = `
      const { joinThreads } = await import('./dist/engine/wasm/threads/workerThreads.js')
      await joinThreads(3)
      console.log('done')`
    const options = { encoding: 'utf8', timeout: 60_000 } as const
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], options)).toBe('done\n')
  })

  test('that fail make this step and every later one an error; the next network gets new threads', async () => {
    const { plan, arena, group } = await announced(2)
    // The second half, which is not the host's, lies behind the end of the memory.
    const calls = [{ kernel: 'fill', args: [0, arena.bytes / 3], isShared: true, condition: -1 }] as const
    const step = stepOf(plan, arena, calls)
    expect(step).toThrow(/^a thread that helps with steps was lost \(RuntimeError: .*\); run it again, or with/)
    expect(step).toThrow(expect.objectContaining({ code: 'failed' }))
    const next = await joinThreads(2)
    expect(next).not.toBe(group)
    next.leave()
  })

  test('that exit between two steps make the next step an error', async () => {
    const { step, workers } = await countingPlan(2)
    step()
    await Promise.all(workers.map((worker) => worker.terminate()))
    expect(step).toThrow(/^a thread that helps with steps was lost \(exit code 1\)/)
  })

  test('that exit without notice make a barrier fail after the timeout', async () => {
    const { step, workers } = await countingPlan(2, 1)
    step()
    for (const worker of workers) void worker.terminate()
    expect(step).toThrow(/^a thread that helps with steps was lost \(no sign of it for 1 s\)/)
    const next = await joinThreads(2)
    next.leave()
  })
})

/**
 * Returns a plan for a group of threads, with memory and flags for three calls, and the workers if the group is new.
 */
async function announced(threads: number, patience?: number) {
  const unref = vi.spyOn(Worker.prototype, 'unref')
  const group = await joinThreads(threads, patience)
  const workers = unref.mock.contexts as Worker[]
  unref.mockRestore()
  const module = await kernelModule('deterministic')
  const arena = new Arena(module)
  const flags = new Uint8Array(new SharedArrayBuffer(3)).fill(1)
  const plan = group.announce({ module, memory: arena.memory, flags })
  arena.takePart(0, threads)
  arena.batch = 1
  return { plan, arena, flags, group, workers }
}

function stepOf(plan: ThreadedPlan, arena: Arena, calls: readonly PlainCall[], flags?: Uint8Array): () => void {
  const bound = bindCalls(arena.kernels, calls)
  const list = plan.addList(calls)
  return () => plan.run(list, bound, arena.batch, flags)
}

/** Runs three calls, each with a flag, that add 1 to sixty numbers each. Returns how often each number was added to. */
async function countingPlan(threads: number, patience?: number) {
  const { plan, arena, flags, ...rest } = await announced(threads, patience)
  const length = 60
  const start = arena.bytes
  arena.reserve(start + 16 * length, 'the test')
  const addressOf = (call: number) => start + 4 * length * call
  arena.floats.fill(1, addressOf(0) / 4, addressOf(1) / 4)
  arena.floats.fill(0, addressOf(1) / 4, addressOf(4) / 4)
  const calls = [0, 1, 2].map((call): PlainCall => {
    return {
      kernel: 'accumulate',
      args: [addressOf(0), addressOf(call + 1), length, 1],
      isShared: true,
      condition: call,
    }
  })
  const counts = () => [...arena.floats.slice(addressOf(1) / 4, addressOf(4) / 4)]
  return { ...rest, flags, counts, step: stepOf(plan, arena, calls, flags) }
}
