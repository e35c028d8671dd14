/**
 * The search protocol of ProxylessNAS (Cai et al., ICLR 2019): the settings of its published search on ImageNet, with the
 * search networks of DARTS and of NAS-Bench-201 in place of its own space.
 */
import { onBenchmark, transferHeadline } from './benchmark.ts'
import { dartsPaper } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const script = from('mit-han-lab/proxylessnas: search/imagenet_arch_search.py')
const manager = from('mit-han-lab/proxylessnas: search/nas_manager.py')
const epochs = from('mit-han-lab/proxylessnas: search/imagenet_arch_search.py, warmup_epochs + n_epochs')

/** The preset `proxylessnas-paper`: the search settings of ProxylessNAS. */
export const proxylessnasPaper: Preset = {
  name: 'proxylessnas-paper',
  description: 'ProxylessNAS as published, on our spaces: 40 + 120 epochs, batch 256, Adam 0.001 with betas (0, 0.999)',
  values: {
    epochs: epochs(160),
    batchSize: script(256),
    weights: {
      learningRate: script(0.025),
      learningRateMin: manager(0),
      momentum: script(0.9),
      nesterov: script(true),
      weightDecay: script(4e-5),
      clipNorm: manager(null),
    },
    architecture: {
      learningRate: script(1e-3),
      adamBetas: script([0, 0.999]),
      epsilon: script(1e-8),
      weightDecay: script(0),
    },
    network: dartsPaper.values.network,
    stepOrder: manager('weights-first'),
    data: dartsPaper.values.data,
    headline: transferHeadline,
  },
  ...onBenchmark,
}
