/**
 * Opens what the jobs of a worker process need: algorithm, search space, images, executor, lookup table or full
 * training. Each resource is opened when a job first needs it, and shared by the jobs of the process.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Algorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { Evaluator } from '../../core/evaluation.ts'
import type { Executor } from '../../core/executor.ts'
import type { Job } from '../../core/result.ts'
import type { RetrainingTask } from '../../core/retraining.ts'
import type { SearchSpace } from '../../core/space.ts'
import type { Dataset } from '../../data/dataset.ts'
import { datasetFolder } from '../../data/datasetNames.ts'
import type { OpenDatasetOptions } from '../../data/files/fileDatasets.ts'
import type { ExecutorOptions } from '../../engine/index.ts'
import type { RetrainingProgress } from '../../retrain/retrain.ts'
import type { Registered } from '../../system/plugins.ts'
import type { LogFormat } from '../../system/progressLog.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { executorOf, imageSizeOf } from '../../tables/recipe.ts'
import { openSearchData, requireUnchanged, searchImageSize, writeProgramImages } from '../plan/images.ts'
import type { RunReport, WorkOrder } from './messages.ts'
import type { JobResources } from './searchContext.ts'

/**
 * The function that receives the events of the running job. Concurrent jobs share opened resources, but each has its
 * own function.
 */
const listeners = new AsyncLocalStorage<(report: RunReport) => void>()

/**
 * Runs `work` and sends the events of shared resources that occur meanwhile, such as the training of an architecture
 * that the table lacks, to `report`.
 */
export const reportingTo = <T>(report: (report: RunReport) => void, work: () => Promise<T>): Promise<T> =>
  listeners.run(report, work)

/** Opens the resources (images, executor, table, …) of the jobs of one work order, and shares them among the jobs. */
export class ResourceOpener {
  readonly #order: WorkOrder
  readonly #registered: Registered
  readonly #executors = new Map<string, Promise<Executor>>()
  readonly #datasets = new Map<string, Promise<Dataset>>()
  readonly #evaluators = new Map<string, Promise<Evaluator>>()
  constructor(order: WorkOrder, registered: Registered) {
    this.#order = order
    this.#registered = registered
  }

  /** Returns the opened resources of a job. Their method `close` releases those that no other job uses. */
  async open(job: Job): Promise<JobResources & { close(): Promise<void> }> {
    let data: ReturnType<typeof openSearchData> | undefined
    const { registry } = this.#registered
    const space = this.#unchanged(registry.space(job.space), job.spacePlugin)
    const algorithm = this.#unchanged(registry.algorithm(job.algorithm.name), job.algorithm.plugin)
    const evaluator = await this.#evaluator(job, space)
    return {
      ...{ algorithm, space, threads: this.#order.executor.threads, withMessages: this.#order.withMessages },
      ...(this.#order.log && { log: this.#order.log }),
      ...(evaluator && { evaluator }),
      ...(job.dataset.name !== 'shapes' && { imageFolder: this.#order.data ?? datasetFolder(job.dataset.name) }),
      programImages: (folder) => writeProgramImages(job, { space, dataset: () => this.#searchDataset(job) }, folder),
      // Probes measure the supernet, so they are opened only for searches that train one.
      probes: algorithm.kind === 'supernet' && !algorithm.program ? await openProbes(job.probes) : [],
      executor: () => this.#executorOf(job),
      data: () => {
        data ??= this.#searchData(job, space)
        return data
      },
      images: async () => (await data)?.images,
      close: async () => (await data?.catch(() => undefined))?.close?.(),
    }
  }

  /**
   * Returns the given algorithm or search space, after checking that the content hash of its plugin is the planned one.
   * @throws BenchError `failed` if the plugin has changed since planning
   */
  #unchanged<T extends Algorithm | SearchSpace>(item: T, planned: string | undefined): T {
    if (this.#registered.origins.get(item) === planned) return item
    throw new BenchError('failed', `the plugin of ${item.name} changed while the command ran; run it again`)
  }

  #report(report: RunReport): void {
    listeners.getStore()?.(report)
  }

  #searchDataset({ dataset, protocol }: Job): Promise<Dataset> {
    return this.#dataset(dataset.name, { folder: this.#order.data, ...searchImageSize(protocol) })
  }

  #searchData(job: Job, space: SearchSpace): ReturnType<typeof openSearchData> {
    const { data: folder } = this.#order
    const reported = new Set<string>()
    return openSearchData(job, {
      space,
      ...(folder !== undefined && { folder }),
      dataset: () => this.#searchDataset(job),
      report: (message) => {
        if (!reported.has(message)) this.#report({ kind: 'notice', message })
        reported.add(message)
      },
    })
  }

  /**
   * Returns the executor that trains a job's networks.
   * @throws BenchError `unsupported` if it differs from the planned one, since results would then not agree with the
   * job's checkpoint bit for bit
   */
  async #executorOf({ executor, arithmetic }: Job): Promise<Executor> {
    const opened = await this.#executor(this.#order.executor)
    if (opened.name === executor && opened.arithmetic === arithmetic) return opened
    const planned = `this run was planned for ${executor}, arithmetic ${arithmetic ?? 'not recorded'}`
    const found = `${opened.name}, arithmetic ${opened.arithmetic}`
    throw new BenchError('unsupported', `${planned}, and here it would be ${found}; run the command again`)
  }

  #executor(options: ExecutorOptions): Promise<Executor> {
    return keep(this.#executors, JSON.stringify(options), async () => {
      const { openExecutor } = await import('../../engine/index.ts')
      return openExecutor(options)
    })
  }

  #dataset(name: string, options: OpenDatasetOptions): Promise<Dataset> {
    return keep(this.#datasets, `${name} ${options.imageSize}`, async () => {
      const { openDataset } = await import('../../data/openDataset.ts')
      return openDataset(name, { ...options, report: (message) => this.#report({ kind: 'notice', message }) })
    })
  }

