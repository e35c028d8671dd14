/**
 * Measures the processor time of tasks in this process. The usage of the process includes all its threads; while several
 * tasks run at the same time, it is divided equally among them.
 */

const running = new Set<ProcessorTime>()
let counted = process.cpuUsage()

/** Adds the usage since the last call to the running tasks. */
function shareUsage(): void {
  const now = process.cpuUsage()
  const seconds = (now.user - counted.user + now.system - counted.system) / 1e6
  counted = now
  for (const task of running) task.add(seconds / running.size)
}

/** Processor time of one task, from its construction until `stop`. */
export class ProcessorTime {
  #seconds = 0

  constructor() {
    shareUsage()
    running.add(this)
  }

  /** Returns the processor seconds of the task so far. */
  get seconds(): number {
    shareUsage()
    return this.#seconds
  }

  add(seconds: number): void {
    this.#seconds += seconds
  }

  stop(): void {
    shareUsage()
    running.delete(this)
  }
}
