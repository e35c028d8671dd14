/**
 * The search protocol of RobustDARTS (Zela et al., ICLR 2020): DARTS' search with dropped edges and cutout, both
 * growing over the epochs, as in its published code.
 */
import { dartsPaper } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const args = from('automl/RobustDARTS: src/search/args.py')
const loaders = from('automl/RobustDARTS: src/search/args.py, get_train_val_loaders')
const script = from('automl/RobustDARTS: src/search/train_search.py')
const model = from('automl/RobustDARTS: src/search/model_search.py, args.py for the default; the paper tries 0 to 0.6')
const { values } = dartsPaper

/** The preset `robustdarts-paper`: the search settings of RobustDARTS. */
export const robustdartsPaper: Preset = {
  ...dartsPaper,
  name: 'robustdarts-paper',
  description:
    'RobustDARTS as published: DARTS’ settings, dropping edges up to 0.2 and cutout, both growing by the epoch',
  values: {
    ...values,
    network: { ...values.network, dropPath: model(0.2) },
    data: { ...values.data, cutout: args(16), cutoutGrows: script(true) },
  },
  byDataset: {
    ...dartsPaper.byDataset,
    cifar10: { data: { split: loaders('fixed') } },
    cifar100: { data: { split: loaders('fixed') } },
  },
}
