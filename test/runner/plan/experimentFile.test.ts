import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readExperimentFile } from '../../../src/runner/plan/experimentFile.ts'

const folder = mkdtempSync(join(tmpdir(), 'experiment-'))
const file = join(folder, 'x.yaml')
const read = (text: string) => {
  writeFileSync(file, text)
  return readExperimentFile(file)
}

describe('an experiment file', () => {
  test('describes an experiment; its paths are relative to the file', () => {
    const text = `
algorithms:
  - darts-v1
  - { name: drnas, options: { anchor: kl } }
datasets: cifar10
data: { cifar10: images/cifar10 }
plugins: [./mine.ts, more/yours.mjs, some-package]
table: tables/mine.arrow
protocol: drnas-paper
seeds: 0-2,777
budget: 20000
store: ../runs
jobs: 2
threads: 4
backend: wasm
`
    expect(read(text)).toEqual({
      experiment: {
        algorithms: [
          { name: 'darts-v1', options: {} },
          { name: 'drnas', options: { anchor: 'kl' } },
        ],
        datasets: ['cifar10'],
        data: { cifar10: join(folder, 'images/cifar10') },
        plugins: [join(folder, 'mine.ts'), join(folder, 'more/yours.mjs'), 'some-package'],
        table: join(folder, 'tables/mine.arrow'),
        protocol: 'drnas-paper',
        seeds: [0, 1, 2, 777],
        budgetSeconds: 20000,
        executor: { backend: 'wasm' },
      },
      store: join(folder, '../runs'),
      jobs: 2,
      threads: 4,
    })
  })

  test.each([
    ['algorithms: [drnas]\nseeds: 3', [0, 1, 2]],
    ['algorithms: [drnas]\nseeds: [5, 6]', [5, 6]],
  ])('%j has the seeds %j', (text, seeds) => {
    expect(read(text).experiment.seeds).toEqual(seeds)
  })

  test('accepts a single item in place of a list', () => {
    const alone = read(
      'algorithms: { name: gdas, probes: hessian }\ndatasets: photos\ndata: images\nprobes: theta\n' +
        'plugins: ./mine.ts\nseeds: 3\nevaluate: { retrain: { seeds: 2 } }',
    )
    const listed = read(
      'algorithms: [{ name: gdas, probes: [hessian] }]\ndatasets: [photos]\ndata: { photos: images }\nprobes: [theta]\n' +
        'plugins: [./mine.ts]\nseeds: [0, 1, 2]\nevaluate: { retrain: { seeds: [0, 1] } }',
    )
    expect(alone).toEqual(listed)
    expect(read('algorithms: drnas')).toEqual(read('algorithms: [drnas]'))
    expect(read('algorithms: drnas, gdas\ndatasets: shapes, cifar10')).toEqual(
      read('algorithms: [drnas, gdas]\ndatasets: [shapes, cifar10]'),
    )
  })

  test('may weight classes by a word or by name', () => {
    const weights = (text: string) =>
      read(`algorithms: [drnas]\nevaluate: { retrain: { classWeights: ${text} } }`).experiment.retraining?.classWeights
    expect(weights('balanced')).toBe('balanced')
    expect(weights('"cat=2,dog=0.5"')).toEqual(weights('{ cat: 2, dog: 0.5 }'))
    expect(weights('{ cat: 2, dog: 0.5 }')).toEqual({ cat: 2, dog: 0.5 })
  })

  test('may set budgets by dataset, and protocols and probes by algorithm', () => {
    const text = `
algorithms: [random, { name: gdas, protocol: nb201-paper, probes: [hessian] }]
datasets: [cifar10, cifar100]
budget: { cifar10: 20000, cifar100: 40000 }
`
    expect(read(text).experiment).toMatchObject({
      algorithms: [
        { name: 'random', options: {} },
        { name: 'gdas', options: {}, protocol: 'nb201-paper', probes: ['hessian'] },
      ],
      budgetSeconds: { cifar10: 20_000, cifar100: 40_000 },
    })
  })

  test.each([
    ['algoritms: [drnas]', `unknown setting in ${file}, line 1: "algoritms"; did you mean "algorithms"?`],
    ['algorithms: [drnas]\nbackend: wsam', `unknown backend in ${file}, line 2: "wsam"; did you mean "wasm"?`],
    ['algorithms: [{ nam: drnas }]', `unknown setting of algorithms.0 in ${file}, line 1: "nam"; did you mean "name"?`],
    [
      'algorithms: [3]',
      `${file}, line 1: algorithms.0: expected a name, or { name: drnas, options: { anchor: kl } }, found 3`,
    ],
    ['algorithms: []', `${file}, line 1: algorithms: expected at least 1 item, found []`],
    ['seeds: 4', `${file}: algorithms is missing; add it, as in "algorithms: [drnas]"`],
    [
      'algorithms: [random]\nbudget: plenty',
      `${file}, line 2: budget: expected seconds above 0, or { cifar10: 20000, cifar100: 40000 }, found plenty`,
    ],
    [
      'algorithms: [drnas]\nevaluate: retran',
      `${file}, line 2: evaluate: expected retrain, or { retrain: { preset: trial, epochs: 2 } }, found retran`,
    ],
    [
      'algorithms: [drnas]\nevaluate: { retrain: { epcohs: 2 } }',
      `unknown setting of evaluate.retrain in ${file}, line 2: "epcohs"; did you mean "epochs"?`,
    ],
    [
      'algorithms: [drnas]\nevaluate: { retrain: { epochs: 0 } }',
      `${file}, line 2: evaluate.retrain.epochs: expected at least 1, found 0`,
    ],
    [
      'algorithms: [drnas]\nevaluate: { retrain: { seeds: 0 } }',
      `${file}, line 2: evaluate: --seeds 0 asks for no seed at all`,
    ],
    [
      'algorithms: [drnas]\nevaluate: { retrain: { classWeights: { cat: 1, dog: 0 } } }',
      `${file}, line 2: evaluate.retrain.classWeights: class weights: the weight of class "dog" is 0; expected a number`,
    ],
    ['algorithms: [drnas', `experiment file ${file} is not YAML: `],
    [
      'algorithms: drnas\ndatasets: [a, b]\ndata: images',
      'data: images: with several datasets write data: { a: FOLDER }',
    ],
    ['algorithms: drnas\nalgorithms: gdas', 'line 2, column 1, in "algorithms: gdas": this name is there twice'],
    ['algorithms: [drnas]\nseeds: 0', `${file}, line 2: seeds: --seeds 0 asks for no seed at all`],
    ['algorithms: [drnas]\njobs: 0', `${file}, line 2: jobs: expected at least 1, found 0`],
    ['- drnas', `experiment file ${file} is a list; expected names with values, as in "algorithms: [drnas]"`],
  ])('%j is refused', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  test('that does not exist is reported as missing', () => {
    expect(() => readExperimentFile('/nowhere/x.yaml')).toThrow(
      'cannot read the experiment file /nowhere/x.yaml (ENOENT); name a YAML file',
    )
  })
})
