/**
 * The search protocols of papers that stabilise DARTS and publish code that derives from that of DARTS. They differ in
 * few values, so they stand side by side in one file.
 */
import { onBenchmark, ownHeadline } from './benchmark.ts'
import { dartsFamilyValues } from './dartsPaper.ts'
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
 */
function onBothSpaces(
  name: string,
  description: string,
  repository: string,
  files: { readonly architect: string; readonly utils: string; readonly dartsSpace: string },
): Preset {
  const script = from(`${repository}: nasbench201/train_search.py`)
  const darts = from(`${repository}: ${files.dartsSpace}`)
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
      ...onBenchmark.byDataset,
      cifar10: { data: { split: script('fixed') } },
      cifar100: { data: { split: script('fixed') } },
    },
  }
}

const smooth = { architect: 'optimizers/darts/architect.py', utils: 'optimizers/darts/utils.py' }

/** The preset `betadarts-paper`: the search settings of β-DARTS. */
export const betaDartsPaper = onBothSpaces(
  'betadarts-paper',
  'β-DARTS as published: 100 epochs on nb201, C=16 N=5; 50 on darts',
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
