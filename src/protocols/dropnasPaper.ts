/** The search protocol of DropNAS (Hong et al., IJCAI 2020): the settings of its published code. */
import { onBenchmark, transferHeadline } from './benchmark.ts'
import { dartsFamilyValues } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const script = from('wiljohnhong/DropNAS: config.py, SearchConfig')
const search = from('wiljohnhong/DropNAS: search.py')
const model = from('wiljohnhong/DropNAS: models/search_cells.py, models/search_cnn.py')
const torch = from('PyTorch default, not set by wiljohnhong/DropNAS')
const transforms = from('wiljohnhong/DropNAS: preproc.py, the training transform')
const probes = from('chosen here: a half for the probes alone; the search itself uses all training images')

const values = dartsFamilyValues(
  { script, architect: search, model, torch, transforms },
  {
    ...{ epochs: 76, batchSize: 96, learningRate: 0.0375, learningRateMin: 0.0015, architectureRate: 3e-4 },
    ...{ channels: 16, depth: 14 },
  },
)

/** The preset `dropnas-paper`: the search settings of DropNAS. */
export const dropnasPaper: Preset = {
  name: 'dropnas-paper',
  description: 'DropNAS as published: 76 epochs on all training images, batch 96, 14 cells, clipping at 3',
  values: {
    ...values,
    weights: { ...values.weights, clipNorm: script(3) },
    stepOrder: search('architecture-first'),
    data: { ...values.data, trainPortion: probes(0.5) },
    headline: transferHeadline,
  },
  ...onBenchmark,
}
