import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { reportCommand } from '../../src/cli/commands/report.ts'
import { runCommand } from '../../src/cli/commands/run.ts'
import { checklistText } from '../../src/report/kit/checklist/index.ts'
import { summaryOf } from '../../src/report/page/summary.ts'
import { missingRunsText, plannedRuns } from '../../src/report/plannedRuns.ts'
import { fixtureRun, fixtureRuns } from './fixtureRuns.ts'

const jobsOf = (runs: ReturnType<typeof fixtureRuns>) => runs.map(({ manifest: { id, job } }) => ({ id, job }))
const REFERENCES = new Set<string>()

describe('planned runs', () => {
  const plain = fixtureRuns(3, { algorithm: 'darts-v1' })
  const stopped = fixtureRuns(3, { algorithm: 'darts-v1', options: { earlyStop: 'eigenvalue' } })
  const jobs = jobsOf([...plain, ...stopped, ...fixtureRuns(3, { algorithm: 'gdas' })]).map((planned, i) => ({
    ...planned,
    id: `run-${i}`,
  }))

  test('that were never begun are counted by method, with variants told apart', () => {
    const planned = plannedRuns(jobs, new Set(['run-0', 'run-1', 'run-2', 'run-3', 'another']))
    expect(planned).toEqual({
      runs: 9,
      missing: [
        { method: 'darts-v1 (earlyStop=eigenvalue)', runs: 2 },
        { method: 'gdas', runs: 3 },
      ],
    })
    expect(missingRunsText(planned)).toBe(
      '5 of 9 planned runs are missing: 2 of darts-v1 (earlyStop=eigenvalue); 3 of gdas.',
    )
  })

  test('are named together where as many are missing, and not at all where none is', () => {
    const ids = (...numbers: readonly number[]) => new Set(numbers.map((i) => `run-${i}`))
    expect(missingRunsText(plannedRuns(jobs, ids(0, 1, 3, 4, 6, 7)))).toBe(
      '3 of 9 planned runs are missing: 1 each of darts-v1, darts-v1 (earlyStop=eigenvalue), gdas.',
    )
    expect(missingRunsText(plannedRuns(jobs, new Set(jobs.map(({ id }) => id))))).toBeUndefined()
    expect(missingRunsText(undefined)).toBeUndefined()
  })

  test('that are missing stand in the answers of the page and of the checklists', () => {
    const planned = plannedRuns(jobs, new Set(['run-0']))
    const text = missingRunsText(planned) ?? ''
    const missing = summaryOf(plain, REFERENCES, { planned }).find(([term]) => term === 'Missing or reduced')?.[1]
    expect(missing?.[0]).toBe(text)
    for (const name of ['neurips', 'nas'] as const) {
      expect(checklistText(name, { runs: plain, references: REFERENCES, planned })).toContain(`* ${text}`)
    }
  })
})

describe('a report made from an experiment file', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'planned-'))
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true })
    process.exitCode = undefined
  })

  const experiment = (name: string, algorithms: string) => {
    const path = join(folder, name)
    writeFileSync(
      path,
      `algorithms: ${algorithms}\nspace: nb201\ndatasets: shapes\nseeds: 2\nbudget: 500\nstore: ${folder}/runs\n`,
    )
    return path
  }
  const recipeIn = (name: string) => JSON.parse(readFileSync(join(folder, name, 'report.json'), 'utf8'))
  const report = (...args: readonly string[]) =>
    reportCommand().parseAsync([...args, '--compact', '--quiet'], { from: 'user' })

  test('keeps the missing runs, also where another report is made from it, and drops them when it is narrowed', async () => {
    const whole = experiment('whole.yaml', '[random, rea, local-search]')
    await runCommand().parseAsync([experiment('part.yaml', '[random, rea]'), '--quiet'], { from: 'user' })
    await report(whole, '--folder', join(folder, 'first'))
    const planned = { runs: 6, missing: [{ method: 'local-search', runs: 2 }] }
    expect(recipeIn('first').planned).toEqual(planned)

    await report(join(folder, 'first'), '--folder', join(folder, 'second'))
    expect(recipeIn('second').planned).toEqual(planned)
    await report(join(folder, 'first'), '--algo', 'rea', '--folder', join(folder, 'third'))
    expect(recipeIn('third').planned).toBeUndefined()
    await report(whole, '--algo', 'rea', '--folder', join(folder, 'fourth'))
    expect(recipeIn('fourth').planned).toEqual({ runs: 2, missing: [] })
  })

  test('counts runs of an earlier report as begun, which it then keeps', async () => {
    const whole = experiment('whole.yaml', '[random, rea]')
    await runCommand().parseAsync([experiment('part.yaml', '[random]'), '--quiet'], { from: 'user' })
    await report(join(folder, 'runs'), '--folder', join(folder, 'first'))
    expect(recipeIn('first').planned).toBeUndefined()
    rmSync(join(folder, 'runs'), { recursive: true })
    vi.mocked(process.stderr.write).mockClear()
    await report(whole, join(folder, 'first'), '--folder', join(folder, 'first'))
    const told = vi.mocked(process.stderr.write).mock.calls.map(([text]) => String(text))
    expect(told.join('')).toContain('2 of the 4 runs of ')
    expect(recipeIn('first').planned).toEqual({ runs: 4, missing: [{ method: 'rea', runs: 2 }] })
  })
})

test('a report without an experiment file says nothing about planned runs', () => {
  const [, sentences] = summaryOf([fixtureRun()], REFERENCES).find(([term]) => term === 'Missing or reduced') ?? []
  expect(sentences?.join()).not.toContain('planned')
})
