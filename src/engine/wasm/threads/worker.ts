/**
 * Entry point of a worker thread: waits for orders of the main thread, and runs its part of the list of kernel calls
 * that each order names.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { ThreadKernels } from '../module/module.ts'
import { Barrier, SpinWait, WORD } from './barrier.ts'
import { type BoundCall, bindCalls, follow } from './threads.ts'
import type { ControlMessage, WorkerSetting } from './workerThreads.ts'

/** A compiled network as this worker thread has received it: its kernels and its lists of calls. */
interface KnownPlan {
  readonly thread: ThreadKernels
  readonly flags: Uint8Array
  readonly lists: BoundCall[][]
}

const { words, port, part, threads } = workerData as WorkerSetting
const plans = new Map<number, KnownPlan>()
/** A worker thread waits without a time limit: the main thread ends the worker when it is no longer needed. */
const onSlice = () => {}
const barrier = new Barrier(words, threads, onSlice)
const orders = new SpinWait(words, WORD.orders, onSlice)
const follower = { isFirst: false, wait: () => barrier.wait() }

/**
 * Handles all messages that the main thread has sent so far. The main thread sends a list of calls before it orders the
 * list to be run.
 */
function drainMessages(): void {
  for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
    handle(received.message)
  }
}

/** Handles one message of the main thread: a new network, a new list of calls, or a network that is no longer used. */
function handle(message: ControlMessage): void {
  if (message.kind === 'plan') {
    const thread = new ThreadKernels(message.module, message.memory)
    thread.takePart(part, threads)
    plans.set(message.plan, { thread, flags: message.flags, lists: [] })
  } else if (message.kind === 'list') {
    const { thread, lists } = knownPlan(message.plan)
    lists.push(bindCalls(thread.kernels, message.calls))
  } else plans.delete(message.plan)
}

/** Returns a compiled network by the number that the main thread gave it. @throws Error if it was never announced */
function knownPlan(number: number): KnownPlan {
  const plan = plans.get(number)
  if (plan === undefined) throw new Error(`plan ${number} was never announced`)
  return plan
}

/** Runs this thread's part of the list of kernel calls that the latest order names. */
function runOrder(): void {
  drainMessages()
  const { thread, flags, lists } = knownPlan(words[WORD.plan])
  thread.batch = words[WORD.batch]
  follow(lists[words[WORD.list]], words[WORD.pathMasked] === 1 ? flags : undefined, follower)
}

parentPort?.postMessage('ready')
try {
  for (let ordersDone = 0; ; ordersDone++) {
    orders.awaitChange(ordersDone)
    runOrder()
  }
} catch (error) {
  port.postMessage(String(error))
  Atomics.store(words, WORD.lost, 1)
  Atomics.notify(words, WORD.barriers)
}
