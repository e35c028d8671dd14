/**
 * The search protocol of NAS-Bench-201 (Dong and Yang, ICLR 2020): the settings with which its authors ran each
 * algorithm.
 */
import { benchmarkData, otherImages, transferHeadline } from './benchmark.ts'
import { from, type Preset } from './preset.ts'

const darts = from('D-X-Y/AutoDL-Projects: configs/nas-benchmark/algos/DARTS.config')
const gdas = from('D-X-Y/AutoDL-Projects: configs/nas-benchmark/algos/GDAS.config')
const setn = from('D-X-Y/AutoDL-Projects: configs/nas-benchmark/algos/SETN.config')
const rsps = from('D-X-Y/AutoDL-Projects: configs/nas-benchmark/algos/RANDOM.config')
const enas = from('D-X-Y/AutoDL-Projects: configs/nas-benchmark/algos/ENAS.config')
const code = from('D-X-Y/AutoDL-Projects: exps/NAS-Bench-201-algos/DARTS-V1.py')
const secondOrder = from('D-X-Y/AutoDL-Projects: exps/NAS-Bench-201-algos/DARTS-V2.py')
const setnCode = from('D-X-Y/AutoDL-Projects: exps/NAS-Bench-201-algos/SETN.py')
const script = from('D-X-Y/AutoDL-Projects: scripts-search/algos/DARTS-V1.sh')
const torch = from('PyTorch default, not set by D-X-Y/AutoDL-Projects')
const loaders = from('D-X-Y/AutoDL-Projects: lib/datasets/get_dataset_with_transform.py, the training transform')

/** The preset `nb201-paper`: the search settings of NAS-Bench-201, which differ by algorithm. */
export const nb201Paper: Preset = {
  name: 'nb201-paper',
  description: 'NAS-Bench-201 as published: 50 epochs for DARTS, 250 for the weight-sharing methods, C=16 N=5',
  values: {
    epochs: darts(50),
    batchSize: darts(64),
    weights: {
      learningRate: darts(0.025),
      learningRateMin: darts(0.001),
      momentum: darts(0.9),
      nesterov: darts(true),
      weightDecay: darts(5e-4),
      clipNorm: code(5),
    },
    architecture: {
      learningRate: script(3e-4),
      adamBetas: code([0.5, 0.999]),
      epsilon: torch(1e-8),
      weightDecay: script(1e-3),
    },
    network: { channels: script(16), depth: script(5), affine: code(false), track: script(true) },
    stepOrder: code('weights-first'),
    data: {
      trainPortion: otherImages(0.5),
      cropPadding: loaders(4),
      flip: loaders(true),
      cutout: loaders(0),
      imageSize: loaders(null),
      limit: loaders(null),
    },
    headline: transferHeadline,
  },
  insteadOn: { darts: 'darts-paper' },
  byDataset: benchmarkData,
  byAlgorithm: {
    'darts-v2': { stepOrder: secondOrder('architecture-first') },
    gdas: { epochs: gdas(250) },
    setn: { epochs: setn(250), weights: { clipNorm: setnCode(null) } },
    rsps: { epochs: rsps(250) },
    enas: {
      epochs: enas(250),
      batchSize: enas(128),
      weights: {
        learningRate: enas(0.05),
        learningRateMin: enas(0.0005),
        weightDecay: enas(2.5e-4),
        // T_max: the authors' scheduler does not start anew there, but climbs back.
        halfPeriod: enas(10),
      },
    },
  },
}
