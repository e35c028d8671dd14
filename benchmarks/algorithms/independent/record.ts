/**
 * Compares algorithms with an independent implementation: runs ten weight steps of each on a small search network of
 * NAS-Bench-201, of D-DARTS on one of the DARTS space, and lets `reference.py`, written from the papers' equations in
 * PyTorch and float64, follow them from the same weights, α, batches and random draws. Prints the largest difference of
 * an α after each method's steps; it must be below 1e-5. α starts away from zero, since Adam's first steps are sign
 * steps. Without PyTorch it says so and stops.
 *
 * The two do not stay together for ten steps under every seed and learning rate, so each method has those under which
 * they do. Where they part, `--trace` shows why, and `--seed`, `--steps`, `--weights` and `--architecture` (learning
 * rates) choose the case. Traced were GAEA with seeds 0 and 2, SDARTS-RS with the papers' rates, β-DARTS and Fair-DARTS
 * with larger ones (0.05 and 0.02), and ten steps of Λ-DARTS. In each case:
 *
 * - up to then α agrees to 1.3e-6; the step in which the difference jumps to between 8e-6 and 1e-4 is the first in which
 *   a ReLU lets through another input than in float64, 1 to 6 of 48,128 (Λ-DARTS: 84 of 96,256, after 2 in the step
 *   before; Fair-DARTS: one step after it, since Adam's first step does not show the size of a gradient);
 * - a float64 step from the program's own weights and α ends within 3e-8 of the program's, before the jump and after it
 *   (Fair-DARTS: 2e-5, since the moments of that step have kept the difference);
 * - the reference in float32 parts from itself in float64 in the same way (Fair-DARTS in the same step by as much,
 *   SDARTS-RS by 4e-6 and Λ-DARTS by 7e-5 later), or not within ten steps.
 *
 * So the differences are rounding, which a ReLU near zero makes visible. Λ-DARTS divides a difference of gradients by
 * 2ε, which is why it parts first.
 *
 *     python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch
 *     PYTHON=/tmp/venv/bin/python npx jiti benchmarks/algorithms/independent/record.ts [ALGORITHM …]
 *     PYTHON=/tmp/venv/bin/python npx jiti benchmarks/algorithms/independent/record.ts gaea --seed 0 --trace
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { tinyData, tinyProtocol } from '../../../src/algorithms/contract/tinyTask.ts'
import { sigmoid } from '../../../src/algorithms/fairDarts.ts'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { sgdOf } from '../../../src/algorithms/shared/bilevel.ts'
import type { Algorithm, SearchContext } from '../../../src/core/algorithm.ts'
import { type Matrix, normalMatrix, softmax } from '../../../src/core/mixing.ts'
import { type RandomStream, random } from '../../../src/core/random.ts'
import type { SearchSpace } from '../../../src/core/space.ts'
import type { Supernet } from '../../../src/core/supernet.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { dartsWithoutNone } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../../src/training/supernet.ts'

const STEPS = 10
const CHANNELS = 4

/** Learning rates of w and of α. */
interface Rates {
  readonly weights: number
  readonly architecture: number
}

/** What is compared of a method. */
interface Comparison {
  readonly options?: Readonly<Record<string, unknown>>
  /** Number of steps that are followed; absent: all. */
  readonly steps?: number
  /** Seed of weights, batches and draws; absent: 0. */
  readonly seed?: number
  /** Learning rates; absent: the papers'. */
  readonly rates?: Rates
  /** Absent: NAS-Bench-201. */
  readonly space?: SearchSpace
}

const PAPER_RATES: Rates = { weights: 0.025, architecture: 3e-4 }

/**
 * The methods that `reference.py` implements, with options that let their peculiarities show within ten steps. Λ-DARTS
 * is followed for four steps, since a ReLU parts the two in the fifth.
 */
const methods: Readonly<Record<string, Comparison>> = {
  'darts-v1': {},
  gaea: { seed: 3 },
  'darts-minus': {},
  oles: { options: { window: 3, threshold: 0.5 } },
  'sdarts-adv': {},
  'lambda-darts': { options: { epsilon: 0.001 }, steps: 4 },
  'beta-darts': {},
  'sdarts-rs': { rates: { weights: 0.05, architecture: 0.02 } },
  'fair-darts': {},
  nasp: {},
  'd-darts': { space: dartsWithoutNone as unknown as SearchSpace },
}

/** Where the parameters of a method are no real numbers without bounds: how drawn ones are brought there. */
const STARTS: Readonly<Record<string, (drawn: Matrix) => Matrix>> = {
  gaea: (drawn) => drawn.map(softmax),
  nasp: sigmoid,
}

const executor = await openExecutor({ backend: 'wasm', deterministic: true })

/** Returns the mixing weights in place of those of each cell, as D-DARTS draws them in an architecture step. */
const ablationDraws = (space: SearchSpace, depth: number, stream: RandomStream): Matrix[] =>
  (space.supernetCells?.(depth) ?? []).map((edges) =>
    edges.map((edge) => space.edges[edge].operations.map(() => stream.uniform())),
  )

