import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'

const folder = temporaryFolder()

test('a job records the plugin of its space like that of its algorithm', async () => {
  const plugin = join(folder.path, 'mine.ts')
  const darts = "{ ...builtins.spaces.find(({ name }) => name === 'darts'), name: 'mine' }"
  writeFileSync(
    plugin,
    `import { builtins } from 'nas-bench-harness'\nexport default { name: 'mine', spaces: [${darts}] }`,
  )
  const experiment = { ...DEFAULTS, algorithms: [{ name: 'random', options: { evaluations: 1 } }], seeds: [0] }
  const registered = await registerPlugins(builtins, [plugin])
  const jobOn = async (space: string) => (await makePlan({ ...experiment, space }, registered)).jobs[0].job
  expect(await jobOn('mine')).toMatchObject({ space: 'mine', spacePlugin: expect.stringMatching(/^mine.ts@sha256:/) })
  expect(await jobOn('darts')).not.toHaveProperty('spacePlugin')
})
