import { describe, expect, test } from 'vitest'
import type { SearchTime } from '../../../src/core/result.ts'
import { areRetrained, rowsOf } from '../../../src/report/comparison/retrainedRuns.ts'
import { retrainedTable, searchCost } from '../../../src/report/comparison/retrainedTable.ts'
import { renderTable } from '../../../src/report/formats/renderTable.ts'
import { absent, cellText } from '../../../src/report/formats/tabular.ts'
import { labelOf } from '../../../src/report/methods.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { trainedRun as run } from '../fixtureRuns.ts'

const lines = (runs: readonly RunRecord[], published = 'none') =>
  renderTable(retrainedTable(runs, published), 'md').split('\n')

describe('the table of full trainings', () => {
  test('has the error of the final epoch over the seeds, and the best epoch beside it', () => {
    const [head, , row] = lines([run({ accuracies: [97] }), run({ seed: 1, accuracies: [96] })])
    expect(head).toBe(
      '| Method | Seeds | Test error (%) | Top-5 error (%) | Best epoch (%) | Params (M) | MACs (M) | Training (min) | Memory (MB) |',
    )
    expect(row).toBe('| DARTS_V2 | 2 | **3.50 ± 0.71** | 0.00 ± 0.00 | 3.00 ± 0.71 | 3.35 | 528.36 | 1.5 | 200 |')
  })

  test('counts several trainings of one search as one number: their mean', () => {
    const [, , row] = lines([run({ accuracies: [97, 95] })])
    expect(row).toContain('| DARTS_V2 | 1 | **4.00 ± —** |')
  })

  test('says in which settings rows differ, and marks none of them as the best', () => {
    const small = run({ genotype: 'PCDARTS', request: { preset: 'drnas-paper', epochs: 2 } })
    const [, , one, other] = lines([run({}), small])
    expect([one, other].join()).not.toContain('**')
    expect(one).toContain('| DARTS_V2 | epochs=600 |')
    expect(other).toContain('| PCDARTS | epochs=2 |')
  })

  test('marks no best mAP where settings differ', () => {
    const measured = (genotype: string, testMetricPct: number, epochs: number): RunRecord => {
      const { result, ...rest } = run({ genotype, request: { preset: 'drnas-paper', metric: 'mAP', epochs } })
      const trainings = (result?.trainings ?? []).map((training) => ({ ...training, testMetricPct }))
      return { ...rest, ...(result && { result: { ...result, trainings } }) }
    }
    const [, , ...alike] = lines([measured('DARTS_V2', 50, 20), measured('PCDARTS', 60, 20)])
    expect(alike.slice(0, 2).map((row) => row.includes('**60.00 ± —**'))).toEqual([false, true])
    const [, , ...differing] = lines([measured('DARTS_V2', 50, 20), measured('PCDARTS', 60, 25)])
    expect(differing[1]).toContain('| 60.00 ± — |')
    expect(differing.join()).not.toContain('**')
  })

  test('names settings that only some trainings state, and weights of classes in one text', () => {
    const plain = run({ genotype: 'PCDARTS' })
    const weighted = run({ request: { preset: 'drnas-paper', metric: 'balanced', classWeights: { cat: 2, dog: 0.5 } } })
    const [, , one, other] = lines([weighted, plain])
    expect(one).toContain('| DARTS_V2 | metric=balanced, data.classWeights=cat:2+dog:0.5 |')
    expect(other).toContain('| PCDARTS | metric=top1, data.classWeights=none |')
  })

  test('names the variants of a method alike in all rows, also where two never share a training', () => {
    const searched = (lambda: number, epochs: number): RunRecord => {
      const { manifest, ...rest } = run({
        ...{ algorithm: 'drnas', search: { seconds: 1, device: 'one core' } },
        request: { preset: 'drnas-paper', epochs },
      })
      const { algorithm, ...job } = manifest.job
      return { ...rest, manifest: { ...manifest, job: { ...job, algorithm: { ...algorithm, options: { lambda } } } } }
    }
    const names = (runs: readonly RunRecord[]) => rowsOf(runs).map(({ method }) => labelOf(method))
    expect(names([searched(0.001, 20), searched(0.01, 25)])).toEqual(['drnas (lambda=0.001)', 'drnas (lambda=0.01)'])
    expect(names([searched(0.001, 20), searched(0.01, 20), searched(0.001, 25)])).toEqual([
      'drnas (lambda=0.001)',
      'drnas (lambda=0.01)',
      'drnas (lambda=0.001)',
    ])
    const protocols = ['darts-paper', 'drnas-paper'].map((name): RunRecord => {
      const { manifest, ...rest } = searched(0.001, name === 'darts-paper' ? 20 : 25)
      const protocol = { ...manifest.job.protocol, name }
      return { ...rest, manifest: { ...manifest, job: { ...manifest.job, protocol } } }
    })
    expect(names(protocols)).toEqual(['drnas (protocol=darts-paper)', 'drnas (protocol=drnas-paper)'])
  })

  test('names cells that no paper published by the beginning of their hash', () => {
    const cells = darts.format(darts.parse('DARTS_V2')).replaceAll('dil_conv_3x3', 'dil_conv_5x5')
    expect(lines([run({ genotype: cells })])[2]).toMatch(/^\| genotype [0-9a-f]{8} \|/)
  })

  test('stands beside the published rows of the dataset, costs with their unit', () => {
    const search: SearchTime = { seconds: 7200, device: 'one core' }
    const table = lines([run({ algorithm: 'drnas', search })], 'auto')
    expect(table[2]).toContain('| drnas | 1 | **3.00 ± —** | 0.00 ± — | 2.50 ± — | 3.35 | 528.36 | 2.0 core hours |')
    expect(table).toContain('| DrNAS † | — | 2.46 ± 0.03 | — | — | 4.1 | — | 0.6 GPU days | — | — |')
    expect(table.at(-2)).toMatch(/^† Published, not run here: .* Table 2;/)
  })

  test('on ImageNet beside top-1 and top-5 errors', () => {
    const search: SearchTime = { seconds: 86_400, device: 'gpu' }
    const table = lines([run({ algorithm: 'drnas', dataset: 'imagenet', search })], 'auto')
    expect(table).toContain('| DrNAS † | — | 23.7 | 7.1 | — | 5.7 | — | 4.6 GPU days | — | — |')
  })

  const onSpace = ({ manifest, ...rest }: RunRecord, space: string): RunRecord => ({
    ...rest,
    manifest: { ...manifest, job: { ...manifest.job, space } },
  })

  test.each([
    ['darts', true],
    ['darts-s1', true],
    ['nb201', false],
  ])('stands beside published rows by itself only where they are of its family of spaces: %s', (space, isBeside) => {
    const paper = (published: string) => rowsBelow([onSpace(run({ algorithm: 'drnas' }), space)], published)
    expect(paper('auto').length > 0).toBe(isBeside)
    expect(paper('drnas-table-2').length).toBeGreaterThan(0)
  })

  const rowsBelow = (runs: readonly RunRecord[], published: string) =>
    lines(runs, published).filter((line) => line.startsWith('| ') && line.includes(' †'))

  test('of several datasets has the named published rows of one of them, with their dataset', () => {
    const runs = [run({ dataset: 'cifar100' }), run({})]
    const [first] = rowsBelow(runs, 'drnas-table-2')
    expect(first).toMatch(/^\| DenseNet-BC .* † \| CIFAR-10 \| — \| 3\.46 \|/)
    expect(rowsBelow(runs, 'auto')).toEqual([])
    expect(() => lines(runs, 'drnas-table-3')).toThrow(/drnas-table-3 has no test error on cifar100 or cifar10/)
    expect(() => lines(runs, 'drnas-table-22')).toThrow(/unknown published table/)
  })

  test('has a row for each search space of a method, named by the space, also of given architectures', () => {
    const names = (runs: readonly RunRecord[]) => rowsOf(runs).map(({ method }) => labelOf(method))
    const searches = [run({ algorithm: 'drnas' }), run({ algorithm: 'drnas', seed: 1 })]
    expect(names(searches.map((search) => onSpace(search, 'darts-s1')))).toEqual(['drnas'])
    expect(names(searches.map((search, seed) => onSpace(search, `darts-s${seed + 1}`)))).toEqual([
      'drnas (space=darts-s1)',
      'drnas (space=darts-s2)',
    ])
    expect(names([run({ algorithm: 'drnas' }), onSpace(run({}), 'darts-s2')])).toEqual([
      'drnas (space=darts)',
      'DARTS_V2 (space=darts-s2)',
    ])
  })

  test.each([
    ['drnas-table-22', /unknown published table "drnas-table-22"; did you mean "drnas-table-2"\?/],
    ['drnas-table-3', /the published table drnas-table-3 has no test error on cifar10/],
  ])('refuses %s beside CIFAR-10', (published, message) => {
    expect(() => retrainedTable([run({})], published)).toThrow(message)
  })
})

