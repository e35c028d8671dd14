/**
 * Keeps vitest loaded and runs one test file after another, so that a mutant costs no start of vitest. A process of its own,
 * which is killed when a mutant does not end.
 *
 * Takes messages `{ file, mutant, reached }` and answers each with `{ ok, seconds, failure }`.
 */
import { createVitest } from 'vitest/node'

const [root, setupFile] = process.argv.slice(2)
const vitest = await createVitest(
  'test',
  {
    root,
    watch: false,
    bail: 1,
    maxWorkers: 1,
    cache: false,
    configLoader: 'runner',
    reporters: [{}],
    setupFiles: [setupFile],
    includeTaskLocation: false,
  },
  { server: { watch: null }, cacheDir: `${root}/.vite` },
)

/** The first failure of a test file in one line; none if all its tests passed. Vitest's result also has earlier files. */
function failureOf({ testModules, unhandledErrors }, file) {
  const module = testModules.find(({ moduleId }) => moduleId === file)
  if (module === undefined) return 'the file did not run'
  for (const error of module.errors()) return firstLine(error.message)
  for (const test of module.children.allTests('failed'))
    return `${test.fullName}: ${firstLine(test.result().errors?.[0]?.message)}`
  for (const suite of module.children.allSuites()) for (const error of suite.errors()) return firstLine(error.message)
  return unhandledErrors.length > 0 ? firstLine(unhandledErrors[0].message) : undefined
}

const firstLine = (text) => String(text).split('\n')[0].slice(0, 200)

process.on('message', async ({ file, mutant, reached }) => {
  process.env.MUTANT = String(mutant)
  if (reached) process.env.MUTANTS_REACHED = reached
  else delete process.env.MUTANTS_REACHED
  const before = performance.now()
  const specification = vitest.getRootProject().createSpecification(file)
  const result = await vitest.runTestSpecifications([specification])
  const failure = failureOf(result, file)
  process.send({ ok: failure === undefined, seconds: (performance.now() - before) / 1000, failure })
})
process.on('disconnect', () => process.exit())
process.send('ready')
