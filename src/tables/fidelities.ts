/**
 * Trainings of several lengths that a table can answer for: whole ones, each with its own schedule, and the first epochs
 * of the shortest where the table has its curves. They cost so many epochs of training and one validation pass.
 */

import { BenchError } from '../core/errors.ts'
import type { OracleAnswer } from '../core/evaluation.ts'
import { parseQualifier } from '../core/metric.ts'
import { pluralize } from '../core/plainText.ts'
import type { Manifest, OracleRule } from './manifest.ts'
import { rulesByEpochs } from './oracles.ts'
import type { Curve } from './readCurves.ts'

export interface Fidelity {
  readonly rule: OracleRule
  /** Of the rule's training only so many epochs. */
  readonly first?: number
}

/** By epochs, ascending. @param usual what a search on the dataset is told */
export function fidelitiesOf({ columns, curves }: Manifest, usual: OracleRule): ReadonlyMap<number, Fidelity> {
  const whole = rulesByEpochs(
    usual,
    columns.map(({ name }) => name),
  )
  const { dataset, split, epochs } = parseQualifier(usual.accuracy)
  const hasCurve = Array.isArray(curves?.of) && curves.of.includes(`${dataset}/${split}/${epochs}`)
  const parts = Array.from({ length: hasCurve ? epochs - 1 : 0 }, (_, i) => i + 1)
  return new Map<number, Fidelity>([
    ...parts.map((first) => [first, { rule: partOf(usual, first), first }] as const),
    ...[...whole].map(([length, rule]) => [length, { rule }] as const),
  ])
}

/** The training's own seconds stand first in a rule; the validation pass is paid whole. */
function partOf({ accuracy, seconds: [training, ...validation] }: OracleRule, first: number): OracleRule {
  const { epochs } = parseQualifier(accuracy)
  const meaning = `${first} of ${pluralize(epochs, 'epoch')} of training`
  return { accuracy, seconds: [{ ...training, factor: (training.factor * first) / epochs, meaning }, ...validation] }
}

/** After the curve's first epochs: the mean over the seeds that the rule is over. */
export function accuracyOnCurve(
  curves: readonly Curve[],
  { accuracy }: OracleRule,
  first: number,
): OracleAnswer['accuracyPct'] {
  const told = parseQualifier(accuracy)
  const measured = curves
    .filter(({ dataset, split, epochs }) => dataset === told.dataset && split === told.split && epochs === told.epochs)
    .filter(({ seed }) => told.seed === 'mean' || seed === told.seed)
    .flatMap(({ accuracyPct }) => accuracyPct[first - 1] ?? [])
  if (measured.length > 0) return measured.reduce((sum, value) => sum + value, 0) / measured.length
  throw new BenchError(
    'missing',
    `no curve of ${accuracy} was measured after epoch ${first}, which the search asks for`,
  )
}
