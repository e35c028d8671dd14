/**
 * The search of a method that is an external program: starts the program, answers its questions to the oracle, records
 * the epochs that it reports, and lets it save and restore itself (docs/external-methods.md).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { alphaRecord } from '../../analysis/probes/alpha.ts'
import { skipRecord } from '../../analysis/probes/skip.ts'
import type { EpochReport, ProgramServices, Search, SearchContext, SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { softmax } from '../../core/mixing.ts'
import { problemIn } from '../../core/parseRecord.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { Program } from '../../system/program.ts'
import { extraOf, mostEvaluations, tooSmall } from '../shared/blackBox.ts'
import { checkProtocol, type ExternalMethod } from './declaration.ts'
import {
  type HarnessMessage,
  PROTOCOL,
  type ProgramArchitecture,
  type ProgramMessage,
  programMessage,
} from './messages.ts'

/** Largest number of queries after the budget is spent; a program that sends more is taken to never end. */
const MOST_REFUSALS = 100

/** Summary of the program's queries to the oracle so far. */
interface Asked {
  readonly count: number
  /** The most accurate architecture among those with the longest training, as text. */
  readonly best?: string
  readonly bestPct: number
  readonly longest: number
}

/** The state of a search in a checkpoint. */
interface SavedProgram {
  readonly asked: Asked
  /** The architecture that the search would answer; absent before the first epoch or answer. */
  readonly current?: string
  /** Whether the program has sent its final answer; a restored search then does not start it again. */
  readonly hasAnswered: boolean
  /** Contents of the files that the program has saved, by path. */
  readonly files: Readonly<Record<string, Uint8Array>>
}

/**
 * Starts a search method that is an external program, and returns its search.
 * @param options options of the method, parsed; `evaluations` is an option that this package adds to black-box methods
 * @throws BenchError if the program cannot be started, or speaks another version of the messages
 */
export async function externalSearch(
  method: ExternalMethod,
  context: SearchContext,
  { evaluations, ...options }: Readonly<Record<string, unknown>>,
): Promise<Search & { afterClosedInput(): Promise<string | undefined> }> {
  const search = new ExternalSearch(method, context, evaluations as number | undefined)
  try {
    await search.start(options)
    return search
  } catch (error) {
    search.dispose()
    throw error
  }
}

class ExternalSearch implements Search {
  epochs = 1
  ended?: string
  readonly evaluations?: number
  readonly saves: boolean
  readonly #name: string
  readonly #version: number
  readonly #isBlackBox: boolean
  readonly #context: SearchContext
  readonly #services: ProgramServices
  readonly #program: Program
  readonly #mostEvaluations: number
  #asked: Asked = { count: 0, bestPct: Number.NEGATIVE_INFINITY, longest: 0 }
  #refusals = 0
  #current: Genotype | undefined
  #hasBegun = false
  #hasAnswered = false
  #restoreFolder: string | null = null

