/**
 * `bench run --dry-run`: runs one search by an external program, prints the messages exchanged with it, and stores no
 * result.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { runLabel } from '../runner/plan/identity.ts'
import type { Plan } from '../runner/plan/plan.ts'
import { cudaEnvironments, ordersOf } from '../runner/processes/orders.ts'
import { prepareToRun } from '../runner/processes/runPlan.ts'
import type { RunReport } from '../runner/run/messages.ts'
import { Store } from '../runner/store/store.ts'
import { onInterrupt } from './failures.ts'
import { print, printAside, writeOutput } from './output.ts'

type Message = Extract<RunReport, { kind: 'message' }>

/** Number of messages of each type that are printed; further ones are only counted. */
const SHOWN = 3

/**
 * Runs the first planned search whose method is an external program, in a temporary store, and prints the messages in
 * both directions.
 * @throws BenchError `bad-input` if no planned search is by a program; the error of the search if it fails
 */
export async function dryRun(plan: Plan, { json = false, out }: { json?: boolean; out?: string }): Promise<void> {
  const planned = plan.jobs.find(({ algorithm }) => algorithm.program !== undefined)
  if (planned === undefined) {
    const found = '--dry-run shows the messages of a method that is a program, and none is named'
    throw new BenchError('bad-input', `${found}; add --algo ./my_method.py, or leave out --dry-run`)
  }
  const { runOrders } = await import('../runner/processes/pool.ts')
  const folder = mkdtempSync(join(tmpdir(), 'bench-dry-run-'))
  const clean = () => rmSync(folder, { recursive: true, force: true })
  const removeHandler = onInterrupt(clean, 'a dry run keeps nothing, so the same command begins again')
  const messages: Message[] = []
  const shown = new MessageLines()
  const isShown = !json && out === undefined
  const failures: (RunReport & { kind: 'failed' })[] = []
  try {
    const store = new Store(folder)
    await prepareToRun({ ...plan, jobs: [planned] }, store)
    if (isShown) print(`${runLabel(planned.job)}: → to the program, ← from it; nothing is kept\n`)
    const orders = ordersOf(plan, [planned], store, { jobs: 1, seedsPerDevice: 1 })
    const withMessages = orders.map((order) => ({ ...order, withMessages: true }))
    await runOrders(withMessages, { jobs: 1, gpus: cudaEnvironments() }, (event) => {
      if (event.kind === 'failed') failures.push(event)
      if (event.kind !== 'message') return
      messages.push(event)
      if (isShown) print(shown.add(event))
    })
  } finally {
    removeHandler()
    clean()
  }
  if (isShown) print(shown.rest())
  else if (json) writeOutput(`${JSON.stringify(messages.map(parsed), null, 2)}\n`, out)
  else writeOutput(messages.map(lineOf).join(''), out)
  const [failure] = failures
  if (failure === undefined) return
  if (failure.stack !== undefined) printAside(`${failure.stack}\n`)
  const { code, message } = failure
  throw new BenchError(code === 'unexpected' ? 'failed' : code, message.replace(/ \(its output: [^)]*\)/, ''))
}

const parsed = ({ direction, line }: Message) => ({ direction, message: readable(line) })

const lineOf = ({ direction, line }: Message): string => `${direction === 'to' ? '→' : '←'} ${line}\n`

/** Parses a line of the program as JSON; returns the line itself if it is not JSON. */
function readable(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}

/** Formats messages as lines to print. Of each message type, only the first few are printed. */
class MessageLines {
  readonly #counts = new Map<string, number>()
  #hidden = 0

  add(message: Message): string {
    const type = `${message.direction} ${/"type":\s*"(\w+)"/.exec(message.line)?.[1]}`
    const count = (this.#counts.get(type) ?? 0) + 1
    this.#counts.set(type, count)
    if (count <= SHOWN) return `${this.rest()}${lineOf(message)}`
    this.#hidden++
    return ''
  }

  /**
   * Returns a line with the number of messages left out since the last printed one; an empty text if there are none.
   */
  rest(): string {
    const hidden = this.#hidden
    this.#hidden = 0
    return hidden === 0 ? '' : `  … ${pluralize(hidden, 'more message')}\n`
  }
}
