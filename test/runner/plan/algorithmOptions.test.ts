import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { type Algorithm, defineAlgorithm } from '../../../src/core/algorithm.ts'
import { describeOptions, optionNames, resolveOptions } from '../../../src/runner/plan/algorithmOptions.ts'

const withOptions = (options: z.ZodType): Algorithm =>
  defineAlgorithm({
    ...{ name: 'mine', version: 1, description: '', source: '', kind: 'black-box', options },
    search: () => Promise.reject(new Error('not in this test')),
  }) as Algorithm

const steps = { linear: (x: number) => x, square: (x: number) => x * x }

const transforming = withOptions(
  z.strictObject({
    tau: z.coerce.number().positive().default(1),
    loud: z.stringbool().default(false),
    twice: z.coerce
      .number()
      .transform((x) => 2 * x)
      .prefault(3),
    step: z
      .enum(['linear', 'square'])
      .transform((name) => steps[name])
      .optional(),
    huge: z.coerce.bigint().optional(),
  }),
)

describe('the options of a job', () => {
  it('are parsed once, and parse from the job to the same options again', () => {
    const given = { tau: '2', loud: 'yes', twice: '5', step: 'square', huge: '7' }
    const kept = resolveOptions(transforming, given)
    expect(kept).toEqual({ tau: 2, loud: 'yes', twice: '5', step: 'square', huge: '7' })
    const received = transforming.options.parse(JSON.parse(JSON.stringify(kept)))
    expect(received).toEqual({ tau: 2, loud: true, twice: 10, step: steps.square, huge: 7n })
  })

  it('do not depend on how a value is written, and include the defaults', () => {
    expect(resolveOptions(transforming, { tau: '1.0' })).toEqual(resolveOptions(transforming, {}))
    expect(resolveOptions(transforming, {})).toEqual({ tau: 1 })
  })

  it.each(Object.values(builtinAlgorithms as Record<string, Algorithm>))(
    'of $name are recorded as its schema parses them',
    (algorithm) => {
      const parsed = JSON.parse(JSON.stringify(algorithm.options.parse({})))
      expect(resolveOptions(algorithm, {})).toEqual(parsed)
    },
  )

  it('may have a schema that transforms the whole object', () => {
    const whole = withOptions(z.strictObject({ from: z.coerce.number().default(0) }).transform(({ from }) => [from]))
    expect(optionNames(whole)).toEqual(['from'])
    const kept = resolveOptions(whole, { from: '4' })
    expect(whole.options.parse(kept)).toEqual([4])
    expect(() => resolveOptions(whole, { form: 4 })).toThrow('unknown option of mine "form"; did you mean "from"?')
  })
})

describe('the options of an algorithm', () => {
  it('are described by its schema, with their defaults', () => {
    const schema = z.strictObject({
      tau: z.coerce.number().default(1).describe('a temperature'),
      limit: z.int().optional(),
      folder: z.string().describe('where it is'),
    })
    expect(describeOptions(withOptions(schema))).toEqual([
      { name: 'tau', byDefault: 1, isRequired: false, description: 'a temperature' },
      { name: 'limit', byDefault: undefined, isRequired: false, description: '' },
      { name: 'folder', byDefault: undefined, isRequired: true, description: 'where it is' },
    ])
  })
})

describe('refused options', () => {
  it('are named with the reason', () => {
    const strict = withOptions(
      z
        .strictObject({ low: z.coerce.number(), high: z.coerce.number().default(1) })
        .refine(({ low, high }) => low < high, 'low is not below high'),
    )
    expect(() => resolveOptions(strict, { low: 2 })).toThrow(
      'mine: its options contradict each other: low is not below high',
    )
    const needed = withOptions(z.strictObject({ folder: z.string() }))
    expect(() => resolveOptions(needed, {})).toThrow(/^mine: option folder is not given: /)
    expect(() => resolveOptions(needed, { folder: 3 })).toThrow(/^mine: option folder=3: /)
  })
})

it('shows a value that has no text of its own as JSON', () => {
  expect(() => resolveOptions(builtinAlgorithms.drnas, { lambda: { toString: 1 } })).toThrow(
    /lambda=\{"toString":1\}: /,
  )
})
