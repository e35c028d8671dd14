/**
 * The search protocols of papers that stabilise DARTS and publish code that derives from that of DARTS. They differ in
 * few values, so they stand side by side in one file.
 */
import { onBenchmark, ownHeadline, transferHeadline } from './benchmark.ts'
import { dartsFamilyValues } from './dartsPaper.ts'
import { nb201Paper } from './nb201Paper.ts'
import { from, type Preset } from './preset.ts'

/** The settings of the searches on NAS-Bench-201 that several papers share with DrNAS. */
const on201 = {
  ...{ epochs: 100, batchSize: 64, learningRate: 0.025, learningRateMin: 0.001, architectureRate: 3e-4 },
  ...{ channels: 16, depth: 5 },
}

/**
 * Returns the preset of a paper whose code searches NAS-Bench-201 for 100 epochs with DrNAS' settings, and the DARTS
 * space with those of DARTS.
 * @param repository `owner/repo` of the code
 * @param files files in which the code sets its values
 * @param knowsImageNet16 whether the code knows ImageNet16-120, which it then splits in file order as CIFAR-10
 */
function onBothSpaces(
  name: string,
  description: string,
  repository: string,
  files: { readonly architect: string; readonly utils: string; readonly dartsSpace: string },
  knowsImageNet16 = false,
): Preset {
  const script = from(`${repository}: nasbench201/train_search.py`)
  const darts = from(`${repository}: ${files.dartsSpace}`)
  const fixed = { split: script('fixed' as const) }
  return {
    name,
    description,
    values: {
      ...dartsFamilyValues(
        {
          script,
          architect: from(`${repository}: ${files.architect}`),
          model: script,
          torch: from(`PyTorch default, not set by ${repository}`),
          transforms: from(`${repository}: ${files.utils}, the training transform for both halves`),
        },
        on201,
      ),
      headline: ownHeadline,
    },
    bySpace: { darts: { epochs: darts(50), network: { channels: darts(16), depth: darts(8) } } },
    byDataset: {
      cifar10: { data: fixed },
      cifar100: { data: fixed },
      'ImageNet16-120': { data: { ...onBenchmark.byDataset['ImageNet16-120'].data, ...(knowsImageNet16 && fixed) } },
    },
  }
}

const smooth = { architect: 'optimizers/darts/architect.py', utils: 'optimizers/darts/utils.py' }

/** The preset `betadarts-paper`: the search settings of β-DARTS. */
export const betaDartsPaper = onBothSpaces(
  'betadarts-paper',
  'β-DARTS as published: 100 epochs on nb201, C=16 N=5; 50 on darts, with option lambda=25',
  'Sunshine-Ye/Beta-DARTS',
  { ...smooth, dartsSpace: 'sota/cnn/train_search.py' },
)

/** The preset `sdarts-paper`: the search settings of SDARTS on the DARTS space, and on nb201 those of its authors. */
export const sdartsPaper = onBothSpaces(
  'sdarts-paper',
  'SDARTS as published: 100 epochs on nb201, C=16 N=5; 50 on darts',
  'xiangning-chen/SmoothDARTS',
  { ...smooth, dartsSpace: 'sota/cnn/train_search.py' },
)

/** The preset `dartspt-paper`: the search settings of DARTS-PT. */
export const dartsPtPaper = onBothSpaces(
  'dartspt-paper',
  'DARTS-PT as published: 100 epochs on nb201, C=16 N=5; 50 on darts; then the selection',
  'ruocwang/darts-pt',
  {
    architect: 'nasbench201/architect_ig.py',
    utils: 'nasbench201/utils.py',
    dartsSpace: 'sota/cnn/train_search.py',
  },
  true,
)

const fairScript = from('xiaomi-automl/FairDARTS: fairdarts/train_search.py')
const fairValues = dartsFamilyValues(
  {
    script: fairScript,
    architect: from('xiaomi-automl/FairDARTS: fairdarts/architect.py'),
    model: from('xiaomi-automl/FairDARTS: fairdarts/model_search.py'),
    torch: from('PyTorch default, not set by xiaomi-automl/FairDARTS'),
    transforms: from('xiaomi-automl/FairDARTS: fairdarts/utils.py, the training transform for both halves'),
  },
  {
    ...{ epochs: 50, batchSize: 128, learningRate: 0.005, learningRateMin: 0.001, architectureRate: 3e-3 },
    ...{ channels: 16, depth: 8 },
  },
)

