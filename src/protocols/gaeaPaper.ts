/**
 * The search protocol of GAEA (Li et al., ICLR 2021): the settings of its published code, for NAS-Bench-201 (GAEA DARTS)
 * and for the DARTS space (GAEA PC-DARTS). Partial channels and edge weights are options of the algorithm `gaea`.
 */
import { benchmarkData, ownHeadline } from './benchmark.ts'
import { dartsFamilyValues } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const script = from('liamcli/gaea_release: configs/cnn/mode/search_nasbench201.yaml')
const readme = from('liamcli/gaea_release: README.md, NAS-Bench-201 search space')
const config = from('liamcli/gaea_release: configs/cnn/config.yaml, scheduler_epochs')
const model = from('liamcli/gaea_release: cnn/search_spaces, configs/cnn/config.yaml')
const torch = from('PyTorch default, not set by liamcli/gaea_release')
const unused = from('DARTS; GAEA’s update has no Adam (liamcli/gaea_release: cnn/architect/architect_edarts.py)')
const transforms = from('liamcli/gaea_release: cnn/train_utils.py, the training transform')
const pcDarts = from('liamcli/gaea_release: configs/cnn/mode/search_pcdarts.yaml')
const pcReadme = from('liamcli/gaea_release: README.md, DARTS search space on CIFAR-10')

const values = dartsFamilyValues(
  { script, architect: unused, model, torch, transforms },
  {
    ...{ epochs: 25, batchSize: 64, learningRate: 0.025, learningRateMin: 0.001, architectureRate: 3e-4 },
    ...{ channels: 24, depth: 5 },
  },
)

/** The preset `gaea-paper`: the search settings of GAEA. */
export const gaeaPaper: Preset = {
  name: 'gaea-paper',
  description:
    'GAEA as published: 25 epochs of a cosine of 50, C=24 N=5, nb201-no-none; 50 on darts (k=4 edgeWeights=true)',
  values: {
    ...values,
    epochs: readme(25),
    // The cosine is made for 50 epochs, of which NAS-Bench-201 runs the first 25.
    weights: { ...values.weights, halfPeriod: config(50) },
    architecture: {
      learningRate: unused(3e-4),
      adamBetas: unused([0.5, 0.999]),
      epsilon: unused(1e-8),
      weightDecay: unused(1e-3),
    },
    headline: ownHeadline,
  },
  bySpace: {
    darts: {
      epochs: pcReadme(50),
      batchSize: pcDarts(256),
      weights: { learningRate: pcDarts(0.1), learningRateMin: pcDarts(0) },
      network: { channels: pcDarts(16), depth: pcDarts(8) },
    },
  },
  byDataset: benchmarkData,
}