/** Runs ten steps of a method, one an epoch. → all that the reference needs, and α after each step */
async function record(algorithm: Algorithm, comparison: Comparison) {
  const { options: given = {}, steps: followed = STEPS, seed = 0, rates = PAPER_RATES } = comparison
  const { space = nb201 as unknown as SearchSpace } = comparison
  const tiny = tinyProtocol(space, STEPS)
  const protocol = {
    ...tiny,
    weights: { ...tiny.weights, learningRate: rates.weights },
    architecture: { ...tiny.architecture, learningRate: rates.architecture },
  }
  const data = tinyData(seed, 1)
  let net: Supernet | undefined
  const context = {
    ...{ space, protocol, seed, data: async () => data },
    random: (...path: readonly (string | number)[]) => random(seed, ...path),
    async supernet(options = {}) {
      const size = { channels: CHANNELS, depth: tiny.network.depth, batchNorm: { affine: false, track: true } }
      const network = space.supernet({ shape: data.shape, ...size, ...options })
      const stream = random(seed, 'weights', 'start')
      net = await createSupernet({ executor, network, edges: space.edges, batchSize: protocol.batchSize, stream })
      return net
    },
  } as unknown as SearchContext
  const options = algorithm.options.parse(given) as Record<string, unknown>
  const search = await algorithm.search(context, options)
  const saved = (await search.save()) as { readonly parameters: Matrix }
  const widths = saved.parameters.map((row) => row.length)
  const drawn = normalMatrix(widths, 0.5, random(seed, 'away from zero'))
  const alpha = (STARTS[algorithm.name] ?? ((matrix: Matrix) => matrix))(drawn)
  await search.restore({ ...saved, parameters: alpha })

  const { weights: w, executable } = net as Supernet
  const readTensors = async () => {
    const values = await w.read()
    let end = 0
    return executable.network.parameters.map(({ name, shape }) => {
      const size = shape.reduce((product, extent) => product * extent, 1)
      end += size
      return { name, shape, values: Array.from(values.subarray(end - size, end)) }
    })
  }
  const tensors = await readTensors()
  const plain = async (source: typeof data.weights, step: number) => {
    const { images, labels } = await source.batch(step)
    return { images: Array.from(images), labels: Array.from(labels) }
  }
  const steps = await Promise.all(
    Array.from({ length: STEPS }, async (_, step) => {
      const stream = random(seed, 'weights', 'step', step)
      return {
        weights: await plain(data.weights, step),
        architecture: await plain(data.architecture, step),
        learningRate: sgdOf(protocol, step).learningRate,
        uniforms: alpha.map((row) => row.map(() => stream.uniform())),
        ablated: ablationDraws(space, tiny.network.depth, random(seed, 'architecture', 'step', step)),
      }
    }),
  )
  const found: (Matrix | undefined)[] = []
  const weights: Awaited<ReturnType<typeof readTensors>>[] = []
  const frozen: number[] = []
  for (let epoch = 0; epoch < followed; epoch++) {
    const { parameters, extra } = await search.epoch(epoch)
    found.push(parameters)
    weights.push(await readTensors())
    frozen.push(extra?.frozenOperations ?? 0)
  }
  search.dispose()
  const { weights: sgd, architecture: adam } = protocol
  return {
    method: algorithm.name,
    options,
    space: space.name,
    operations: space.edges[0].operations,
    shape: data.shape,
    channels: CHANNELS,
    tensors,
    alpha,
    steps,
    sgd,
    adam,
    found,
    weights,
    frozen,
  }
}

const { values: flags, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    steps: { type: 'string' },
    weights: { type: 'string' },
    architecture: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
/** What the command line says of a comparison, in place of what `methods` says. */
const given: Comparison = {
  ...(flags.seed !== undefined && { seed: Number(flags.seed) }),
  ...(flags.steps !== undefined && { steps: Number(flags.steps) }),
  ...((flags.weights ?? flags.architecture) !== undefined && {
    rates: {
      weights: Number(flags.weights ?? PAPER_RATES.weights),
      architecture: Number(flags.architecture ?? PAPER_RATES.architecture),
    },
  }),
}
const python = process.env.PYTHON ?? 'python3'
if (spawnSync(python, ['-W', 'ignore', '-c', 'import torch']).status !== 0) {
  process.stderr.write(`skipped: ${python} has no PyTorch; name one that has it with PYTHON=…\n`)
  process.exit(0)
}
const folder = mkdtempSync(join(tmpdir(), 'independent-'))
const script = fileURLToPath(new URL('reference.py', import.meta.url))
let failures = 0
try {
  for (const name of chosen.length > 0 ? chosen : Object.keys(methods)) {
    const algorithm = (builtinAlgorithms as Record<string, Algorithm>)[name]
    const file = join(folder, `${name}.json`)
    writeFileSync(file, JSON.stringify(await record(algorithm, { ...methods[name], ...given })))
    const more = flags.trace ? ['--trace'] : []
    const { status } = spawnSync(python, ['-W', 'ignore', script, file, ...more], { stdio: 'inherit' })
    if (status !== 0) failures++
  }
} finally {
  rmSync(folder, { recursive: true })
}
process.exit(failures === 0 ? 0 : 1)