  constructor({ declared, command }: ExternalMethod, context: SearchContext, evaluations: number | undefined) {
    const { program: services } = context
    if (services === undefined) throw new BenchError('failed', `${declared.name}: no folder for the program was given`)
    this.#name = declared.name
    this.#version = declared.version
    this.#isBlackBox = declared.kind === 'black-box'
    this.saves = declared.saves
    this.#context = context
    this.#services = services
    this.#mostEvaluations = mostEvaluations(evaluations, context.oracle.budgetSeconds)
    if (this.#isBlackBox && Number.isFinite(this.#mostEvaluations)) this.evaluations = this.#mostEvaluations
    this.#program = new Program(declared.name, command, {
      log: services.log,
      onStart: (identity) => services.onStart?.(identity),
      onMessage: services.onMessage,
    })
  }

  async start(options: Readonly<Record<string, unknown>>): Promise<void> {
    const { space, protocol, seed, oracle } = this.#context
    const { headline, ...settings } = protocol
    await this.#send({
      type: 'start',
      protocol: PROTOCOL,
      method: this.#name,
      version: this.#version,
      space: {
        name: space.name,
        edges: space.edges.map(({ cell, from, to, operations }) => ({ cell, from, to, operations: [...operations] })),
        decisions: [...space.encoding.cardinalities],
      },
      dataset: this.#services.dataset,
      settings,
      seed,
      options,
      budget_seconds: orNull(oracle.budgetSeconds),
      evaluations: this.#isBlackBox ? orNull(this.#mostEvaluations) : null,
      fidelities: oracle.fidelities === undefined ? null : [...oracle.fidelities],
      folder: this.#services.folder,
      device: { cuda: process.env.CUDA_VISIBLE_DEVICES ?? null, threads: this.#services.threads ?? null },
    })
    const { epochs } = await this.#expect('ready')
    this.epochs = epochs ?? (this.#isBlackBox ? 1 : protocol.epochs)
    if (this.#isBlackBox || this.epochs <= protocol.epochs) return
    const found = `${this.#name} would report ${pluralize(this.epochs, 'epoch')}`
    throw new BenchError(
      'failed',
      `${found}, and protocol ${protocol.name} has ${protocol.epochs}; keep to settings.epochs`,
    )
  }

  async epoch(index: number): Promise<EpochReport> {
    if (this.#hasBegun) await this.#send({ type: 'continue' })
    else await this.#send({ type: 'begin', epoch: index, restore: this.#restoreFolder })
    this.#hasBegun = true
    const message = await this.#work()
    if (message.type === 'answer') {
      if (index < this.epochs - 1 || !this.#isBlackBox) throw this.#tooEarly(index)
      await this.#finish(message)
      return this.#report()
    }
    const { epoch, last, architecture } = message
    if (epoch !== index) throw this.#fault(`it reported epoch ${epoch}, expected ${index}`)
    this.#current = this.#genotypeOf(architecture, `epoch ${epoch}`)
    const report = this.#report(message)
    if (last !== undefined) this.ended = last
    if (last === undefined && index < this.epochs - 1) return report
    await this.#send({ type: 'continue' })
    const next = await this.#work()
    if (next.type === 'epoch') throw this.#fault(`it reported epoch ${next.epoch} after its last; expected its answer`)
    await this.#finish(next)
    return report
  }

  genotype(): Genotype {
    const { best } = this.#asked
    if (this.#current !== undefined) return this.#current
    if (best !== undefined) return this.#context.space.parse(best)
    throw tooSmall(this.#context.oracle.budgetSeconds)
  }

  async save(): Promise<SearchState> {
    const files = this.#hasAnswered ? {} : await this.#savedFiles()
    const current = this.#current && this.#context.space.format(this.#current)
    const state: SavedProgram = {
      asked: this.#asked,
      hasAnswered: this.#hasAnswered,
      files,
      ...(current && { current }),
    }
    return state as unknown as SearchState
  }

  restore(state: SearchState): void {
    const { asked, current, hasAnswered, files } = state as unknown as SavedProgram
    this.#asked = asked
    this.#hasAnswered = hasAnswered
    if (current !== undefined) this.#current = this.#context.space.parse(current)
    if (hasAnswered) {
      this.#program.kill()
      return
    }
    const folder = this.#emptyFolder('restore')
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    this.#restoreFolder = folder
  }

  dispose(): void {
    this.#program.kill()
  }

  /**
   * Closes the program's input in the middle of the search, and describes what still runs some seconds later; undefined
   * if nothing does.
   */
  async afterClosedInput(): Promise<string | undefined> {
    await this.#send({ type: 'begin', epoch: 0, restore: null })
    return this.#program.afterClosedInput()
  }

  /** Answers the program's queries until it reports an epoch or sends its final answer, and returns that message. */
  async #work() {
    for (;;) {
      const message = await this.#receive()
      if (message.type === 'epoch' || message.type === 'answer') return message
      if (message.type === 'ask') await this.#answer(message)
      else if (message.type === 'images') await this.#sendImages()
      else if (message.type !== 'alive') throw this.#fault(`it sent ${message.type} where epoch or answer was expected`)
    }
  }

  async #answer({ architecture, epochs }: ProgramMessage & { type: 'ask' }): Promise<void> {
    if (!this.#isBlackBox) throw this.#fault('a gradient method cannot ask for accuracies; declare kind "black-box"')
    const { space, oracle } = this.#context
    const genotype = this.#genotypeOf(architecture, `question ${this.#asked.count + 1}`)
    const isOver = this.#refusals > 0 || this.#asked.count >= this.#mostEvaluations
    const reply = isOver ? undefined : await oracle.query(genotype, epochs)
    const { usedSeconds } = oracle
    if (reply === undefined) {
      if (++this.#refusals > MOST_REFUSALS) throw this.#fault('it goes on asking after the budget is used up')
      return this.#send({ type: 'told', accuracy: null, seconds: null, used_seconds: usedSeconds })
    }
    const { count, best, bestPct, longest } = this.#asked
    const length = epochs ?? longest
    const isBest = length > longest || (length === longest && reply.accuracyPct > bestPct)
    this.#asked = isBest
      ? { count: count + 1, best: space.format(genotype), bestPct: reply.accuracyPct, longest: length }
      : { count: count + 1, bestPct, longest, ...(best !== undefined && { best }) }
    return this.#send({ type: 'told', accuracy: reply.accuracyPct, seconds: reply.seconds, used_seconds: usedSeconds })
  }

  async #sendImages(): Promise<void> {
    if (this.#isBlackBox) throw this.#fault('a black-box method gets no images; declare kind "gradient"')
    const { weights, architecture, mean, std, classes } = await this.#services.images()
    const { imageFolder: folder = null } = this.#services
    const images = { weights, architecture, mean: [...mean], std: [...std], classes, folder }
    return this.#send({ type: 'images', ...images })
  }

  async #finish({ architecture }: ProgramMessage & { type: 'answer' }): Promise<void> {
    if (architecture !== undefined) this.#current = this.#genotypeOf(architecture, 'its answer')
    this.#hasAnswered = true
    await this.#send({ type: 'end' })
    await this.#program.end()
    this.genotype()
  }

  #report(message?: ProgramMessage & { type: 'epoch' }): EpochReport {
    const { oracle } = this.#context
    const { count, bestPct } = this.#asked
    const { train_loss, train_accuracy, valid_loss, valid_accuracy, alpha, extra } = message ?? {}
    const asked = this.#isBlackBox && count > 0 ? bestPct : undefined
    const validAccuracyPct = valid_accuracy ?? asked
    const numbers = { ...(asked !== undefined && extraOf(count, oracle)), ...extra }
    if (alpha !== undefined) this.#checkRows(alpha, 'alpha')
    const probes = message && !this.#isBlackBox ? this.#probes(message) : undefined
    return {
      ...(probes && { probes }),
      ...(train_loss !== undefined && { trainLoss: train_loss }),
      ...(train_accuracy !== undefined && { trainAccuracyPct: train_accuracy }),
      ...(valid_loss !== undefined && { validLoss: valid_loss }),
      ...(validAccuracyPct !== undefined && { validAccuracyPct }),
      ...(alpha && { parameters: alpha }),
      ...(Object.keys(numbers).length > 0 && { extra: numbers }),
    }
  }

  /**
   * Returns the mixing weights, skip connections and Hessian eigenvalue that a gradient method reports, in the form of
   * probe records.
   */
  #probes({
    alpha,
    theta = alpha?.map((row) => softmax(row)),
    hessian_eigenvalue,
  }: ProgramMessage & { type: 'epoch' }) {
    if (theta !== undefined) this.#checkRows(theta, 'theta')
    return {
      skip: skipRecord(this.#context.space.format(this.genotype())),
      ...(theta && { alpha: alphaRecord(theta) }),
      ...(hessian_eigenvalue !== undefined && {
        hessian: { mode: 'program', loss: 'val', at: 'mean', dominantEigenvalue: hessian_eigenvalue },
      }),
    }
  }

  #genotypeOf(architecture: ProgramArchitecture, where: string): Genotype {
    const { space } = this.#context
    try {
      if (typeof architecture === 'string') return space.parse(architecture)
      if (Array.isArray(architecture)) return space.encoding.decode(checkedDecisions(architecture, space))
      this.#checkRows(architecture.theta, 'theta')
      return space.derive(architecture.theta, architecture.edge_weights)
    } catch (error) {
      throw this.#fault(`${where}: ${(error as Error).message}`, error)
    }
  }

  /** Checks that a matrix has a row for each edge of the space, and in it a number for each operation. */
  #checkRows(matrix: readonly (readonly number[])[], what: string): void {
    const { edges, name } = this.#context.space
    const wrong = edges.findIndex(({ operations }, edge) => matrix[edge]?.length !== operations.length)
    if (matrix.length === edges.length && wrong < 0) return
    const shape =
      wrong < 0 ? pluralize(matrix.length, 'row') : `${pluralize(matrix[wrong]?.length ?? 0, 'number')} in row ${wrong}`
    const expected = wrong < 0 ? `${edges.length}, one for each edge` : `${edges[wrong].operations.length}`
    throw this.#fault(`${what} has ${shape}; ${name} has ${expected}`)
  }

  async #savedFiles(): Promise<Record<string, Uint8Array>> {
    const folder = this.#emptyFolder('save')
    await this.#send({ type: 'save', folder })
    await this.#expect('saved')
    const files: Record<string, Uint8Array> = {}
    let left = limitOf('program-checkpoint-mib') * 2 ** 20
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      left -= statSync(path).size
      if (left < 0) throw beyondLimit('program-checkpoint-mib', `${this.#name} saved more than that`, '', 'failed')
      files[relative(folder, path)] = readFileSync(path)
    }
    rmSync(folder, { recursive: true, force: true })
    return files
  }

  #emptyFolder(name: string): string {
    const folder = join(this.#services.folder, name)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    return folder
  }

  #send(message: HarnessMessage): Promise<void> {
    return this.#program.send(message)
  }

  /** Returns the program's next message. @throws BenchError for a malformed one, or if it is the program's own error */
  async #receive(): Promise<ProgramMessage> {
    const message = await this.#program.next()
    checkProtocol(this.#name, message)
    const parsed = programMessage.safeParse(message)
    if (!parsed.success) {
      const { type } = message as { readonly type?: unknown }
      throw this.#fault(`its message ${typeof type === 'string' ? type : 'without a type'}: ${problemIn(parsed.error)}`)
    }
    if (parsed.data.type === 'error') {
      // Its last words, such as a traceback, belong into the log.
      await this.#program.end()
      throw this.#fault(parsed.data.message)
    }
    return parsed.data
  }

  /** Returns the program's next message other than `alive`, which has to be of the given type. */
  async #expect<Type extends ProgramMessage['type']>(type: Type): Promise<ProgramMessage & { type: Type }> {
    for (;;) {
      const message = await this.#receive()
      if (message.type === type) return message as ProgramMessage & { type: Type }
      if (message.type !== 'alive') throw this.#fault(`it sent ${message.type} where ${type} was expected`)
    }
  }

  #tooEarly(index: number): BenchError {
    const found = `it answered after ${index} of ${pluralize(this.epochs, 'epoch')}`
    return this.#fault(`${found}; report each epoch, and say why it is the last if the search ends early`)
  }

  /** Ends the program, and returns the error for what it did wrong. */
  #fault(problem: string, cause?: unknown): BenchError {
    this.#program.kill()
    return new BenchError('failed', `${this.#name}: ${problem}`, { cause })
  }
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

function checkedDecisions(decisions: readonly number[], { name, encoding }: SearchSpace): readonly number[] {
  const { cardinalities } = encoding
  if (decisions.length !== cardinalities.length) {
    throw new BenchError('bad-input', `${pluralize(decisions.length, 'decision')}; ${name} has ${cardinalities.length}`)
  }
  const wrong = decisions.findIndex((value, at) => value >= cardinalities[at])
  if (wrong < 0) return decisions
  throw new BenchError(
    'bad-input',
    `decision ${wrong} is ${decisions[wrong]}; ${name} has 0 to ${cardinalities[wrong] - 1} there`,
  )
}
