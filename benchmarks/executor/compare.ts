/**
 * The static executor beside TensorFlow.js and PyTorch: search steps on one thread, and on all cores where a side has
 * threads; each side in processes of its own, their order reversed every round, medians over all rounds without each
 * process's first quarter.
 *
 *     npx jiti benchmarks/executor/compare.ts [--python PYTHON] [--sides SIDE[:THREADS],…] [--seconds S] [--rounds R] [CxNxSIZExBATCH …]
 *
 * Sides are static, static-fused (--fast-math), tfjs, tensorflow and pytorch; static:4 and pytorch:4 have four threads,
 * also at sizes at which the executor would not take them. Without a Python that has torch, or without
 * @tensorflow/tfjs-node, that side is left out. Wall time is what a user waits on an idle machine; processor time is
 * what a busy machine leaves comparable. Without relaxed SIMD (Node 20) static-fused is left out.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { median } from './workload.ts'

const cores = availableParallelism()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: 'python3' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    sides: {
      type: 'string',
      default: `static,static:${cores},static-fused,tfjs,tensorflow,pytorch,pytorch:${cores}`,
    },
  },
})
const sizes = positionals.length > 0 ? positionals : ['4x1x8x64', '4x1x16x64']
const sides = values.sides.split(',')

interface Timing {
  readonly wallMs: number
  readonly cpuMs: number
}

interface Pair {
  readonly weights: Timing
  readonly architecture: Timing
}

interface Sample {
  readonly pairs: readonly Pair[]
  readonly memoryMb?: number
}

/** One process; undefined where this side cannot run this size. */
function measure(side: string, size: string): Sample | undefined {
  const [name, threads = '1'] = side.split(':')
  const numbers = [...size.split('x'), values.seconds]
  const [command, ...prefix] =
    name === 'pytorch'
      ? [values.python, 'benchmarks/executor/search_step.py']
      : [process.execPath, 'node_modules/jiti/lib/jiti-cli.mjs', 'benchmarks/executor/searchStep.ts', name]
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1' }
  const { stdout, status } = spawnSync(command, [...prefix, ...numbers, threads], { encoding: 'utf8', env })
  if (status !== 0) return undefined
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const pairs: Pair[] = lines.filter((line) => 'weights' in line)
  const memory = lines.find((line) => 'memoryMb' in line)
  return { pairs: pairs.slice(Math.floor(pairs.length / 4)), memoryMb: memory?.memoryMb }
}

function row(side: string, samples: readonly Sample[], reference: number | undefined): string {
  const pairs = samples.flatMap((sample) => sample.pairs)
  const of = (step: keyof Pair, time: keyof Timing) => median(pairs.map((pair) => pair[step][time]))
  const memory = median(samples.map(({ memoryMb }) => memoryMb ?? Number.NaN))
  const total = of('weights', 'cpuMs') + of('architecture', 'cpuMs')
  const cells = [
    ...[of('weights', 'wallMs'), of('architecture', 'wallMs')],
    ...[of('weights', 'cpuMs'), of('architecture', 'cpuMs')],
  ].map((ms) => ms.toFixed(1))
  const ratio = reference === undefined ? '–' : (total / reference).toFixed(2)
  return `| ${[side, ...cells, ratio, Number.isNaN(memory) ? '–' : memory.toFixed(0), pairs.length].join(' | ')} |`
}

const processorTime = (samples: readonly Sample[]) => {
  const pairs = samples.flatMap((sample) => sample.pairs)
  return (['weights', 'architecture'] as const).reduce(
    (sum, step) => sum + median(pairs.map((pair) => pair[step].cpuMs)),
    0,
  )
}

console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}\n`)
for (const size of sizes) {
  const samples = new Map<string, Sample[]>(sides.map((side) => [side, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const sample = measure(side, size)
      if (sample !== undefined && sample.pairs.length > 0) samples.get(side)?.push(sample)
    }
  }
  const own = samples.get(sides[0]) ?? []
  const reference = own.length > 0 ? processorTime(own) : undefined
  console.log(`C × N × size × batch = ${size}\n`)
  console.log(
    `| side | weight step, wall ms | architecture, wall ms | weight, cpu ms | architecture, cpu ms | cpu ÷ ${sides[0]} | memory MB | pairs |`,
  )
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|')
  for (const [side, found] of samples)
    console.log(found.length > 0 ? row(side, found, reference) : `| ${side} | did not run |`)
  console.log('')
}
