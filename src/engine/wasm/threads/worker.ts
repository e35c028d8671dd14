/** A thread of a crew: waits for orders, and follows its part of a list for each. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { ThreadKernels } from '../module/module.ts'
import { Seat, SpinWait, WORD } from './barrier.ts'
import { type BoundCall, bindCalls, follow } from './follow.ts'
import type { CrewNews, MemberSetting } from './workerThreads.ts'

/** What is known of a plan. */
interface KnownPlan {
  readonly thread: ThreadKernels
  readonly flags: Uint8Array
  readonly lists: BoundCall[][]
}

const { words, port, part, threads } = workerData as MemberSetting
const plans = new Map<number, KnownPlan>()
/** The host says when it is in vain, by ending this thread. */
const onSlice = () => {}
const seat = new Seat(words, threads, onSlice)
const orders = new SpinWait(words, WORD.orders, onSlice)
const follower = { isFirst: false, meet: () => seat.meet() }

/** News are sent before the order that needs them. */
function hear(): void {
  for (let heard = receiveMessageOnPort(port); heard; heard = receiveMessageOnPort(port)) take(heard.message)
}

function take(news: CrewNews): void {
  if (news.kind === 'plan') {
    const thread = new ThreadKernels(news.module, news.memory)
    thread.takePart(part, threads)
    plans.set(news.plan, { thread, flags: news.flags, lists: [] })
  } else if (news.kind === 'list') {
    const { thread, lists } = knownPlan(news.plan)
    lists.push(bindCalls(thread.kernels, news.calls))
  } else plans.delete(news.plan)
}

function knownPlan(number: number): KnownPlan {
  const plan = plans.get(number)
  if (plan === undefined) throw new Error(`plan ${number} was never announced`)
  return plan
}

function obey(): void {
  hear()
  const { thread, flags, lists } = knownPlan(words[WORD.plan])
  thread.batch = words[WORD.batch]
  follow(lists[words[WORD.list]], words[WORD.pathMasked] === 1 ? flags : undefined, follower)
}

parentPort?.postMessage('ready')
try {
  for (let heard = 0; ; heard++) {
    orders.awaitChange(heard)
    obey()
  }
} catch (error) {
  port.postMessage(String(error))
  Atomics.store(words, WORD.lost, 1)
  Atomics.notify(words, WORD.barriers)
}
