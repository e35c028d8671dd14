/**
 * Makes the downloadable files of a report's figures. For a report on many runs this takes a third of the time, so it is
 * done in a worker thread while the main thread computes the next figures and the tables.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { cores } from '../../system/cores.ts'
import type { Figure } from '../pictures/figure.ts'
import { type Downloads, filesOf } from './figureHtml.ts'

/**
 * Path of the compiled module of the worker thread. It is also used when the program runs from source, since threads
 * cannot load TypeScript.
 */
const WORKER = fileURLToPath(new URL('../../../dist/report/page/downloadsWorker.js', import.meta.url))

/** Smallest number of runs for which a thread pays: of fewer runs, figures and tables are computed in no time. */
const MANY_RUNS = 1000

/** Collects the figures of a page and makes their downloadable files. */
export interface DownloadsMaker {
  /** Takes the next figure of the page. */
  add(figure: Figure): void
  /** Returns the downloadable files of each figure, by the figure's name. To be called once. */
  finish(): Promise<Readonly<Record<string, Downloads>>>
  /** Ends the thread, which otherwise keeps the process alive. */
  close(): Promise<void>
}

/**
 * Returns a maker of downloadable files, which uses a worker thread for many runs if there is a second core. If the
 * thread fails, the files are made in this thread.
 * @param runs number of runs of the report
 */
export function downloadsMaker(runs: number, isParallel = runs >= MANY_RUNS && cores() > 1): DownloadsMaker {
  const figures: Figure[] = []
  const thread = isParallel ? new FilesThread() : undefined
  return {
    add(figure) {
      figures.push(figure)
      thread?.add(figure)
    },
    async finish() {
      const made = await thread?.finish(figures.length)
      return Object.fromEntries(figures.map((figure, i) => [figure.name, made?.[i] ?? filesOf(figure)]))
    },
    async close() {
      await thread?.close()
    },
  }
}

/** A worker thread that makes the files of figures. */
class FilesThread {
  readonly #worker: Worker
  readonly #made: Downloads[] = []
  #isOver = false
  #onChange: () => void = () => undefined

  constructor() {
    this.#worker = new Worker(WORKER, { execArgv: [] })
    this.#worker.on('message', (files: Downloads) => {
      this.#made.push(files)
      this.#onChange()
    })
    for (const end of ['error', 'exit'] as const) {
      this.#worker.on(end, () => {
        this.#isOver = true
        this.#onChange()
      })
    }
  }

  add(figure: Figure): void {
    this.#worker.postMessage(figure)
  }

  /** Returns the files of the added figures, in their order; fewer than `count` if the thread failed. */
  async finish(count: number): Promise<readonly Downloads[]> {
    await new Promise<void>((resolve) => {
      this.#onChange = () => {
        if (this.#isOver || this.#made.length === count) resolve()
      }
      this.#onChange()
    })
    return this.#made
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}
