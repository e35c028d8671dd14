/**
 * Measures what it costs that a method is a program: the time of one question of a Python method, over 10,000 questions,
 * and 100 seeds of regularised evolution in Python beside the built-in `rea`. Needs Python 3.9 as `python3`.
 *
 *     npm run build && npx jiti benchmarks/algorithms/programs.ts
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'bench-programs-'))

const ASKER = `import statistics, time
import nas_bench_client as bench

def search(task):
    times = []
    for _ in range(task.evaluations):
        architecture = task.space.sample(task.random)
        begin = time.perf_counter()
        task.ask(architecture)
        times.append(1e3 * (time.perf_counter() - begin))
    times.sort()
    n = len(times)
    print(f"{n} questions: median {times[n // 2]:.3f} ms, 90th percentile {times[n * 9 // 10]:.3f} ms")

bench.run(search, name="asker", version=1)
`

/** Runs `bench run` in the temporary folder. → seconds that it took */
function run(...args: readonly string[]): number {
  const begin = performance.now()
  execFileSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'run', ...args, '--quiet'], { cwd: folder })
  return (performance.now() - begin) / 1000
}

try {
  writeFileSync(join(folder, 'asker.py'), ASKER)
  run('--algo', './asker.py', '--seeds', '1', '--option', 'evaluations=10000', '--store', 'asks')
  for (const id of readdirSync(join(folder, 'asks'))) {
    process.stdout.write(readFileSync(join(folder, 'asks', id, 'program.log'), 'utf8'))
  }
  const evolution = join(ROOT, 'examples/external/evolution.py')
  const begin = performance.now()
  for (let i = 0; i < 20; i++) execFileSync('python3', ['-c', 'import json, random, threading, traceback, platform'])
  const start = (performance.now() - begin) / 20000
  const own = run('--algo', 'rea', '--seeds', '100', '--jobs', '2', '--store', 'own')
  const python = run('--algo', evolution, '--seeds', '100', '--jobs', '2', '--store', 'python')
  console.log(`Python starts in ${start.toFixed(3)} s`)
  console.log(`100 seeds, --jobs 2: rea ${own.toFixed(1)} s, evolution.py ${python.toFixed(1)} s`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
