/** Threads within a step: the same bits, whatever their number. They run the built module, as `npm test` leaves it. */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import type { Executor, Feed, SgdStep } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { random } from '../../../src/core/random.ts'
import { initialWeights } from '../../../src/engine/initialise.ts'
import { joinCrew } from '../../../src/engine/wasm/crew.ts'
import { bindCalls } from '../../../src/engine/wasm/follow.ts'
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { Arena, kernelModule } from '../../../src/engine/wasm/module.ts'
import { threadsThatPay } from '../../../src/engine/wasm/threadsThatPay.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { discrete, supernets } from '../agreement/networks.ts'
import { feedFor, type Request, run } from '../agreement/run.ts'

const SGD: SgdStep = { learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 3e-4, clipNorm: 5 }
const LOSS = { kind: 'cross-entropy' } as const
const COUNTS = [1, 2, 3]

/** However small the network. */
const open = (threads: number): Promise<Executor> =>
  openStaticExecutor({ deterministic: true, threads, threadsThatPay: () => threads })

const searchNetwork = (channels: number, size: number) =>
  nb201.supernet({
    shape: { height: size, width: size, channels: 3, classes: 10 },
    channels,
    depth: 1,
    batchNorm: { affine: false, track: true },
  })

/** At a batch of several chunks of pixels: a training, and what else a step can be asked for where that is quick. */
function requestsFor(network: Network, isQuick: boolean): Record<string, Request> {
  const feed = feedFor(network, 9)
  const training = { 'training, at a smaller batch than compiled for': { feed, batchSize: 13 } }
  if (!isQuick) return training
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

describe('one, two and three threads give the same bits', () => {
  for (const [name, build] of Object.entries({ ...supernets, ...discrete })) {
    test(name, async () => {
      const network = build()
      const executors = await Promise.all(COUNTS.map(open))
      for (const [situation, request] of Object.entries(requestsFor(network, !name.startsWith('DARTS')))) {
        const [one, ...others] = await Promise.all(executors.map((executor) => run(executor, network, request)))
        for (const other of others) expect(other, situation).toEqual(one)
      }
    })
  }

  test('where gates are held, and where memory grows and goes from one network to the next', async () => {
    const results = COUNTS.map(async (threads) => {
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

/** A gradient with held gates after a step, and one more vector than there was. */
async function heldGradients(executor: Executor, network: Network) {
  const executable = await executor.compile(network, { batchSize: 9 })
  executable.weights.write(initialWeights(network, random(0, 'weights')))
  const [feed, other] = [feedFor(network, 9), feedFor(network, 9, 'other')]
  const gates = executable.gates?.(feed)
  await executable.step(feed, LOSS, SGD)
  const weights = executable.vector()
  const result = await executable.gradient(
    { ...feed, coefficients: other.coefficients, gates },
    LOSS,
    { weights, coefficients: true },
    'probe',
  )
  const gradient = await weights.read()
  executable.dispose()
  return { ...result, gradient }
}

test('memory stays flat over steps of changing batches and paths', async () => {
  const network = searchNetwork(4, 8)
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
  test('are as many as are allowed and have enough to do: one for a small network', async () => {
    expect(threadsThatPay(searchNetwork(4, 16), 64)).toBe(1)
    expect(threadsThatPay(searchNetwork(16, 32), 64)).toBeGreaterThan(64)
    const executor = await openStaticExecutor({ threads: 2 })
    const small = await executor.compile(searchNetwork(4, 8), { batchSize: 64 })
    expect(executor.threads).toBe(1)
    const large = await executor.compile(searchNetwork(16, 16), { batchSize: 64 })
    expect(executor.threads).toBe(2)
    small.dispose()
    large.dispose()
  })

  test('are the same for all networks that want so many, and end with the last', async () => {
    const [first, second] = [await joinCrew(2), await joinCrew(2)]
    expect(second).toBe(first)
    first.leave()
    expect(await joinCrew(2)).toBe(first)
    first.leave()
    first.leave()
    const next = await joinCrew(2)
    expect(next).not.toBe(first)
    next.leave()
  })

  test('do not keep a process alive', () => {
    const script = `
      const { joinCrew } = await import('./dist/engine/wasm/crew.js')
      await joinCrew(3)
      console.log('done')`
    const options = { encoding: 'utf8', timeout: 60_000 } as const
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], options)).toBe('done\n')
  })

  test('that are lost end the step with an error, and every later one; the next network has new ones', async () => {
    const { module } = await kernelModule(true)
    const crew = await joinCrew(2)
    const arena = new Arena(module)
    const flags = new Uint8Array(new SharedArrayBuffer(1))
    const plan = crew.announce({ module, memory: arena.memory, flags })
    arena.takePart(0, 2)
    arena.batch = 1
    // The second half, which is not the host's, lies behind the end of the memory.
    const calls = [{ kernel: 'fill', args: [0, arena.bytes / 3], isShared: true, condition: -1 }] as const
    const bound = bindCalls(arena.kernels, calls)
    const list = plan.addList(calls)
    const step = () => plan.run(list, bound, 1, undefined)
    expect(step).toThrow(/^a thread that helps with steps was lost \(RuntimeError: .*\); run it again, or with/)
    expect(step).toThrow(expect.objectContaining({ code: 'failed' }))
    const next = await joinCrew(2)
    expect(next).not.toBe(crew)
    next.leave()
  })
})
