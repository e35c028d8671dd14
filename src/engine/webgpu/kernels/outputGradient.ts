/**
 * The gradient wrt a filter's output, as the kernels of the way back read it: from where it is stored, or, where a
 * normalised term alone reads the output y, made on the way from g, the gradient wrt the term's node:
 *
 *   slope·g + curve·y + offset    (see `differentiate` in `norm.ts`).
 */
import type { Access } from '../device/kernel.ts'
import { ROWS } from './term.ts'

export interface OutputGradient {
  readonly buffers: Readonly<Record<string, Access>>
  /** WGSL: `formOf(window, quad)`, then `gradientOf(window, form, pixel, quad)`. */
  readonly code: string
}

/** How many storage buffers a kernel of the way back names at most beside the gradientSources' gradients. */
export const SOURCE_BINDINGS = 7

const row = (name: (typeof ROWS)[number]) => `vectors[window.norm + ${ROWS.indexOf(name)}u * window.quads + quad]`

/** @param gradientSources nodes whose gradients are bound; 0 where the gradients wrt the outputs are stored */
export function outputGradient(gradientSources: number): OutputGradient {
  if (gradientSources === 0) {
    return {
      buffers: { gradients: 'read vec4f' },
      code: `
alias Form = u32;
fn formOf(window: Filter, quad: u32) -> Form { return window.plane + quad; }
fn gradientOf(window: Filter, form: Form, pixel: u32, quad: u32) -> vec4f {
  return gradients[form + pixel * window.quads];
}`,
    }
  }
  const names = Array.from({ length: gradientSources }, (_, j) => `gradient${j}`)
  return {
    buffers: {
      ...({ vectors: 'read vec4f', outputs: 'read vec4f' } as const),
      ...Object.fromEntries(names.map((name) => [name, 'read vec4f' as const])),
    },
    code: `
struct Form { slope: vec4f, curve: vec4f, offset: vec4f }
fn formOf(window: Filter, quad: u32) -> Form { return Form(${row('slope')}, ${row('curve')}, ${row('offset')}); }
fn gradientOf(window: Filter, form: Form, pixel: u32, quad: u32) -> vec4f {
  let at = pixel * window.quads + quad;
  return form.slope * sourceGradientAt(window.gradientSource, window.gradientSourceOffset + at) + form.curve * outputs[window.plane + at] + form.offset;
}
fn sourceGradientAt(gradientSource: u32, at: u32) -> vec4f {
  switch gradientSource {
    ${names.map((name, j) => `case ${j}u: { return ${name}[at]; }`).join('\n')}
    default: { return vec4f(); }
  }
}`,
  }
}
