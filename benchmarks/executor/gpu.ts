/**
 * Compares the static executor on WebGPU with PyTorch eager on the same GPU. First it runs the tests of the executor;
 * then it measures the search network (weight and architecture step) and the evaluation network (weight step), and
 * prints the time of each step, the ratio to PyTorch, and the shares of the device's peak bandwidth and arithmetic.
 *
 *     npx jiti benchmarks/executor/gpu.ts [--python PYTHON] [--seconds S] [--rounds R] [--skip-agreement]
 *         [--search CxNxSIZExBATCH] [--evaluation CELLSxCxSIZExBATCH] [--peak-megabytes M]
 *
 * Times are wall-clock milliseconds per step. A sample is ten steps and one wait for the device; the result is the
 * median of all samples. Both sides run in every round, in alternating order; the first sample of a side is a warm-up.
 * Both compute in single precision with the same network, batch and loss, PyTorch without TF32 and with
 * cudnn.benchmark. Our side copies the images to the device in every step and reads the gradient of the mixing weights
 * after every architecture step; PyTorch's images are on the device, and its architecture step ends with softmax and
 * Adam on 30 numbers there. Without a Python that has torch with CUDA, only our side is measured, and the reason
 * printed. `gpuWork.ts` counts bytes and operations.
 *
 * Needs a clone with `npm ci` and `npm install -D webgpu`, and a driver with its Vulkan part (docs/backends.md says
 * what servers and containers lack).
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import type { Executable, Feed } from '../../src/core/executor.ts'
import type { Network } from '../../src/core/network.ts'
import { random } from '../../src/core/random.ts'
import { chooseBackend } from '../../src/engine/index.ts'
import { Device } from '../../src/engine/webgpu/device/device.ts'
import { openWebgpuExecutor } from '../../src/engine/webgpu/index.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { measurePeak, type Peak } from './gpuPeak.ts'
import { type StepName, workOf } from './gpuWork.ts'
import { median, randomFeed, SGD, searchNetwork } from './workload.ts'

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '4' },
    search: { type: 'string', default: '16x5x32x64' },
    evaluation: { type: 'string', default: '20x36x32x96' },
    'peak-megabytes': { type: 'string', default: '512' },
    'skip-agreement': { type: 'boolean', default: false },
  },
})

const LOSS = { kind: 'cross-entropy' } as const
/** Steps of one sample. */
const STEPS = 10

/** Milliseconds of one step of each kind. */
type Milliseconds = Partial<Record<StepName, number>>

/** A network with its batch, and how PyTorch runs the same. */
interface Workload {
  readonly title: string
  readonly network: Network
  readonly batchSize: number
  readonly script: string
  readonly size: string
  readonly steps: readonly StepName[]
  /** The largest ratio of our time to PyTorch's that we aim at. */
  readonly target: number
}

/** Prints a message and exits with code 2. */
function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

function numbersOf(size: string): number[] {
  const numbers = size.split('x').map(Number)
  if (numbers.length === 4 && numbers.every((number) => number > 0)) return numbers
  return refuse(`"${size}" is not a size; expected four positive numbers with an x between them, such as 16x5x32x64`)
}

function searchWorkload(size: string): Workload {
  const [channels, depth, extent, batchSize] = numbersOf(size)
  const network = searchNetwork(channels, depth, extent)
  const title = `search network, C × N × size × batch = ${size}`
  return { title, network, batchSize, script: 'search_step.py', size, steps: ['weights', 'architecture'], target: 0.5 }
}

function evaluationWorkload(size: string): Workload {
  const [depth, channels, extent, batchSize] = numbersOf(size)
  const shape = { height: extent, width: extent, channels: 3, classes: 10 }
  const network = darts.network(darts.parse('DARTS_V2'), { shape, channels, depth, auxiliary: true })
  const title = `evaluation network, cells × C × size × batch = ${size}`
  return { title, network, batchSize, script: 'evaluation_step.py', size, steps: ['weights'], target: 2 }
}

/** Measures our side: samples of all steps for so many seconds, after one sample as a warm-up. */
async function ours(executable: Executable, feed: Feed, { steps }: Workload, seconds: number): Promise<Milliseconds[]> {
  const kinds: Readonly<Record<StepName, () => Promise<unknown>>> = {
    weights: () => executable.step(feed, LOSS, SGD),
    architecture: () => executable.gradient(feed, LOSS, { coefficients: true }, 'train'),
  }
  const sample = async () => {
    const milliseconds: Milliseconds = {}
    for (const step of steps) {
      const start = performance.now()
      for (let i = 0; i < STEPS; i++) await kinds[step]()
      await executable.takeTally()
      milliseconds[step] = (performance.now() - start) / STEPS
    }
    return milliseconds
  }
  await sample()
  const end = performance.now() + 1000 * seconds
  const found = [await sample()]
  while (performance.now() < end) found.push(await sample())
  return found
}

