/**
 * Licences of the datasets and lookup tables that runs used. A licence that this program does not know is undefined,
 * never guessed.
 */
import type { RunRecord } from '../runRecord.ts'

export interface Licence {
  readonly name: string
  /** Licence or terms of use; absent: not known to this program. */
  readonly licence?: string
  /** Authors to credit for the dataset or lookup table, with the year. */
  readonly credit?: string
}

const KNOWN: Readonly<Record<string, Omit<Licence, 'name'>>> = {
  'dataset shapes': { licence: 'MIT, drawn by this program' },
  'dataset cifar10': { licence: 'no licence stated by its author', credit: 'Krizhevsky, 2009' },
  'dataset cifar100': { licence: 'no licence stated by its author', credit: 'Krizhevsky, 2009' },
  'dataset ImageNet16-120': {
    licence: 'terms of ImageNet: research and education, not commercial',
    credit: 'Chrabaszcz, Loshchilov and Hutter, 2017',
  },
  'dataset imagenet': {
    licence: 'terms of ImageNet: research and education, not commercial',
    credit: 'Deng et al., 2009',
  },
  'table nb201': { licence: 'MIT', credit: 'NAS-Bench-201, Dong and Yang, 2020' },
  'table nb201-micro': { licence: 'MIT, trained by this program' },
}

/** Returns the licence of each dataset and table of the runs, and of the program itself. */
export function licencesOf(runs: readonly RunRecord[]): readonly Licence[] {
  const used = runs.flatMap(({ manifest: { job } }) => [
    `dataset ${job.dataset.name}`,
    ...(job.table ? [`table ${job.table.name}`] : []),
  ])
  return [
    { name: 'nas-bench-harness', licence: 'MIT' },
    ...[...new Set(used)].map((name) => ({ name, ...(Object.hasOwn(KNOWN, name) && KNOWN[name]) })),
  ]
}
