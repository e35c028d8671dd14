import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import type { RunEvent } from '../../../src/runner/run/messages.ts'
import { runTask } from '../../../src/runner/slurm/arrayTask.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { writeToyTable } from '../../support/toyTable.ts'

// Real worker processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'bench-task-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

/** A search of two epochs, each so long that it is saved at its end if it can be. */
const plugin = (saves: boolean) => `
import { defineAlgorithm, definePlugin, sample } from 'nas-bench-harness'
import { z } from 'zod'
const slow = defineAlgorithm({
  name: 'slow', version: 1, description: 'Waits', source: 'written for this test', kind: 'black-box',
  options: z.strictObject({}),
  async search({ space, random }) {
    return {
      epochs: 2,
      saves: ${saves},
      async epoch() {
        await new Promise((resolve) => setTimeout(resolve, 1100))
        return {}
      },
      genotype: () => sample(space, random('answer')),
      save: async () => ({}),
      restore() {},
      dispose() {},
    }
  },
})
export default definePlugin({ name: 'slow', algorithms: [slow] })
`

/** Runs the search as a Slurm task whose time limit is near after its first epoch. */
async function taskAtLimit(saves: boolean) {
  vi.stubEnv('NAS_BENCH_HOME', join(folder, 'home'))
  writeToyTable(join(folder, 'home', 'tables'))
  const source = join(folder, `saves-${saves}.ts`)
  writeFileSync(source, plugin(saves))
  const algorithms = [{ name: 'slow', options: {} }]
  const { executor } = DEFAULTS
  const asked = { ...DEFAULTS, datasets: ['cifar10'], algorithms, seeds: [0], plugins: [source] }
  const { jobs } = await makePlan(asked, await registerPlugins(builtins, [source]))
  const store = new Store(join(folder, `store-${saves}`))
  store.prepare()
  const requeued = join(folder, `requeued-${saves}`)
  writeFileSync(join(folder, 'scontrol'), `#!/bin/sh\necho "$@" > '${requeued}'\n`)
  chmodSync(join(folder, 'scontrol'), 0o755)
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
  vi.stubEnv('SLURM_ARRAY_JOB_ID', '9')
  vi.stubEnv('SLURM_ARRAY_TASK_ID', '2')
  const events: RunEvent[] = []
  const lines: string[] = []
  await runTask(
    { store: store.folder, jobs: jobs.map(({ id, job }) => ({ id, job })), plugins: [source], executor },
    (event) => {
      events.push(event)
      if (event.kind === 'epoch' && event.epoch === 0) process.emit('SIGUSR2')
    },
    (line) => lines.push(line),
  )
  expect(events.at(-1)).toMatchObject({ kind: 'finished' })
  return { lines, requeued }
}

describe('a Slurm task at its time limit', () => {
  test('requeues itself after an epoch that was saved', async () => {
    const { lines, requeued } = await taskAtLimit(true)
    expect(lines).toEqual(['the time limit is near: requeued, to continue from the last checkpoints'])
    expect(readFileSync(requeued, 'utf8')).toBe('requeue 9_2\n')
  })

  test('does not requeue itself after epochs of a search that cannot be saved', async () => {
    const { lines } = await taskAtLimit(false)
    expect(lines).toEqual(['the time limit is near and no epoch is saved: ask for more time'])
  })
})
