/** The metric of the user's choice, measured on real networks: by a search on its validation images, and by a ranking. */
import { expect, test } from 'vitest'
import { rank } from '../../src/algorithms/shared/oneShot.ts'
import { measureClassification } from '../../src/analysis/classification.ts'
import { measureNetwork, metricPct } from '../../src/analysis/reportedMetric.ts'
import type { SearchContext } from '../../src/core/algorithm.ts'
import type { Batch } from '../../src/core/data.ts'
import type { ReportedMetric } from '../../src/core/metric.ts'
import { onlyOnes } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { type Genotype, type SearchSpace, sample } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet, feedOf } from '../../src/training/supernet.ts'

const space = nb201 as SearchSpace
const shape = { height: 8, width: 8, channels: 3, classes: 3 }
/** Unequal classes, so that the metrics differ, in batches of unequal size. */
const LABELS = [
  [0, 0, 0, 0, 1],
  [0, 0, 0, 0, 2],
  [0, 1],
]

const batches: readonly Batch[] = LABELS.map((labels, index) => {
  const stream = random(index, 'a test')
  const images = Float32Array.from({ length: labels.length * 8 * 8 * 3 }, () => stream.normal())
  return { images, labels: Int32Array.from(labels), size: labels.length }
})

async function smallSupernet() {
  const executor = await openExecutor({ backend: 'wasm', executor: 'static' })
  const network = space.supernet({ shape, channels: 4, depth: 1, batchNorm: { affine: false, track: true } })
  return createSupernet({ executor, network, edges: space.edges, batchSize: 5, stream: random(0, 'weights') })
}

const candidate = (n: number) => sample(space, random(n, 'candidate'))
const mixingOf = (genotype: Genotype) => onlyOnes(space.oneHot(genotype))

test('a network’s measures are those of all its logits, and its top-1 is the executor’s', async () => {
  const supernet = await smallSupernet()
  const mixing = mixingOf(candidate(0))
  const measured = await measureNetwork(
    supernet.executable,
    batches.map((batch) => feedOf(batch, mixing)),
    'probe',
  )
  const { correct, samples } = await supernet.evaluate(batches, mixing)
  expect([measured.images, measured.top1Pct]).toEqual([samples, (100 * correct) / samples])
  const logits: number[] = []
  for (const batch of batches)
    logits.push(...(await supernet.executable.forward(feedOf(batch, mixing), 'probe')).logits)
  expect(measured).toEqual(measureClassification(Float32Array.from(logits), Int32Array.from(LABELS.flat()), 3))
  supernet.dispose()
})

test.each<ReportedMetric>(['top1', 'balanced', 'mAP'])(
  'a ranking answers with the best architecture by %s',
  async (metric) => {
    const supernet = await smallSupernet()
    const validation = {
      ...{ batchSize: 5, batchesPerEpoch: batches.length },
      batch: async (index: number) => batches[index] as Batch,
    }
    const context = { space, protocol: { epochs: 1, metric }, data: async () => ({ validation }) }
    const CANDIDATES = 12
    const winner = await rank(
      context as unknown as SearchContext,
      supernet,
      0,
      { candidates: CANDIDATES, rankingImages: 100 },
      candidate,
    )
    const values: number[] = []
    for (let n = 0; n < CANDIDATES; n++) {
      const feeds = batches.map((batch) => feedOf(batch, mixingOf(candidate(n))))
      values.push(metricPct(metric, await measureNetwork(supernet.executable, feeds, 'probe')))
    }
    expect(new Set(values).size).toBeGreaterThan(1)
    expect(winner.validMetricPct ?? winner.validAccuracyPct).toBe(Math.max(...values))
    expect(winner.validMetricPct === undefined).toBe(metric === 'top1')
    supernet.dispose()
  },
)
