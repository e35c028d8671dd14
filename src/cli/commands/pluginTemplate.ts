/** The files that `bench new algo` writes: a plugin that runs as it is, and its test. */

export const TEMPLATE_KINDS = ['supernet', 'black-box'] as const

export type TemplateKind = (typeof TEMPLATE_KINDS)[number]

/** @param name of the algorithm, and of the file */
export function pluginSource(kind: TemplateKind, name: string): string {
  return kind === 'supernet' ? supernetPlugin(name) : blackBoxPlugin(name)
}

const supernetPlugin = (name: string) => `/**
 * ${name}: what it is, and its source.
 *
 * It starts as DARTS with a temperature: every edge mixes its operations by softmax(α / τ). What tells one search from
 * another is how parameters become mixing weights, and how a gradient goes back through that.
 *
 *     bench check plugin ./${name}.ts
 *     bench run --plugin ./${name}.ts --algo ${name} --space nb201 --seeds 4
 */
import {
  bilevelSearch,
  defineAlgorithm,
  definePlugin,
  initialParameters,
  map,
  type Relaxation,
  softmaxRelaxation,
} from 'nas-bench-harness'
import { z } from 'zod'

/** θ = softmax(α / τ) on each edge. α and θ are [edge][op]. */
const relaxation = (tau: number): Relaxation => ({
  stochastic: false,
  relax(alpha) {
    const { mixing, pullback } = softmaxRelaxation.relax(map(alpha, (a) => a / tau))
    // From ∂L/∂θ to ∂L/∂α, by the chain rule.
    return { mixing, pullback: (gradient) => map(pullback(gradient), (g) => g / tau) }
  },
})

const algorithm = defineAlgorithm({
  name: '${name}',
  version: 1,
  description: 'One line, for lists of algorithms',
  source: 'Paper and year',
  kind: 'supernet',
  options: z.strictObject({
    tau: z.coerce.number().positive().default(1).describe('temperature of the softmax'),
  }),
  search: (context, { tau }) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => relaxation(tau),
    }),
})

export default definePlugin({ name: '${name}', algorithms: [algorithm] })
`

const blackBoxPlugin = (name: string) => `/**
 * ${name}: what it is, and its source.
 *
 * It starts as a hill climb: change one decision of the best architecture so far, keep what is better. An evaluation
 * costs simulated seconds; \`ask\` answers undefined when the budget is over.
 *
 *     bench check plugin ./${name}.ts
 *     bench run --plugin ./${name}.ts --algo ${name} --space nb201 --seeds 4
 */
import { blackBoxSearch, defineAlgorithm, definePlugin, evaluations, mutate, sample } from 'nas-bench-harness'
import { z } from 'zod'

const algorithm = defineAlgorithm({
  name: '${name}',
  version: 1,
  description: 'One line, for lists of algorithms',
  source: 'Paper and year',
  kind: 'black-box',
  options: z.strictObject({ evaluations }),
  async search(context, options) {
    const { space } = context
    // All chance comes from here: the same seed gives the same search.
    const stream = context.random('climb')
    return blackBoxSearch(context, options.evaluations, async (ask) => {
      let best = sample(space, stream)
      let bestPct = await ask(best)
      while (bestPct !== undefined) {
        const next = mutate(space, best, stream)
        const nextPct = await ask(next)
        if (nextPct === undefined) return
        if (nextPct > bestPct) {
          best = next
          bestPct = nextPct
        }
      }
    })
  },
})

export default definePlugin({ name: '${name}', algorithms: [algorithm] })
`

export const testSource = (
  name: string,
) => `/** What every algorithm promises, checked on ${name}. Run with: node --test ${name}.test.mjs */
import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkAlgorithm, loadPlugin, openExecutor } from 'nas-bench-harness'

const { plugin } = await loadPlugin(fileURLToPath(new URL('${name}.ts', import.meta.url)))
const executor = openExecutor({ backend: 'wasm' })

for (const algorithm of plugin.algorithms ?? []) {
  test(\`\${algorithm.name} keeps the promises of an algorithm\`, async () => {
    const results = await checkAlgorithm(algorithm, { executor: () => executor })
    assert.deepEqual(
      results.filter(({ seen }) => seen !== undefined),
      [],
    )
  })
}
`
