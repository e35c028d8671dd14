/**
 * Probe of the Hessian of the loss with respect to the architecture parameters, on one fixed batch (Zela et al., ICLR
 * 2020; DrNAS, Figures 4 and 5). Departures from RobustDARTS' code: the batch is the same at every epoch, batch-norm
 * statistics are not updated, and the weight decay of the architecture optimiser, which there adds 1e-3 to every
 * eigenvalue, is left out.
 */
import { z } from 'zod'
import type { RelaxedSearch } from '../../core/algorithm.ts'
import type { ProbeContext } from '../../core/probe.ts'
import { architectureGradient } from '../architectureGradient.ts'
import { defaultStep, fullSpectrum, hessian, hessianProduct, lanczosSpectrum, type Spectrum } from '../hessian.ts'
import { defineProbe, every } from './definition.ts'

/**
 * Largest number of architecture parameters for which mode `auto` computes the whole Hessian (NAS-Bench-201 has 30
 * parameters, DARTS 224).
 */
const FULL_UP_TO = 64

export interface HessianRecord extends Spectrum {
  readonly mode: 'full' | 'lanczos'
  readonly loss: 'val' | 'train'
  /**
   * How a stochastic relaxation was evaluated. `mean`: at its mean; `N draws`: averaged over N draws of mixing weights.
   */
  readonly at: 'mean' | `${number} draws`
}

const options = z.object({
  every: every(2),
  mode: z.enum(['auto', 'full', 'lanczos']).default('auto'),
  loss: z.enum(['val', 'train']).default('val'),
  samples: z.coerce.number().int().min(0).default(0),
  step: z.coerce.number().positive().default(defaultStep),
})

export const hessianProbe = defineProbe({
  name: 'hessian',
  description: 'eigenvalues of the Hessian of the loss wrt the architecture parameters',
  options,
  async measure({ relaxed }, context, { mode: wanted, loss, samples, step }): Promise<HessianRecord | undefined> {
    if (relaxed === undefined) return undefined
    const at = relaxed.parameters().flat()
    const mode = wanted === 'auto' ? (at.length <= FULL_UP_TO ? 'full' : 'lanczos') : wanted
    const draws = relaxed.relaxation.stochastic ? samples : 0
    const { gradient, dispose } = await lossGradient(relaxed, context, loss, draws)
    const spectrum =
      mode === 'full'
        ? fullSpectrum(await hessian(gradient, at, step))
        : await lanczosSpectrum(hessianProduct(gradient, at, step), at.length, context.random('lanczos'))
    dispose()
    return { mode, loss, at: draws === 0 ? 'mean' : `${draws} draws`, ...spectrum }
  },
})

async function lossGradient(relaxed: RelaxedSearch, context: ProbeContext, loss: 'val' | 'train', draws: number) {
  const data = await context.data()
  const batch = await (loss === 'val' ? data.validation : data.weights).batch(0)
  const streams = Array.from({ length: draws }, (_, draw) => () => context.random('draw', draw))
  return architectureGradient(relaxed, batch, streams)
}
