/** `--log` of searches and full trainings, and the journal of black-box searches for Optuna. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { formatQualifier, type Metric } from '../../src/core/metric.ts'
import { type Ended, Workplace } from '../support/command.ts'
import { full, someOf } from '../support/full.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const place = new Workplace()
afterAll(() => place.remove())

const SEARCH = ['run', '--algo', 'darts-v1', '--seeds', '1', '--protocol', 'micro:epochs=2,data.limit=16']
const TRAINING = 'retrain:preset=nb201-paper,epochs=2,limit=8,channels=4,layers=1'
const args = [...SEARCH, '--probe', 'hessian:every=1', '--evaluate', TRAINING]

describe('--log', () => {
  let logged: Ended
  beforeAll(async () => {
    logged = await place.bench(...args, '--log', 'jsonl,tensorboard', '--store', 'logged')
  })
  const linesOf = (run: string) =>
    readFileSync(join(run, 'log.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  const named = (name: string) => place.runs('logged').find((run) => run.includes(name)) ?? ''

  test('writes what each epoch of the search and of the full training measured', () => {
    expect(logged.stderr).not.toContain('failed')
    const search = linesOf(named('/darts-v1-'))
    expect(search.map(({ step }) => step)).toEqual([0, 1, 2])
    const [{ metrics }] = Object.values(place.results('logged')).map((result) => result as { metrics: Metric[] })
    expect(search[2]).toMatchObject({ 'answer/shapes test': metrics.find(({ seed }) => seed === 'mean')?.accuracyPct })
    for (const line of search.slice(0, 2)) {
      expect(line).toMatchObject({ 'loss/train': expect.any(Number), 'learning rate': expect.any(Number) })
      expect(line['hessian/dominant eigenvalue']).toEqual(expect.any(Number))
      expect(line.alpha).toHaveLength(30)
    }
    const training = linesOf(named('/retrain-'))
    expect(training.map((line) => [line.step, line['learning rate']])).toEqual([
      [0, 0.1],
      [1, 0.05],
    ])
    for (const folder of [named('/darts-v1-'), named('/retrain-')]) {
      expect(readdirSync(folder)).toContain('events.out.tfevents.0.bench')
    }
  })

  test('writes the accuracies of the answer of searches without epochs, too, and of each looked-up epoch', async () => {
    const { stderr } = await place.bench(
      ...['run', '--algo', 'random,resnet,optimal', '--dataset', 'cifar10', '--seeds', '1', '--budget', '3000'],
      ...['--log', 'jsonl,tensorboard', '--store', 'answers'],
    )
    expect(stderr).not.toContain('failed')
    const runs = place.runs('answers')
    expect(runs).toHaveLength(3)
    for (const run of runs) {
      const { metrics } = JSON.parse(readFileSync(join(run, 'result.json'), 'utf8'))
      const { job } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
      const [{ dataset, validation, test }] = job.protocol.headline.cifar10
      const accuracyOf = (qualifier: string) =>
        metrics.find((each: Metric) => formatQualifier(each) === qualifier)?.accuracyPct
      const last = linesOf(run).at(-1)
      expect(linesOf(run), run).toHaveLength(run.includes('/random-') ? 2 : 1)
      expect(last[`answer/${dataset} test`]).toBe(accuracyOf(test))
      expect(last[`answer/${dataset} validation`]).toBe(accuracyOf(validation))
      expect(last[`answer/${dataset} test`]).toEqual(expect.any(Number))
      expect(readFileSync(join(run, 'events.out.tfevents.0.bench'), 'latin1')).toContain(`answer/${dataset} test`)
    }
  })

  test.runIf(full)('changes no result, and is not part of a run’s identity', async () => {
    await place.bench(...args, '--store', 'plain')
    expect(place.results('logged')).toEqual(place.results('plain'))
  })
})

describe('a journal for Optuna', () => {
  beforeAll(async () => {
    await place.bench(
      'run',
      '--algo',
      'rea,random',
      '--dataset',
      'cifar10',
      '--budget',
      '3000',
      '--seeds',
      '2',
      '--store',
      'boxes',
    )
  })

  test('has a study for each black-box search and a trial with its operations for each query', async () => {
    const { code, stdout } = await place.bench('table', '--store', 'boxes', '--format', 'optuna', '--algo', 'rea')
    expect(code).toBe(0)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const studies = lines.filter(({ op_code }) => op_code === 0)
    expect(studies.map(({ study_name, directions }) => [study_name.replace(/-[0-9a-f]{16}$/, ''), directions])).toEqual(
      [
        ['rea-cifar10-seed0', [2]],
        ['rea-cifar10-seed1', [2]],
      ],
    )
    for (const [study, { study_name }] of studies.entries()) {
      const { queries } = JSON.parse(
        readFileSync(join(place.folder, 'boxes', study_name, 'result.json'), 'utf8'),
      ).oracle
      const trials = lines.filter(({ op_code, study_id }) => op_code === 4 && study_id === study)
      expect(
        trials.map(({ value, user_attrs }) => [value, user_attrs.architecture, user_attrs.simulatedSeconds]),
      ).toEqual(
        queries.map(({ accuracyPct, genotype, usedSeconds }: Record<string, unknown>) => [
          accuracyPct,
          genotype,
          usedSeconds,
        ]),
      )
      for (const { params, distributions, user_attrs } of trials) {
        const operations = Object.entries<number>(params).map(([edge, position]) => {
          const { name, attributes } = JSON.parse(distributions[edge])
          expect(name).toBe('CategoricalDistribution')
          return attributes.choices[position]
        })
        expect(operations).toEqual([...user_attrs.architecture.matchAll(/(\w+)~/g)].map(([, operation]) => operation))
      }
    }
  })

  const refused: [string[], string][] = [
    [['table', '--store', 'boxes', '--format', 'optuna', '--epochs'], 'leave out --epochs'],
    [['table', '--store', 'boxes', '--format', 'optuna', '--sort', 'Seeds'], 'leave out --sort'],
    [['table', '--store', 'logged', '--format', 'optuna'], 'none of these runs is a finished black-box search'],
    [['run', '--algo', 'rea', '--log', 'tensorbord'], 'tensorboard'],
    [['run', '--algo', 'rea', '--log', ''], '--log'],
  ]
  test.each(someOf(refused, 3))('is refused, as logs are, for %j', async (words, message) => {
    const { code, stdout, stderr } = await place.bench(...words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
