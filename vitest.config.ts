import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests with exhaustive variants, which `npm run test:full` runs (see `test/support/full.ts`). */
const EXHAUSTIVE = [
  'algorithms/external/kills',
  'algorithms/lambdaDarts',
  'analysis/statistics/tests',
  'cli/badInput',
  'cli/docsCommands',
  'cli/locale',
  'data/files/damage',
  'engine/webgpu/executor',
  'report/damage',
  'retrain/weights',
  'runner/plan/damage',
  'tablebuild/embedded',
  'tables/damage',
  'tables/parquet',
]

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === 'full' ? EXHAUSTIVE.map((name) => `test/${name}.test.ts`) : ['test/**/*.test.ts'],
    globalSetup: 'test/support/freshBuild.ts',
    env: mode === 'full' ? { TESTS: 'full' } : {},
    pool: 'forks',
    // Vitest leaves one core out, which of two is half.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}))
