/**
 * Runs search methods that are external programs, in any language, as algorithms: `bench run --algo ./my_method.py`.
 */
import { extname, isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { type Algorithm, defineAlgorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { definePlugin, type PluginLoader } from '../../core/plugin.ts'
import { FILE_ENDINGS, PROGRAM_ENDINGS } from '../../system/plugins.ts'
import { statIfThere } from '../../system/readable.ts'
import { evaluations } from '../shared/blackBox.ts'
import { type ExternalMethod, optionSchema, readMethod } from './declaration.ts'
import { externalSearch } from './search.ts'

/** Loads plugins that are programs or method files (YAML); each has one algorithm. */
export const programLoader: PluginLoader = {
  accepts(source) {
    if (PROGRAM_ENDINGS.has(extname(source))) return true
    const isPath = /[/\\]/.test(source) || isAbsolute(source)
    return isPath && !FILE_ENDINGS.has(extname(source)) && statIfThere(resolve(source))?.isFile() === true
  },
  async load(source) {
    const method = await readMethod(source)
    const { name } = method.declared
    return { plugin: definePlugin({ name, algorithms: [algorithmOf(method, source)] }), origin: method.origin }
  },
}

function algorithmOf(method: ExternalMethod, path: string): Algorithm {
  const { name, version, kind, description, source, spaces, options } = method.declared
  if (kind === 'black-box' && Object.hasOwn(options, 'evaluations')) {
    const remedy = 'every black-box method has it; read the limit from the message start'
    throw new BenchError('bad-input', `${path}: the option evaluations is not its own: ${remedy}`)
  }
  const schema = optionSchema(options, path)
  const isBlackBox = kind === 'black-box'
  return defineAlgorithm({
    ...{ name, version },
    description: description || `Program ${path}`,
    source: source || 'unpublished',
    kind: isBlackBox ? 'black-box' : 'supernet',
    ...(spaces && { spaces }),
    program: {
      ...(method.interpreter !== undefined && { interpreter: method.interpreter }),
      async afterClosedInput(context, given) {
        const search = await externalSearch(method, context, given as Readonly<Record<string, unknown>>)
        return search.afterClosedInput()
      },
    },
    options: z.strictObject({ ...schema, ...(isBlackBox && { evaluations }) }),
    check(planned) {
      if (isBlackBox) planned.fidelities()
    },
    search: (context, given) => externalSearch(method, context, given as Readonly<Record<string, unknown>>),
  }) as Algorithm
}