/** Whether the first line about PyTorch's side is printed, and whether that side is missing. */
let isReported = false
let isAbsent = false

/** Prints what PyTorch runs on, or why it is missing; only once. */
function report(what: string): void {
  if (!isReported) console.log(what)
  isReported = true
}

/** Measures PyTorch's side; without PyTorch, it returns no samples. */
function pytorch({ script, size }: Workload, seconds: number): Milliseconds[] {
  if (isAbsent) return []
  const args = [`benchmarks/executor/${script}`, ...size.split('x'), String(seconds), 'cuda']
  const { stdout, stderr, status, error } = spawnSync(values.python, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) {
    isAbsent = true
    report(`no PyTorch side: ${error?.message ?? stderr.trim().split('\n').at(-1) ?? `exit code ${status}`}`)
    return []
  }
  const [setting, ...pairs] = stdout.trim().split('\n')
  report(JSON.parse(setting).setting)
  return pairs.map((line) => {
    const { weights, architecture } = JSON.parse(line) as Record<StepName, { readonly wallMs: number } | undefined>
    return { weights: weights?.wallMs, architecture: architecture?.wallMs }
  })
}

const of = (samples: readonly Milliseconds[], step: StepName) => median(samples.flatMap((sample) => sample[step] ?? []))
const percent = (share: number) => `${(100 * share).toFixed(1)} %`

type Samples = Readonly<Record<'ours' | 'pytorch', Milliseconds[]>>

async function measure(device: Device, workload: Workload): Promise<Samples> {
  const executor = await openWebgpuExecutor({ device })
  const executable = await executor.compile(workload.network, { batchSize: workload.batchSize })
  executable.weights.write(initialWeights(workload.network, random(0, 'weights')))
  const feed = randomFeed(workload.network, workload.batchSize)
  const samples: Samples = { ours: [], pytorch: [] }
  const sides = ['ours', 'pytorch'] as const
  const seconds = Number(values.seconds)
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const found = side === 'ours' ? await ours(executable, feed, workload, seconds) : pytorch(workload, seconds)
      samples[side].push(...found)
    }
  }
  executable.dispose()
  return samples
}

function row(device: Device, step: StepName, samples: Samples, workload: Workload, peak: Peak): string {
  const { network, batchSize, target } = workload
  const own = of(samples.ours, step)
  const other = samples.pytorch.length > 0 ? of(samples.pytorch, step) : undefined
  const { dispatches, bytes, operations } = workOf(device, network, batchSize, step)
  const cells = [
    ...[step, own.toFixed(2), other?.toFixed(2) ?? '–'],
    ...[other === undefined ? '–' : (own / other).toFixed(2), `≤ ${target}`, dispatches.length],
    percent(bytes / (own / 1000) / peak.bytesPerSecond),
    percent(operations / (own / 1000) / peak.operationsPerSecond),
  ]
  return `| ${cells.join(' | ')} |`
}

async function compare(device: Device, workload: Workload, peak: Peak): Promise<void> {
  const samples = await measure(device, workload)
  console.log(`\n${workload.title}\n`)
  console.log(
    '| step | ours, ms | PyTorch, ms | ours ÷ PyTorch | target | dispatches | of peak bandwidth | of peak arithmetic |',
  )
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|')
  for (const step of workload.steps) console.log(row(device, step, samples, workload, peak))
}

await chooseBackend('webgpu').catch(({ message }) => refuse(message))
const workloads = [searchWorkload(values.search), evaluationWorkload(values.evaluation)]
if (!values['skip-agreement']) {
  const { status } = spawnSync('npx', ['vitest', 'run', 'test/engine/webgpu'], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
const device = await Device.open()
const peak = await measurePeak(device, Number(values['peak-megabytes']))
const { name, isSoftware } = device.description
console.log(
  `${name}${isSoftware ? ' (emulated)' : ''}, Node ${process.version}: ` +
    `${(peak.bytesPerSecond / 1e9).toFixed(1)} GB/s, ${(peak.operationsPerSecond / 1e9).toFixed(1)} GFLOP/s at most`,
)
for (const workload of workloads) await compare(device, workload, peak)
device.gpu.destroy()
