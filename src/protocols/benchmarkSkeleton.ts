/** What a paper that has no version for NAS-Bench-201 is given there: the benchmark's own skeleton and crop. */
import { from, type Preset } from './preset.ts'

const skeleton = from('NAS-Bench-201 paper, section 2: the skeleton of the benchmark')
const crop = from('NAS-Bench-201 paper, section 2: random crop of ImageNet16-120')

export const onBenchmark = {
  bySpace: { nb201: { network: { channels: skeleton(16), depth: skeleton(5) } } },
  byDataset: { 'ImageNet16-120': { data: { cropPadding: crop(2) } } },
} satisfies Pick<Preset, 'bySpace' | 'byDataset'>
