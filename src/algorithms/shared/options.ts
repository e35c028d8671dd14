/** Functions that make the zod schemas of algorithms' options. Option values may be texts, because users type them. */
import { z } from 'zod'

/**
 * Converts the text of an option to a number. Unlike `Number(text)`, it makes NaN of a blank text, not 0. A value that
 * is not a text passes unchanged.
 */
const numberOf = (value: unknown) =>
  typeof value === 'string' ? (value.trim() === '' ? Number.NaN : Number(value)) : value

const numberAtLeast = (least: number) => z.preprocess(numberOf, z.number().min(least))
const integerAtLeast = (least: number) => z.preprocess(numberOf, z.number().int().min(least))

/** Makes the zod schema of an option that is a finite number of at least `least`. */
export function number(defaultValue: number, description: string, least = Number.NEGATIVE_INFINITY) {
  return numberAtLeast(least).default(defaultValue).describe(description)
}

/** Makes the zod schema of an option that is a number from 0 to 1. */
export function fraction(defaultValue: number, description: string) {
  return z.preprocess(numberOf, z.number().min(0).max(1)).default(defaultValue).describe(description)
}

/**
 * Makes the zod schema of an option that is at least 0 and below 1, such as the decay of a moving average or a rate at
 * which something is dropped.
 */
export function decay(defaultValue: number, description: string) {
  return z.preprocess(numberOf, z.number().min(0).lt(1)).default(defaultValue).describe(description)
}

/** Makes the zod schema of an option that is an integer of at least `least`. */
export function count(defaultValue: number, description: string, least = 1) {
  return integerAtLeast(least).default(defaultValue).describe(description)
}

/** Makes the zod schema of a Boolean option; the texts `true` and `false` are accepted, too. */
export function flag(defaultValue: boolean, description: string) {
  return z.union([z.boolean(), z.stringbool()]).default(defaultValue).describe(description)
}

/** Makes the zod schema of an option whose value is one of a fixed list of names. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  defaultValue: Words[number],
  description: string,
) {
  return z
    .enum(words)
    .default(defaultValue as never)
    .describe(description)
}

/** Makes the zod schema of an option that may be absent, and whose value is one of a fixed list of names. */
export function optionalChoice<const Words extends readonly [string, ...string[]]>(words: Words, description: string) {
  return z.enum(words).optional().describe(description)
}

/** Converts the value of a list option to a list: the parts of a text between commas, or a single number. */
function listOf(value: unknown): unknown {
  if (typeof value === 'string') return value.split(',')
  return typeof value === 'number' ? [value] : value
}

/**
 * Makes the zod schema of an option that may be absent: a list of positive integers, in a text separated by commas, or
 * one number.
 */
export function list(description: string) {
  return z.preprocess(listOf, z.array(integerAtLeast(1)).min(1).optional()).describe(description)
}

/**
 * Makes the zod schema of an option that is a list of numbers from 0 to below 1, in a text separated by commas, or one
 * number.
 */
export function fractions(defaultValue: readonly number[], description: string) {
  const one = z.preprocess(numberOf, z.number().min(0).lt(1))
  return z
    .preprocess(listOf, z.array(one).min(1))
    .default([...defaultValue])
    .describe(description)
}

/** Makes the zod schema of an option that may be absent: an integer of at least `least`. */
export function optionalCount(description: string, least = 1) {
  return integerAtLeast(least).optional().describe(description)
}

/** Makes the zod schema of an option that may be absent: a finite number of at least `least`. */
export function optionalNumber(description: string, least: number) {
  return numberAtLeast(least).optional().describe(description)
}

/**
 * Rejects dependent options that are set while the option they depend on is off, as `freeze` without
 * `progressive=true`.
 * @param isOn tells from all options whether the option they depend on is on
 * @param remedy text of the option that switches it on, for the error message
 */
export function dependentOptions<Options extends z.ZodObject>(
  options: Options,
  dependents: readonly string[],
  isOn: (given: Readonly<Record<string, unknown>>) => boolean,
  remedy: string,
): Options {
  const byDefault = (name: string) => (options.shape[name] as z.ZodType).parse(undefined)
  return options.superRefine((given: Readonly<Record<string, unknown>>, context) => {
    const idle = isOn(given) ? [] : dependents.filter((name) => given[name] !== byDefault(name))
    for (const name of idle) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: `does nothing here; add ${remedy}, or leave it out`,
      })
    }
  })
}

/** The schema of an algorithm that has no options. */
export const noOptions = z.strictObject({})
