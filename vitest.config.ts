import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/freshBuild.ts',
    // `npm run test:full`: the same files with all their cases (see `test/support/full.ts`).
    env: mode === 'full' ? { TESTS: 'full' } : {},
    pool: 'forks',
    // Vitest leaves one core out, which of two is half.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}))
