/** Damaged experiment files and option texts, read as far as to a plan; see ../../tables/damaged.ts. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { describe } from 'vitest'
import { parseProbe } from '../../../src/analysis/probes/index.ts'
import { builtins } from '../../../src/builtins.ts'
import { BenchError } from '../../../src/core/errors.ts'
import { presets, resolveProtocol } from '../../../src/protocols/index.ts'
import { genotypeText } from '../../../src/retrain/genotypeArgument.ts'
import { parseEvaluate } from '../../../src/retrain/settings.ts'
import { distributeOptions, resolveOptions } from '../../../src/runner/plan/algorithmOptions.ts'
import { DEFAULTS, parseSeedList, parseSeeds } from '../../../src/runner/plan/experiment.ts'
import { readExperimentFile } from '../../../src/runner/plan/experimentFile.ts'
import { refuseIdleSettings } from '../../../src/runner/plan/idleSettings.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { parseSbatchOptions } from '../../../src/runner/slurm/submit.ts'
import { parseCells } from '../../../src/spaces/darts/index.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { raiseLimit } from '../../../src/system/limits.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { parseCondition } from '../../../src/tables/query.ts'
import { jsonMutations } from '../../support/jsonMutations.ts'
import { needsLittleMemory, survivesDamage } from '../../tables/damaged.ts'
import { mutations } from '../../tables/mutations.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'

const folder = temporaryFolder()
process.env.NAS_BENCH_HOME = join(folder, 'home')

needsLittleMemory()

const YAML = `# A comparison.
algorithms:
  - random
  - name: rea
    options: { population: 10, tournament: 3 }
  - name: drnas
    options: { anchor: kl }
    protocol: micro:epochs=2,data.limit=64
    probes: [alpha, "hessian:every=2"]
space: nb201
datasets: [shapes]
protocol: micro
seeds: 0-2,777
budget: { shapes: 300 }
backend: wasm
executor: static
fastMath: false
store: runs
jobs: 2
threads: 1
`
const TRAINED = {
  ...{ algorithms: ['darts-v1', { name: 'pc-darts', options: { k: 4 } }], space: 'darts', datasets: 'shapes' },
  ...{ protocol: 'micro:epochs=2,data.limit=64', seeds: [0, 1], probes: 'alpha', backend: 'wasm' },
  evaluate: { retrain: { preset: 'trial', seeds: 2, epochs: 1, layers: 3, channels: 4, auxiliary: false, limit: 8 } },
}

const registered = await registerPlugins(builtins, [])

/** Reads an experiment file as `bench run` does, up to the jobs, without loading plugins. */
async function planned(bytes: Uint8Array): Promise<unknown> {
  const path = join(folder, 'damaged.yaml')
  writeFileSync(path, bytes)
  const { experiment, ...file } = readExperimentFile(path)
  const plan = await makePlan({ ...DEFAULTS, algorithms: [], ...experiment }, registered)
  refuseIdleSettings(plan)
  return [plan.jobs.map(({ id }) => id), file]
}

/** A JSON text is also a YAML document. */
function* structurally(bytes: Uint8Array, count: number, seed: number): Generator<Uint8Array<ArrayBuffer>> {
  const value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  for (const { text } of jsonMutations(value, count, seed)) yield Uint8Array.from(Buffer.from(text))
}

describe('damage to an experiment file is survived:', () => {
  survivesDamage('searches on a table', () => Buffer.from(YAML), planned)
  survivesDamage('what is trained in full, value by value', () => Buffer.from(JSON.stringify(TRAINED)), planned, {
    copies: structurally,
  })
})

/** Texts of options, and what reads them. */
const texts: Readonly<Record<string, readonly [text: string, read: (text: string) => unknown]>> = {
  protocols: [
    'laptop:epochs=5,batchSize=32,weights.clipNorm=5,data.trainPortion=0.5,stepOrder=weights-first',
    (text) => resolveProtocol(text, { space: 'nb201', dataset: 'shapes', algorithm: 'drnas' }),
  ],
  'options of algorithms': [
    'rea.population=10|tournament=3|drnas.anchor=kl',
    (text) => {
      const named = ['rea', 'drnas'].map((name) => registered.registry.algorithm(name))
      const requests = distributeOptions(named, text.split('|'))
      return requests.map(({ options }, i) => resolveOptions(named[i], options))
    },
  ],
  'full trainings': ['retrain:preset=trial,epochs=2,layers=3,auxiliary=false', parseEvaluate],
  seeds: ['0-3,777,1000-1100', parseSeeds],
  'seeds of a list': ['0-3,777,1000-1100', parseSeedList],
  probes: ['hessian:every=2,mode=lanczos,loss=train', parseProbe],
  'options of sbatch': ['partition=gpu,gres=gpu:1,time=8:00:00', parseSbatchOptions],
  conditions: ['cifar10/ori-test/200/mean>=93.5', parseCondition],
  limits: ['image-megapixels=200', raiseLimit],
  'cells of NAS-Bench-201': [
    '|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|',
    (text) => builtinSpaces.nb201.parse(text),
  ],
  'genotypes of DARTS': [
    `Genotype(normal=[${"('sep_conv_3x3', 0), ('skip_connect', 1), ".repeat(4)}], normal_concat=range(2, 6), reduce=[${"('max_pool_3x3', 0), ('dil_conv_5x5', 1), ".repeat(4)}], reduce_concat=[2, 3, 4, 5])`,
    (text) => parseCells(genotypeText(text)),
  ],
}

describe('damage to the text of an option is survived:', () => {
  for (const [what, [whole, read]] of Object.entries(texts)) {
    survivesDamage(
      what,
      () => Buffer.from(whole),
      async (bytes) => {
        try {
          return read(Buffer.from(bytes).toString('utf8'))
        } catch (error) {
          throw error instanceof InvalidArgumentError ? new BenchError('bad-input', error.message) : error
        }
      },
      { copies: mutations },
    )
  }

  for (const { name } of presets) {
    survivesDamage(
      `the preset ${name}`,
      () => Buffer.from(`${name}:architecture.learningRate=0.1,network.channels=4,headline=own`),
      async (bytes) =>
        resolveProtocol(Buffer.from(bytes).toString(), { space: 'darts', dataset: 'cifar10', algorithm: 'darts-v2' }),
      { share: 1 / 4 },
    )
  }
})
