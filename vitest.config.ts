import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const ALL = 'test/**/*.test.ts'

/**
 * Tests that change the state of their process, or judge by it: environment variables, exit status, output, memory, children,
 * replaced modules.
 * Each of these files runs in a process of its own. The others share one, which saves the start of a process and the same imports
 * over and over.
 */
const ALONE = [
  'test/temporaryFolder.test.ts',
  'test/{benchmarks,system,algorithms/external}/**/*.test.ts',
  'test/cli/{manyRuns,output,places,pluginKit,progressDisplay,reportCommands,terminal,watchReport}.test.ts',
  'test/**/damage.test.ts',
  'test/data/files/imageFolder.test.ts',
  'test/retrain/weights.test.ts',
  'test/runner/plan/plannedImages.test.ts',
]

/** The test files that take longest in full, the longest first. */
const SLOWEST = [
  ...['cli/docsCommands', 'engine/webgpu/executor', 'algorithms/external/kills', 'algorithms/contract/builtins'],
  ...['cli/run', 'cli/retrain', 'cli/printedCommands', 'cli/fullDisk', 'cli/slurm', 'report/damage', 'tables/damage'],
]

/** Starts the slowest files first, so that none of them is left to one core when the others are done. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      SLOWEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
    const slow = files.filter((file) => place(file) >= 0).sort((a, b) => place(a) - place(b))
    return [...slow, ...(await super.sort(files.filter((file) => place(file) < 0)))]
  }
}

export default defineConfig(({ mode }) => {
  const options = {
    // `npm run test:full`: the same files with all their cases (see `test/support/full.ts`).
    env: mode === 'full' ? { TESTS: 'full' } : {},
    pool: 'forks' as const,
    setupFiles: ['test/support/typedArrays.ts'],
    testTimeout: mode === 'full' ? 600_000 : 120_000,
    hookTimeout: mode === 'full' ? 600_000 : 120_000,
  }
  return {
    test: {
      ...options,
      sequence: { sequencer: SlowestFirst },
      globalSetup: ['test/support/temporaryFolder.ts', 'test/support/freshBuild.ts'],
      // Vitest leaves one core out, which of two is half. A third process works while tests of the others wait.
      maxWorkers: Math.max(3, availableParallelism() - 1),
      projects: [
        { test: { ...options, name: 'alone', include: ALONE } },
        { test: { ...options, name: 'shared', include: [ALL], exclude: ALONE, isolate: false } },
      ],
    },
  }
})
