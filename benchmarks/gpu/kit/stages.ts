/** The stages of a visit to a GPU machine: what each runs, in which order, and how long it may take. */

/** A process of a stage: a program of the kit, or a Python script that measures PyTorch on the same GPU. */
export interface Part {
  readonly name: string
  /** Module of this folder (without its ending), or Python script of `benchmarks/executor`, and its arguments. */
  readonly program: { readonly module: string } | { readonly script: string }
  /** Arguments at full size, and in the small form that an emulated GPU computes in seconds. */
  readonly args: { readonly full: readonly string[]; readonly small: readonly string[] }
  /** Seconds after which the process is ended. */
  readonly limit: number
  /** Whether the part needs WebGPU; such parts are skipped where the first stage finds no device. */
  readonly needsDevice: boolean
  /** Whether the part needs images at full size. */
  readonly needsImages?: boolean
}

/** A stage of a visit. It writes its results to the file `NUMBER-NAME.json`. */
export interface Stage {
  readonly name: string
  readonly title: string
  readonly parts: readonly Part[]
}

/** Arguments of the networks that are measured, as `steps.ts` and the Python scripts take them. */
const SIZES = {
  search: { full: ['16', '5', '32', '64'], small: ['4', '1', '8', '8'] },
  evaluation: { full: ['20', '36', '32', '96'], small: ['3', '4', '32', '4'] },
  darts: { full: ['8', '16', '32', '64'], small: ['3', '4', '8', '4'] },
} as const

const SCRIPTS = { search: 'search_step.py', evaluation: 'evaluation_step.py', darts: 'darts_step.py' } as const

/** The parts that measure a training step: our executor, PyTorch eager, and PyTorch with torch.compile. */
function stepParts(network: keyof typeof SIZES, compileLimit: number): Part[] {
  const { full, small } = SIZES[network]
  const pytorch = (mode: 'eager' | 'compiled', limit: number): Part => ({
    name: `pytorch-${mode}`,
    program: { script: SCRIPTS[network] },
    args: { full: [...full, '8', 'cuda', mode], small: [...small, '0.2', '1', mode] },
    limit,
    needsDevice: false,
  })
  return [
    {
      name: 'ours',
      program: { module: 'steps' },
      args: { full: [network, ...full, '8'], small: [network, ...small, '0.2'] },
      limit: 40,
      needsDevice: true,
    },
    pytorch('eager', 40),
    pytorch('compiled', compileLimit),
  ]
}

const own = (module: string, limit: number, args: Part['args'] = { full: [], small: [] }): Part => ({
  ...{ name: module, program: { module }, args, limit, needsDevice: true },
})

function searchPart(algorithm: string, protocol: string, limit: number): Part {
  return {
    name: algorithm,
    program: { module: 'searches' },
    args: { full: [algorithm, protocol, '2'], small: [algorithm, 'small', '2'] },
    limit,
    needsDevice: true,
    needsImages: true,
  }
}

/** All stages, most important first. */
export const stages: readonly Stage[] = [
  {
    name: 'device',
    title: 'device, limits, a trivial kernel, peak bandwidth and arithmetic',
    parts: [own('device', 40, { full: ['512'], small: ['1'] })],
  },
  {
    name: 'golden',
    title: 'golden figures, contract of executors, agreement with TensorFlow.js',
    parts: [own('golden', 100, { full: [], small: ['quick'] })],
  },
  {
    name: 'search-step',
    title: 'search step of NAS-Bench-201, C=16 N=5, batch 64, 32×32, beside PyTorch',
    parts: stepParts('search', 60),
  },
  {
    name: 'evaluation-step',
    title: 'training step of the DARTS evaluation network, 20 cells × 36, batch 96, beside PyTorch',
    parts: stepParts('evaluation', 90),
  },
  {
    name: 'darts-step',
    title: 'search step of DARTS, C=16, 8 cells, batch 64, beside PyTorch',
    parts: stepParts('darts', 60),
  },
  {
    name: 'searches',
    title: 'whole searches at the papers’ size, two seeds in one process, with checkpoints',
    parts: [
      // The paper's halves follow the order of the files, which images from folders of classes do not have.
      searchPart('drnas', 'drnas-paper:data.split=seeded', 110),
      searchPart('darts-v1', 'nb201-paper', 60),
    ],
  },
  {
    name: 'kernels',
    title: 'time of each kernel in a search and an evaluation step',
    parts: [
      own('kernels', 60, {
        full: ['search', ...SIZES.search.full, 'evaluation', ...SIZES.evaluation.full],
        small: ['search', ...SIZES.search.small],
      }),
    ],
  },
]

export const fileOf = (stage: Stage): string => `${stages.indexOf(stage) + 1}-${stage.name}.json`

/** Returns the most seconds that the parts of a stage take together. */
export const limitOf = ({ parts }: Stage): number => parts.reduce((sum, { limit }) => sum + limit, 0)

/** Returns the list of stages as text, one line each. */
export const listText = (): string =>
  stages
    .map((stage, i) => {
      const parts = stage.parts.map(({ name, limit }) => `${name} ${limit} s`).join(', ')
      return `${i + 1}  ${stage.name.padEnd(16)}${stage.title} (${parts})`
    })
    .join('\n')