/** The preset `fairdarts-paper`: the search settings of Fair-DARTS. */
export const fairDartsPaper: Preset = {
  name: 'fairdarts-paper',
  description: 'Fair-DARTS as published: 50 epochs, batch 128, learning rate 0.005, 3e-3 for α',
  values: {
    ...fairValues,
    architecture: { ...fairValues.architecture, adamBetas: fairScript([0.9, 0.999] as const) },
    headline: transferHeadline,
  },
  bySpace: onBenchmark.bySpace,
  byDataset: { ...onBenchmark.byDataset, cifar10: { data: { split: fairScript('fixed') } } },
}

const dScript = from('aheuillet/D-DARTS: train_search.py')
const dValues = dartsFamilyValues(
  {
    script: dScript,
    architect: from('aheuillet/D-DARTS: model_search.py'),
    model: from('aheuillet/D-DARTS: model_search.py'),
    torch: from('PyTorch default, not set by aheuillet/D-DARTS'),
    transforms: from('aheuillet/D-DARTS: utils.py, the training transform for both halves'),
  },
  {
    ...{ epochs: 50, batchSize: 72, learningRate: 0.005, learningRateMin: 0.001, architectureRate: 3e-3 },
    ...{ channels: 32, depth: 8 },
  },
)

/** The preset `ddarts-paper`: the search settings of D-DARTS, the defaults of its code. */
export const dDartsPaper: Preset = {
  name: 'ddarts-paper',
  description: 'D-DARTS as published: 50 epochs, batch 72, C=32, 8 cells, learning rate 0.005, 3e-3 for α',
  values: {
    ...dValues,
    architecture: {
      ...dValues.architecture,
      adamBetas: from('aheuillet/D-DARTS: model_search.py')([0.9, 0.999] as const),
    },
    headline: transferHeadline,
  },
  bySpace: onBenchmark.bySpace,
  byDataset: {
    ...onBenchmark.byDataset,
    cifar10: { data: { split: dScript('fixed') } },
    cifar100: { data: { split: dScript('fixed') } },
  },
}

const idartsConfig = from('miaozhang0525/iDARTS: NAS_Bench201_codes/configs/nas-benchmark/algos/DARTS.config')

/** The preset `idarts-paper`: the search settings of iDARTS, whose code extends that of NAS-Bench-201. */
export const idartsPaper: Preset = {
  ...nb201Paper,
  name: 'idarts-paper',
  description: 'iDARTS as published: 30 epochs, learning rate 0.01; all else as NAS-Bench-201’s DARTS, C=16 N=5',
  values: {
    ...nb201Paper.values,
    epochs: idartsConfig(30),
    weights: { ...nb201Paper.values.weights, learningRate: idartsConfig(0.01) },
  },
  byAlgorithm: {},
}

const lambdaConfig = from('dr-faustus/Lambda-DARTS: NAS-Bench201/configs/nas-benchmark/algos/DARTS.config')
const lambdaScript = from('dr-faustus/Lambda-DARTS: NAS-Bench201/scripts-search/algos/DARTS-V1.sh')
const lambdaDarts = from('dr-faustus/Lambda-DARTS: sota/cnn/train_search.py')
const { data: _, ...lambdaDartsValues } = dartsFamilyValues(
  {
    script: lambdaDarts,
    architect: from('dr-faustus/Lambda-DARTS: sota/cnn/architect.py'),
    model: lambdaDarts,
    torch: from('PyTorch default, not set by dr-faustus/Lambda-DARTS'),
    transforms: lambdaDarts,
  },
  {
    ...{ epochs: 50, batchSize: 64, learningRate: 0.025, learningRateMin: 0.001, architectureRate: 3e-4 },
    ...{ channels: 16, depth: 8 },
  },
)

/** The preset `lambdadarts-paper`: the search settings of Λ-DARTS, whose code extends those of NAS-Bench-201 and DARTS-PT. */
export const lambdaDartsPaper: Preset = {
  ...nb201Paper,
  name: 'lambdadarts-paper',
  description: 'Λ-DARTS as published: 100 epochs on nb201, 1e-4 for α, C=16 N=5; 50 on darts',
  values: {
    ...nb201Paper.values,
    epochs: lambdaConfig(100),
    weights: { ...nb201Paper.values.weights, weightDecay: lambdaConfig(3e-4), nesterov: lambdaConfig(false) },
    architecture: { ...nb201Paper.values.architecture, learningRate: lambdaScript(1e-4) },
  },
  bySpace: { darts: lambdaDartsValues },
  insteadOn: {},
  byAlgorithm: {},
}
