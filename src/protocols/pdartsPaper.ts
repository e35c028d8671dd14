/** The search protocol of P-DARTS (Chen et al., ICCV 2019): the settings of its published code. */
import { onBenchmark, transferHeadline } from './benchmark.ts'
import { dartsFamilyValues } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const script = from('chenxin061/pdarts: train_search.py')
const model = from('chenxin061/pdarts: model_search.py')
const torch = from('PyTorch default, not set by chenxin061/pdarts')
const transforms = from('chenxin061/pdarts: utils.py, the training transform for both halves')
const stages = from('chenxin061/pdarts: train_search.py, three stages of 25 epochs')

const values = dartsFamilyValues(
  { script, architect: script, model, torch, transforms },
  {
    ...{ epochs: 75, batchSize: 96, learningRate: 0.025, learningRateMin: 0, architectureRate: 6e-4 },
    ...{ channels: 16, depth: 5 },
  },
)

/** The preset `pdarts-paper`: the search settings of P-DARTS. */
export const pdartsPaper: Preset = {
  name: 'pdarts-paper',
  description: 'P-DARTS as published: 3 × 25 epochs, batch 96, 5, 11 and 17 cells (cifar100: dropout=0.1,0.2,0.3)',
  values: {
    ...values,
    epochs: stages(75),
    architecture: { ...values.architecture, clipNorm: script(5) },
    headline: transferHeadline,
  },
  bySpace: onBenchmark.bySpace,
  byDataset: {
    ...onBenchmark.byDataset,
    cifar10: { data: { split: script('fixed') } },
    cifar100: { data: { split: script('fixed') } },
  },
}
