/** What a search cost, in the unit of what it ran on. */
import type { SearchTime } from '../../core/result.ts'

/** GPU days, as the papers count, are said of a GPU alone; of several cores only the time is known. */
const UNITS = {
  gpu: { name: 'GPU days', seconds: 86_400 },
  'one core': { name: 'core hours', seconds: 3600 },
  cpu: { name: 'hours', seconds: 3600 },
} as const satisfies Record<SearchTime['device'], { readonly name: string; readonly seconds: number }>

/** Mean over the searches, as `0.4 GPU days`; undefined where there are none, or on devices that cannot be added up. */
export function searchCost(searches: readonly SearchTime[]): string | undefined {
  const [device, ...others] = new Set(searches.map((search) => search.device))
  if (device === undefined || others.length > 0) return undefined
  const mean = searches.reduce((sum, { seconds }) => sum + seconds, 0) / searches.length
  const value = mean / UNITS[device].seconds
  return `${value < 100 ? value.toPrecision(2) : value.toFixed(0)} ${UNITS[device].name}`
}