describe('the cost of a search', () => {
  const on = (device: SearchTime['device'], ...seconds: number[]) => seconds.map((s) => ({ seconds: s, device }))

  test('is in GPU days only where it ran on a GPU', () => {
    const shown = (searches: readonly SearchTime[]) => cellText(searchCost(searches))
    expect(shown(on('gpu', 86_400, 43_200))).toBe('0.75 GPU days')
    expect(shown(on('one core', 3600))).toBe('1.0 core hours')
    expect(shown(on('cpu', 1_800_000))).toBe('500 hours')
    expect(shown(on('cpu', 359_000))).toBe('100 hours')
  })

  test('is unknown where the searches ran on different devices', () => {
    expect(searchCost([...on('gpu', 1), ...on('cpu', 1)])).toEqual(absent)
    expect(searchCost([])).toEqual(absent)
  })

  test('is a number with a unit for programs, as are the numbers of papers', () => {
    const searched = run({})
    const { result } = searched
    const timing = { ...result?.timing, search: on('one core', 1234.5)[0] }
    const table = retrainedTable([{ ...searched, result: { ...result, timing } } as RunRecord], 'drnas-table-2')
    const { rows } = JSON.parse(renderTable(table, 'json'))
    expect(rows[0].searchCost).toEqual({ value: 1234.5 / 3600, unit: 'core hours' })
    const paper = rows.find(({ method }: { method: string }) => method.startsWith('DARTS (1st)'))
    expect(paper).toMatchObject({
      ...{ testErrorPct: { mean: 3, std: 0.14, n: null }, parametersM: 3.3 },
      searchCost: { value: 0.4, unit: 'GPU days' },
    })
    expect(renderTable(table, 'csv')).toMatch(/,searchCost value,searchCost unit,/)
    expect(renderTable(table, 'md')).toMatch(
      /\| DARTS \(1st\).* \| 3\.00 ± 0\.14 \|.* \| 3\.3 \|.* \| 0\.4 GPU days \|/,
    )
  })

  test('labels given cells by the search that found them, and published cells by their name', () => {
    const cells = darts.format(darts.parse('DARTS_V2')).replaceAll('dil_conv_3x3', 'dil_conv_5x5')
    const foundBy = { algorithm: 'drnas', dataset: 'cifar10', seed: 3, run: 'drnas-cifar10-seed3-x' }
    const given = (genotype: string, finder = foundBy) => {
      const { manifest, ...rest } = run({ genotype })
      return { ...rest, manifest: { ...manifest, foundBy: finder } }
    }
    expect(lines([given(cells)])[2]).toMatch(/^\| drnas \(seed 3\) \|/)
    expect(lines([given(cells, { ...foundBy, dataset: 'shapes' })])[2]).toMatch(/^\| drnas \(seed 3 on shapes\) \|/)
    expect(lines([given('DARTS_V2')])[2]).toMatch(/^\| DARTS_V2 \|/)
  })

  test('has no top-5 error of five classes or fewer, where every answer is among the top five', () => {
    const of = (classes: number) => {
      const { result, ...rest } = run({})
      return { ...rest, ...(result && { result: { ...result, images: { train: 9, test: 9, classes } } }) }
    }
    const top5 = (classes: number) => lines([of(classes)])[2].split(' | ')[3]
    expect([2, 4, 5, 6, 10].map(top5)).toEqual(['—', '—', '—', '0.00 ± —', '0.00 ± —'])
  })

  test.each([
    [3_349_342, '3.35'],
    [44_870, '0.045'],
    [2858, '0.0029'],
    [12, '0.000012'],
  ])('shows two significant digits of a size, however small: %i parameters', (parameters, shown) => {
    const { result, ...rest } = run({})
    const small = { ...rest, ...(result && { result: { ...result, parameters } }) }
    expect(lines([small])[2].split(' | ')[5]).toBe(shown)
  })

  test('leaves out searches without a full training, and says how many', () => {
    const { manifest, ...rest } = run({ algorithm: 'drnas' })
    const { retraining: _, ...job } = manifest.job
    const { trainings: __, ...result } = rest.result ?? {}
    const search = { ...rest, result, manifest: { ...manifest, job } } as RunRecord
    expect(areRetrained([search, run({})])).toBe(true)
    expect(areRetrained([search])).toBe(false)
    const table = lines([search, run({})])
    expect(table.filter((line) => line.startsWith('| ')).length).toBe(3)
    expect(table.join(' ')).toContain('Left out: 1 search without a full training of its own.')
  })

  describe('of two runs of one seed', () => {
    const again = (accuracies: readonly number[]) => {
      const { manifest, ...rest } = run({ accuracies })
      return { ...rest, manifest: { ...manifest, id: 'again', job: { ...manifest.job, executor: 'tfjs/cpu' } } }
    }
    test('is refused where their accuracies differ', () =>
      expect(() => lines([run({ accuracies: [97] }), again([96])])).toThrow(
        /^seed 0 of .* has two test accuracies of one architecture, in x and again, which differ in executor; name/,
      ))
    test('counts one run where their accuracies are the same', () =>
      expect(lines([run({ accuracies: [97] }), again([97])])[2]).toMatch(/^\| DARTS_V2 \| 1 \|/))
  })
})
