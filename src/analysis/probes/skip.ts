/**
 * Probe of the number of skip connections in the derived architecture: a large number is the symptom of DARTS' collapse
 * (Zela et al., ICLR 2020).
 */
import { z } from 'zod'
import { defineProbe, every } from './definition.ts'

export interface SkipRecord {
  readonly skipConnections: number
}

const options = z.object({ every: every(1) })

export const skipProbe = defineProbe({
  name: 'skip',
  description: 'number of skip connections in the derived architecture',
  options,
  async measure(search, { space }): Promise<SkipRecord> {
    return skipRecord(space.format(search.genotype()))
  },
})

/** Returns what the probe records of an architecture string. */
export const skipRecord = (architecture: string): SkipRecord => ({
  skipConnections: countSkips(architecture),
})

/** Returns the number of skip connections in an architecture string. */
export const countSkips = (architecture: string): number => architecture.match(/\bskip_connect\b/g)?.length ?? 0
