/**
 * The search protocol of multi-step Zen-DARTS (Zhang: "A Zero-Cost DARTS Based on Multi-Step Optimization"). The paper
 * searches the DARTS space (§4.2) and states no hyper-parameters, so these are the settings of DARTS, on which it builds.
 * Its own, n, m, β₁ and β₂, are options of the algorithms `multi-darts` and `zen-darts`.
 */
import { dartsPaper } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const project = from('Zhang, section 4.4: the project’s networks are compared by mAP')
const cifar = from('Zhang, section 4.3: CIFAR-10 is compared by the error')

/** The preset `zen-paper`: the search settings of multi-step Zen-DARTS. */
export const zenPaper: Preset = {
  ...dartsPaper,
  name: 'zen-paper',
  description: 'multi-step Zen-DARTS as published: the settings of DARTS, validation by mAP except on CIFAR',
  values: { ...dartsPaper.values, metric: project('mAP') },
  byDataset: {
    ...dartsPaper.byDataset,
    cifar10: { ...dartsPaper.byDataset?.cifar10, metric: cifar('top1') },
    cifar100: { ...dartsPaper.byDataset?.cifar100, metric: cifar('top1') },
  },
}
