import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { readRecipe } from '../../src/tablebuild/recipeFile.ts'
import { until, Workplace, withLastValues } from '../support/command.ts'
import { full, someOf } from '../support/full.ts'
import { recipe as tiny } from './tinyBuild.ts'

const { version, dataset, ...settings } = tiny
const recipe = { ...settings, dataset: dataset.name, data: { ...tiny.data, imageSize: 8, limit: 40 } }

let place: Workplace
let journal: string
let build: string[]

beforeEach(() => {
  place = new Workplace()
  writeFileSync(join(place.folder, 'tiny.yaml'), stringify(recipe))
  build = [
    'tables',
    'build',
    '--recipe',
    './tiny.yaml',
    '--as',
    'tiny',
    '--out',
    '.',
    '--indices',
    '0-2',
    '--jobs',
    '2',
  ]
  journal = join(place.folder, 'tiny.build', 'part-1-of-1.jsonl')
})
afterEach(() => place.remove())

const lines = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').slice(0, -1) : [])

describe('bench tables build', { timeout: 120_000 }, () => {
  test.runIf(full)(
    'killed at any moment and repeated, loses no finished training, repeats none, and can be checked',
    async () => {
      const { child, ended } = place.start(build)
      const kept = await until(lines, 'a first training')
      child.kill('SIGKILL')
      await ended
      const again = await place.bench(...build, '--json')
      expect(again).toMatchObject({ code: 0, stderr: '' })
      const { before, done, total } = JSON.parse(again.stdout)
      expect(before).toBeGreaterThanOrEqual(kept.length)
      expect(before + done).toBe(total)
      const tasks = lines().map((line) => {
        const { index, trained } = JSON.parse(line.slice(17))
        return `${index}/${trained.seed}`
      })
      expect(new Set(tasks).size).toBe(tasks.length)
      expect(tasks.length).toBe(total)
      const check = await place.bench('tables', 'build', '--as', './tiny.arrow', '--check', '1', '--jobs', '1')
      expect(check.stdout).toBe('2 of 2 trainings gave the numbers of ./tiny.arrow, bit for bit\n')
      expect(check.code).toBe(0)
    },
  )

  test.runIf(full && existsSync('/proc/self/task'))('a worker that is killed takes nothing along', async () => {
    const { child, ended } = place.start(build)
    await until(lines, 'a first training')
    const workers = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
    process.kill(Number(workers[0]), 'SIGKILL')
    expect(await ended).toMatchObject({ code: 0 })
    expect(lines().length).toBe(6)
  })

  const refused: [string[], RegExp][] = [
    [['--recipe', './none.yaml'], /^bench: cannot read the recipe \.\/none\.yaml \(ENOENT\)/],
    [['--indices', '15625'], /^bench: there is no architecture 15625; the space has 0 to 15624\n$/],
    [['--indices', 'x'], /^bench: --indices x: expected indices or ranges, as 0-99,1462; found "x"/],
    [['--shard', '3/2'], /^bench: shard "3\/2" is not part\/parts, as in 1\/4\n$/],
    [['--seeds', '1'], /^bench: the recipe has no seed 1; it has 777, 888\n$/],
    [['--space', 'darts'], /^bench: space darts has too many architectures for a table of them all; try nb201\n$/],
  ]
  test.each(someOf(refused, 2))('%j is refused in one line, and nothing is written', async (options, message) => {
    const { code, stderr } = await place.bench(...withLastValues([...build, ...options]))
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
    expect(existsSync(join(place.folder, 'tiny.build'))).toBe(false)
  })

  test('names an unknown setting of a recipe', async () => {
    writeFileSync(join(place.folder, 'wrong.yaml'), 'batchSise: 3\n')
    const { stderr } = await place.bench(...withLastValues([...build, '--recipe', './wrong.yaml']))
    expect(stderr).toMatch(
      /^bench: unknown setting in \.\/wrong\.yaml, line 1: "batchSise"; did you mean "batchSize"\?/,
    )
  })

  test('names a wrong value and an unknown setting within an object of a recipe by their place', () => {
    const path = join(place.folder, 'wrong.yaml')
    const refusal = (changes: object) => {
      writeFileSync(path, stringify({ ...recipe, ...changes }))
      return () => readRecipe(path)
    }
    const training = recipe.training
    expect(refusal({ training: { ...training, epohcs: 3 } })).toThrow(
      `unknown setting of training in ${path}, line 18: "epohcs"; did you mean "epochs"?`,
    )
    expect(refusal({ training: { ...training, sgd: { ...training.sgd, nestrov: true } } })).toThrow(
      `unknown setting of training.sgd in ${path}, line 16: "nestrov"; did you mean "nesterov"?`,
    )
    expect(refusal({ batchSize: 0 })).toThrow(`${path}, line 8: batchSize: expected at least 1, found 0`)
  })
})
