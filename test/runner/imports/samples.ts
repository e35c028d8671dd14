/** Files as other programs write them, for the tests of imports. */
import { nb201 } from '../../../src/spaces/nb201/index.ts'

/** Architectures of NAS-Bench-201 by their decisions. */
export const cell = (...decisions: readonly number[]): string => nb201.format(nb201.encoding.decode(decisions))

export const FIRST = cell(3, 3, 3, 3, 3, 3)
export const SECOND = cell(3, 3, 3, 1, 3, 3)
export const THIRD = cell(3, 2, 3, 1, 3, 4)

/** Two seeds with epochs and seconds. */
export const CSV = `method,seed,dataset,architecture,epoch,seconds
mine,0,cifar10,${FIRST},0,10
mine,0,cifar10,${SECOND},1,21.5
mine,1,cifar10,${THIRD},0,9
mine,1,cifar10,${THIRD},1,19
`

export const LINES = [
  { method: 'asked', seed: 0, dataset: 'cifar10', architecture: FIRST, seconds: 100 },
  { method: 'asked', seed: 0, dataset: 'cifar10', architecture: SECOND, seconds: 350.5 },
]
  .map((row) => `${JSON.stringify(row)}\n`)
  .join('')

/** A log of DrNAS' code on NAS-Bench-201. */
export const DRNAS_LOG = `2024-01-01 10:00:00,000 gpu device = 0
2024-01-01 10:00:00,001 args = Namespace(batch_size=64, epochs=3, learning_rate=0.025, seed=2, unrolled=False)
2024-01-01 10:00:01,000 epoch 0 lr 2.500000e-02
2024-01-01 10:00:01,001 genotype = Structure(4 nodes with ${FIRST})
2024-01-01 10:05:00,000 train_acc 31.2
2024-01-01 10:05:01,000 epoch 1 lr 1.900000e-02
2024-01-01 10:05:01,001 genotype = Structure(4 nodes with ${SECOND})
2024-01-01 10:10:01,000 epoch 2 lr 7.000000e-03
2024-01-01 10:10:01,001 genotype = Structure(4 nodes with ${THIRD})
`

/** A log of NAS-Bench-201's code. */
export const NB201_LOG = `-------- Arguments --------
rand_seed : 777
[Search the 000-002-th epoch] time=00:01, LR=0.025
<<<--->>> The 000-002-th epoch : ${FIRST}
[Search the 001-002-th epoch] time=00:01, LR=0.001
<<<--->>> The 001-002-th epoch : ${SECOND}
`

const GENOTYPE = (first: string) =>
  `Genotype(normal=[('${first}', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))`

/** A log of the code of DARTS and PC-DARTS. */
export const DARTS_LOG = `05/01 10:00:00 AM args = Namespace(arch='x', seed=2)
05/01 10:00:01 AM epoch 0 lr 2.500000e-02
05/01 10:00:01 AM genotype = ${GENOTYPE('max_pool_3x3')}
05/01 10:09:01 AM Epoch: 1 lr 2.400000e-02
05/01 10:09:01 AM genotype = ${GENOTYPE('sep_conv_3x3')}
`

/** `errors.json` of a black-box search of NASLib with `lightweight_output`, and the end of its log. */
export const NASLIB = JSON.stringify([
  { optimizer: 'rs', search_space: 'nasbench201', dataset: 'cifar10', search: { seed: 9, epochs: 3 } },
  {
    ...{ train_acc: [99, 99, 99.5], valid_acc: [84.1, 88.2, 88.9], test_acc: [90, 91, 92] },
    ...{ runtime: [0.1, 0.1, 0.1], train_time: [1000, 1200, 900], params: 1.2 },
  },
])

export const NASLIB_LOG = `[05/01 10:00:00 nl.defaults.trainer]: Start evaluation
[05/01 10:00:00 nl.defaults.trainer]: Final architecture hash: (0, 1, 2, 3, 4, 2)
[05/01 10:00:00 nl.defaults.trainer]: Queried results (Metric.TEST_ACCURACY): 92.0
`

/** The architecture in `NASLIB_LOG`, in the literature's notation. */
export const NASLIB_CELL = '|skip_connect~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|nor_conv_3x3~2|'
