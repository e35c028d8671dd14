import { expect, test } from 'vitest'
import { ProcessorTime } from '../../src/system/processorTime.ts'

/** Uses the processor until the process has spent some milliseconds more. */
function work(milliseconds: number): void {
  const begun = process.cpuUsage()
  for (let spent = 0; spent < milliseconds; ) {
    const { user, system } = process.cpuUsage(begun)
    spent = (user + system) / 1000
  }
}

test('tasks that run at the same time share the processor time of the process equally', () => {
  const begun = process.cpuUsage()
  const one = new ProcessorTime()
  work(20)
  const alone = one.seconds
  const other = new ProcessorTime()
  work(20)
  other.stop()
  one.stop()
  expect(alone).toBeGreaterThan(0.015)
  expect(other.seconds).toBeGreaterThan(0.008)
  expect(one.seconds - alone).toBeCloseTo(other.seconds, 2)
  const { user, system } = process.cpuUsage(begun)
  expect(one.seconds + other.seconds).toBeLessThanOrEqual((user + system) / 1e6 + 1e-9)
})

test('a task that has stopped takes no more of it', () => {
  const task = new ProcessorTime()
  task.stop()
  const { seconds } = task
  work(5)
  expect(task.seconds).toBe(seconds)
})
