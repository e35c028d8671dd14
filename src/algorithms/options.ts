/** Schemas of the kinds of options that algorithms have. Values may come as text, from the command line. */
import { z } from 'zod'

/** The number that a text stands for; unlike in JavaScript, nothing at all is none, and neither is true or false. */
const numberOf = (value: unknown) =>
  typeof value === 'string' ? (value.trim() === '' ? Number.NaN : Number(value)) : value

const number = (least: number) => z.preprocess(numberOf, z.number().min(least))
const integer = (least: number) => z.preprocess(numberOf, z.number().int().min(least))

/** A finite number, at least `least` where given. */
export function real(defaultValue: number, description: string, least = Number.NEGATIVE_INFINITY) {
  return number(least).default(defaultValue).describe(description)
}

/** A number from 0 to 1. */
export function share(defaultValue: number, description: string) {
  return z.preprocess(numberOf, z.number().min(0).max(1)).default(defaultValue).describe(description)
}

/** Of a moving average: from 0, which remembers nothing, to below 1, which would never learn. */
export function decay(defaultValue: number, description: string) {
  return z.preprocess(numberOf, z.number().min(0).lt(1)).default(defaultValue).describe(description)
}

/** An integer of at least `least`. */
export function count(defaultValue: number, description: string, least = 1) {
  return integer(least).default(defaultValue).describe(description)
}

/** true or false, also as text. */
export function flag(defaultValue: boolean, description: string) {
  return z.union([z.boolean(), z.stringbool()]).default(defaultValue).describe(description)
}

/** One of a few words. */
export function word<const Words extends readonly [string, ...string[]]>(
  words: Words,
  defaultValue: Words[number],
  description: string,
) {
  return z
    .enum(words)
    .default(defaultValue as never)
    .describe(description)
}

/** One of a few words; absent where not given. */
export function optionalWord<const Words extends readonly [string, ...string[]]>(words: Words, description: string) {
  return z.enum(words).optional().describe(description)
}

/** Positive integers, as text joined by commas; absent where not given. */
export function list(description: string) {
  const split = (value: unknown) => (typeof value === 'string' ? value.split(',') : value)
  return z.preprocess(split, z.array(integer(1)).min(1).optional()).describe(description)
}

/** An integer of at least `least`; absent where not given. */
export function optionalCount(description: string, least = 1) {
  return integer(least).optional().describe(description)
}

/** A number of at least `least`; absent where not given. */
export function optionalReal(description: string, least: number) {
  return number(least).optional().describe(description)
}

/**
 * The same options, refusing details that are given, otherwise than by default, and would do nothing because what they are
 * details of is off.
 * @param isOn by all options; @param remedy what switches it on, as `progressive=true`
 */
export function detailed<Options extends z.ZodObject>(
  options: Options,
  details: readonly string[],
  isOn: (given: Readonly<Record<string, unknown>>) => boolean,
  remedy: string,
): Options {
  const byDefault = (detail: string) => (options.shape[detail] as z.ZodType).parse(undefined)
  return options.superRefine((given: Readonly<Record<string, unknown>>, context) => {
    const idle = isOn(given) ? [] : details.filter((detail) => given[detail] !== byDefault(detail))
    for (const detail of idle) {
      context.addIssue({
        code: 'custom',
        path: [detail],
        message: `does nothing here; add ${remedy}, or leave it out`,
      })
    }
  })
}

/** An algorithm without options. */
export const none = z.strictObject({})