  #evaluator(job: Job, space: SearchSpace): Promise<Evaluator> | undefined {
    if (job.retraining !== undefined) return this.#retraining(job, job.retraining, space)
    const { table } = this.#order
    if (table === undefined) return undefined
    return keep(this.#evaluators, `${table} ${job.dataset.name}`, async () => {
      const { openTable } = await import('../../tables/openTable.ts')
      const { tableEvaluator } = await import('../../tables/tableEvaluator.ts')
      const opened = await openTable(table)
      const evaluator = tableEvaluator(opened, space, job.dataset.name, async (index) => {
        const { readCurves } = await import('../../tables/readCurves.ts')
        return readCurves(table, index)
      })
      const { rows, architectures } = opened.manifest
      return rows === architectures ? evaluator : this.#completing(evaluator, opened.manifest, job, space)
    })
  }

  /**
   * Returns an evaluator that trains a job's found architecture in full and records this training in the job's store.
   */
  async #retraining(job: Job, task: RetrainingTask, space: SearchSpace): Promise<Evaluator> {
    const { store, data, log } = this.#order
    return openRetraining({
      ...(log && { log }),
      ...{ job, task, space, store, folder: data },
      executor: () => this.#executorOf(job),
      report: (report) => this.#report(report),
    })
  }

  /**
   * Returns the evaluator of an incomplete lookup table. It trains the architectures that the table lacks, if the table
   * has a recipe.
   */
  async #completing(
    evaluator: Evaluator,
    { name, recipe }: Manifest,
    job: Job,
    space: SearchSpace,
  ): Promise<Evaluator> {
    if (recipe === undefined) return evaluator
    // --data is the folder of the dataset searched on, which may not be the table's dataset.
    const folder = recipe.dataset.name === job.dataset.name ? this.#order.data : undefined
    const { completingEvaluator } = await import('../../tablebuild/completing.ts')
    const { Trainings } = await import('../../tablebuild/completing.ts')
    const data = await this.#dataset(recipe.dataset.name, { folder, ...imageSizeOf(recipe) })
    const { imagesHash } = await import('../../data/testHalves.ts')
    if (imagesHash(data) !== recipe.dataset.contentHash) {
      throw new BenchError('bad-input', `table ${name} was made from other images of ${recipe.dataset.name} than these`)
    }
    return completingEvaluator(evaluator, {
      space,
      recipe,
      shape: data.shape,
      trainings: new Trainings(recipe),
      train: async (genotype, seed) => {
        const { trainArchitecture } = await import('../../tablebuild/trainArchitecture.ts')
        const executor = await this.#executor(executorOf(recipe))
        const onProgress = (share: number) =>
          this.#report({ kind: 'training', genotype: space.format(genotype), share, epochs: recipe.training.epochs })
        return trainArchitecture({ space, genotype, recipe, seed, executor, data, onProgress })
      },
    })
  }
}

async function openProbes(lines: readonly string[]) {
  if (lines.length === 0) return []
  const { parseProbe } = await import('../../analysis/probes/index.ts')
  return lines.map((line) => parseProbe(line))
}

/**
 * Returns the opened resource (such as an executor) with this key. It is opened when a job first requests it, and then
 * shared by the jobs.
 */
function keep<T>(opened: Map<string, Promise<T>>, key: string, open: () => Promise<T>): Promise<T> {
  const resource = opened.get(key) ?? open()
  opened.set(key, resource)
  return resource
}

/** The job, search space, images, store and executor that a full training of the found architecture needs. */
interface RetrainingResources {
  readonly job: Job
  readonly task: RetrainingTask
  readonly space: SearchSpace
  readonly store: string
  /** Folder of the images of the full training; absent for the user's data folder and for built-in images. */
  readonly folder?: string
  readonly log?: readonly LogFormat[]
  executor(): Promise<Executor>
  report(report: RunReport): void
}

/**
 * Returns an evaluator that trains a job's found architecture in full.
 * @throws BenchError `failed` if the images have changed since planning, other codes for missing or damaged image files
 */
async function openRetraining(resources: RetrainingResources): Promise<Evaluator> {
  const [{ openImages }, { retrainingEvaluator }] = await Promise.all([
    import('../../retrain/images.ts'),
    import('../../retrain/evaluator.ts'),
  ])
  const { job, task, space, store, folder, log, executor, report } = resources
  const { dataset, seed, executor: executorName = '', arithmetic } = job
  const notice = (message: string) => report({ kind: 'notice', message })
  const { family } = space
  if (family === undefined)
    throw new BenchError('unsupported', `architectures of ${space.name} are not trained in full`)
  const images = await openImages({ name: dataset.name, folder, settings: task.settings, report: notice })
  return retrainingEvaluator({
    ...{ store, task, family, executor, executorName, arithmetic, log },
    ...(job.spacePlugin && { spacePlugin: job.spacePlugin }),
    images: requireUnchanged(images, dataset),
    searchSeed: seed,
    format: space.format,
    report: (progress) => report(reportOf(progress)),
  })
}

/** Converts a progress report of a full training to the event that the worker process sends. */
function reportOf(progress: RetrainingProgress): RunReport {
  if (progress.kind === 'waiting') return { kind: 'waiting', pid: progress.holder.pid, host: progress.holder.host }
  const { seed, share, epochs, last } = progress
  if (last === undefined) return { kind: 'retraining', seed, share, epochs, epoch: 0 }
  const numbers = { loss: last.trainLoss, testErrorPct: 100 - last.testAccuracyPct }
  return { kind: 'retraining', seed, share, epochs, epoch: last.epoch + 1, ...numbers }
}
