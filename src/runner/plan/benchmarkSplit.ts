/** What NAS-Bench-201's authors train w and α on: the images that the benchmark trains and validates on. */
import { BenchError } from '../../core/errors.ts'
import type { Protocol } from '../../core/protocol.ts'
import { everyRow } from '../../data/batches/imageView.ts'
import type { Dataset } from '../../data/dataset.ts'
import type { SearchHalves } from '../../data/searchData.ts'
import { officialCifar10Split } from '../../spaces/nb201/cifar10Split.ts'

/** Share of the training set that trains w. */
const shares: Readonly<Record<string, number>> = { cifar10: 0.5, cifar100: 1, 'ImageNet16-120': 1 }

/** @throws BenchError `bad-input` for a dataset that the benchmark does not split, or settings that the split leaves no say */
export function checkBenchmarkSplit({ data }: Protocol, dataset: string): void {
  const share = shares[dataset]
  if (share === undefined) throw refusal(`the benchmark splits ${Object.keys(shares).join(', ')}, not ${dataset}`)
  if (data.limit !== null) throw refusal(`it takes all images, and data.limit=${data.limit} only some`)
  if (data.trainPortion === share && !data.architecturePortion) return
  throw refusal(`on ${dataset} it has data.trainPortion=${share} and no data.architecturePortion`)
}

/** @throws BenchError `bad-input` where the images are not all there, or the list of x-valid is not */
export function benchmarkSplit({ name, train, testHalves }: Dataset): SearchHalves {
  if (name === 'cifar10') {
    const { train: weights, valid: architecture } = officialCifar10Split()
    const count = weights.length + architecture.length
    if (train.count === count) return { weights, architecture, architectureFrom: 'train' }
    throw refusal(`its halves are of ${count} training images, and here are ${train.count}`)
  }
  if (testHalves === undefined) {
    throw refusal(
      `no *-test-split.txt lies beside the images of ${name} (docs/building-tables.md says where it is from)`,
    )
  }
  return { weights: everyRow(train.count), architecture: testHalves.xValid, architectureFrom: 'test' }
}

const refusal = (found: string): BenchError =>
  new BenchError('bad-input', `data.split=benchmark: ${found}; add data.split=seeded to the protocol`)
