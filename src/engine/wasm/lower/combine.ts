/**
 * A node: Σ_t c_t·norm_t(value_t). Forward: the moments of each normalised term, its scale and shift, then one pass over
 * all terms. Back, with g = ∂L/∂output, one pass gives Σ g and each term's Σ g·(value − μ); from these follow ∂L/∂c, and
 * for a normalised term the gradient wrt its value (`differentiate` in kernels/norm.ts). A plain term gets c·g.
 */
import type { Of } from '../../graph/graph.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { Backward } from '../../plan/rules.ts'
import type { When } from '../plan/program.ts'
import type { Context } from './context.ts'
import { NormTerm } from './terms/normTerm.ts'
import { PlainTerm } from './terms/plainTerm.ts'
import type { TermEmitter } from './terms/term.ts'

export function lowerCombine(context: Context, { terms, output }: Of<'combine'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { pixelsPerSample, channels } = context.extent(output)
  const emitters = terms.map((term, part): TermEmitter => {
    const slot = context.termSlot(index, part)
    const own = context.activity.partCondition(index, part)
    const { norm } = term
    return norm === null ? new PlainTerm(context, term, slot, own) : new NormTerm(context, { ...term, norm }, slot, own)
  })
  for (const emitter of emitters) emitter.prepare()
  const rows = program.table(emitters.flatMap((emitter) => emitter.row))
  for (const { value } of terms) program.touch(context.value(value))
  program.emit(
    'combine',
    { terms: rows, count: terms.length, output: context.value(output), pixelsPerSample, channels },
    { condition },
  )
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient === undefined) return
    const gradientSums = program.reserve(channels * 8)
    projectOn(emitters, gradient, gradientSums)
    for (const emitter of emitters) emitter.backward(gradient, gradientSums)
  }

  /** Plain terms are projected on only where the gradient wrt the coefficients is wanted. */
  function projectOn(all: readonly TermEmitter[], gradient: Temporary, gradientSums: number): void {
    const normalised = all.filter(({ projected }) => projected === 'always')
    const wanted = all.filter(({ projected }) => projected !== 'never')
    if (wanted.length > normalised.length) {
      emitProjection(wanted, gradient, gradientSums, 'coefficients')
      emitProjection(normalised, gradient, gradientSums, 'no-coefficients')
    } else {
      emitProjection(normalised, gradient, gradientSums, 'always')
    }
  }

  function emitProjection(
    projected: readonly TermEmitter[],
    gradient: Temporary,
    gradientSums: number,
    when: When,
  ): void {
    if (projected.length === 0) return
    const table = program.table(projected.flatMap((emitter) => emitter.projection))
    for (const { value } of projected) program.touch(value)
    const count = projected.length
    const rows = context.chunkRows(output, (1 + count) * channels, `projections on value ${output}`)
    const common = { terms: table, count, pixelsPerSample, channels, rows }
    program.emit('project', { gradient, ...common }, { condition, when })
    program.emit('addProjections', { ...common, gradientSums }, { condition, when })
  }
}
