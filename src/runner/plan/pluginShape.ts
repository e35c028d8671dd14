/** Whether what a file exports is a plugin: its author may have had no type checker. */
import { z } from 'zod'

const name = z.string().regex(/^[\p{L}\p{N}._-]+$/u, 'expected letters, digits, hyphens and no spaces')

const isFunction = (value: unknown) => typeof value === 'function'
const method = z.custom(isFunction, 'expected a function')

/** What `bench run` and `bench list` need before they can ask an algorithm anything. */
const algorithm = z.object({
  name,
  version: z.int(),
  description: z.string(),
  source: z.string(),
  kind: z.enum(['supernet', 'black-box', 'reference']),
  spaces: z.array(z.string()).optional(),
  options: z.custom(
    (value) => isFunction((value as z.ZodType | null)?.safeParse),
    'expected a schema, as z.strictObject({})',
  ),
  search: method,
})

const space = z.object({ name, edges: z.array(z.unknown()), parse: method, format: method })

const plugin = z
  .object({ name: z.string(), algorithms: z.array(algorithm).optional(), spaces: z.array(space).optional() })
  .refine(({ algorithms, spaces }) => algorithms ?? spaces, 'it has neither algorithms nor spaces')

/** What keeps a value from being a plugin, in words; undefined where it is one. */
export function pluginProblem(value: unknown): string | undefined {
  const { error } = plugin.safeParse(value)
  if (error === undefined) return undefined
  const [{ path, message }] = error.issues
  return [path.map(String).join('.'), message].filter((part) => part !== '').join(': ')
}
