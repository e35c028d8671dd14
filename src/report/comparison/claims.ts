/**
 * Compares runs with claims of papers. A file of claims states for each claim its place in a paper and a rule, written
 * before the runs, for when the claim holds. The verdict of each rule is computed from the records of the runs.
 */
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type Interval, summarise } from '../../analysis/statistics/summary.ts'
import { unknownName } from '../../core/names.ts'
import { pluralize } from '../../core/plainText.ts'
import { groupBy } from '../../system/groupBy.ts'
import { readYaml } from '../../system/yamlFile.ts'
import { type Tabular, wordTable } from '../formats/tabular.ts'
import { groupByMethod, type Method, networkOf, oneRunPerSeed } from '../methods.ts'
import { datasetOf, type RunRecord } from '../runRecord.ts'
import { isUnder, methodOf, methodSchema, nameOf, type Selector, selected } from './claimedMethod.ts'
import { datasetTitle } from './comparison.ts'
import { type Measure, type MeasureName, measures } from './measures.ts'
import { reductionsOf } from './published.ts'

const ruleSchema = z
  .strictObject({
    measure: z.enum(Object.keys(measures) as [MeasureName, ...MeasureName[]]).optional(),
    of: methodSchema,
    /** Dataset whose test accuracy the rule tests; absent: the dataset that the method searched on. */
    dataset: z.string().optional(),
    /** The mean of the measure must lie between these two values. */
    within: z.tuple([z.number(), z.number()]).optional(),
    below: z.number().optional(),
    above: z.number().optional(),
    /** Method that must have a smaller mean of the measure; `others`: every search by another algorithm. */
    exceeds: methodSchema.optional(),
    /**
     * Difference (for eigenvalues: ratio) by which the mean of the measure must exceed that of the method in `exceeds`.
     */
    by: z.number().optional(),
    /** The measure must be at least this value in a fraction `inShareOfSeeds` of the seeds. */
    reaches: z.number().optional(),
    inShareOfSeeds: z.number().gt(0).max(1).optional(),
    /** Whether all seeds must end with the same architecture. */
    sameArchitecture: z.literal(true).optional(),
    /**
     * Number of standard errors by which the mean must exceed the other method's mean, or clear a bound such as
     * `above`.
     */
    standardErrors: z.number().positive().default(2),
    /** Smallest number of finished seeds of each method; with fewer seeds the claim is not judged. */
    seeds: z.int().min(2).default(3),
    /** Whether only searches and trainings as large as the paper's can judge the claim. */
    paperSize: z.boolean().default(false),
  })
  .refine((rule) => tests.filter((test) => rule[test] !== undefined).length === 1, {
    error: `expected exactly one of within, below, above, exceeds, reaches and sameArchitecture`,
  })
  .refine(({ measure, sameArchitecture }) => (measure === undefined) === (sameArchitecture === true), {
    error: 'expected a measure, or sameArchitecture without one',
  })
  .refine(({ reaches, inShareOfSeeds }) => (reaches === undefined) === (inShareOfSeeds === undefined), {
    error: 'reaches and inShareOfSeeds belong together',
  })
  .refine(({ exceeds, by }) => by === undefined || exceeds !== undefined, { error: 'by belongs to exceeds' })

const tests = ['within', 'below', 'above', 'exceeds', 'reaches', 'sameArchitecture'] as const

/** Schema of a file of claims, and of the claims in a report's settings. */
export const claimsSchema = z.strictObject({
  /** When the rules were written, such as `before the runs`; printed in the note below the table of claims. */
  rulesWritten: z.string(),
  claims: z
    .array(z.strictObject({ claim: z.string(), source: z.string(), rule: ruleSchema, note: z.string().optional() }))
    .min(1),
})

export type Claims = z.infer<typeof claimsSchema>
type Rule = z.infer<typeof ruleSchema>

/** A file of claims that comes with the package, for messages. */
const EXAMPLE = fileURLToPath(new URL('../../../configs/claims/nb201-laptop.yaml', import.meta.url))

/**
 * Reads the claims in a YAML file.
 * @param algorithms names of the known algorithms
 * @throws BenchError `missing`; `bad-input` and `unknown-name` with the faulty place in the file
 */
export function readClaims(path: string, algorithms: readonly string[]): Claims {
  const { data } = readYaml(path, { what: 'file of claims', schema: claimsSchema, example: EXAMPLE })
  for (const { rule } of data.claims) {
    for (const method of [rule.of, ...(rule.exceeds === undefined || rule.exceeds === OTHERS ? [] : [rule.exceeds])]) {
      const { algorithm } = selected(method)
      if (!algorithms.includes(algorithm)) throw unknownName(`algorithm in ${path}:`, algorithm, algorithms)
    }
  }
  return data
}

const OTHERS = 'others'

type Verdict = 'holds' | 'does not hold' | 'cannot be judged'

interface Judgement {
  readonly verdict: Verdict
  /** What the runs show about the claim, or why they cannot judge it. */
  readonly here: string
}

/**
 * Returns the table of claims: each claim, its place in a paper, what the runs show, the verdict, and the rule of the
 * verdict.
 * @param references names of the algorithms with a fixed architecture, which are not among the `others` of a rule
 */
export function claimsTable(
  runs: readonly RunRecord[],
  { claims, rulesWritten }: Claims,
  references: ReadonlySet<string>,
): Tabular {
  const methods = groupByMethod(runs).map(oneRunPerSeed).flatMap(byDataset)
  const rows = claims.map(({ claim, source, rule, note }) => {
    const { verdict, here } = judge(rule, methods, references)
    return [claim, source, here, verdict, note === undefined ? ruleText(rule) : `${ruleText(rule)} ${note}`]
  })
  const of = (verdict: Verdict) => rows.filter((row) => row[3] === verdict).length
  const table = wordTable(['claim', 'source', 'here', 'verdict', 'rule'], rows, [
    `Claims that hold: ${of('holds')} of ${claims.length}; that do not hold: ${of('does not hold')}; that these runs cannot judge: ${of('cannot be judged')}.`,
    `Rules written ${rulesWritten}. Intervals are means ± the number of standard errors over seeds that the rule names; those of eigenvalues are of their logarithms.`,
  ])
  const titles = ['Claim', 'Where in the paper', 'Here', 'Verdict', 'Rule of the verdict']
  return { ...table, columns: table.columns.map((column, i) => ({ ...column, title: titles[i] })) }
}

/** Returns the runs of a method on each dataset as a method of its own, named by the dataset if there are several. */
function byDataset(method: Method): readonly Method[] {
  const groups = groupBy(method.runs, datasetOf)
  if (groups.size === 1) return [method]
  return [...groups].map(([dataset, runs]) => ({
    ...method,
    runs,
    label: `${method.label} on ${datasetTitle(dataset)}`,
  }))
}

function judge(rule: Rule, methods: readonly Method[], references: ReadonlySet<string>): Judgement {
  const own = methodOf(rule.of, methods)
  if (own === undefined) return unjudged(`${NO_RUN}${nameOf(rule.of)}`)
  const rivals = rule.exceeds === undefined ? [] : rivalsOf(rule.of, rule.exceeds, own, methods, references)
  const { verdict, here } = judgeMethod(rule, own, rivals)
  const compared = typeof rivals === 'string' ? [own] : [own, ...rivals]
  const reductions = rule.paperSize ? reductionsOf(compared.flatMap(({ runs }) => runs)) : []
  return reductions.length === 0 ? { verdict, here } : unjudged(`${here}; ${SMALLER}${reductions.join('; ')}`)
}

function judgeMethod(rule: Rule, own: Method, rivals: readonly Method[] | string): Judgement {
  if (rule.measure === undefined) return judgeSame(own, rule.seeds)
  const sample = sampleOf(own, rule, rule.measure)
  if (typeof sample === 'string') return unjudged(sample)
  return rule.exceeds === undefined ? judgeValues(rule, sample) : judgeDifference(rule, sample, rivals)
}

const unjudged = (why: string): Judgement => ({ verdict: 'cannot be judged', here: why })

const NO_RUN = 'no run of '
const SMALLER = 'smaller than there: '
const TOO_FEW = 'seeds that the rule needs'
const UNMEASURED = 'without this measure'

/** Returns why a claim is open, in two or three words, from what the table of claims says about the runs. */
export function whyOpen(here: string): 'not run yet' | 'not measured' | 'not at this size' | 'undecided' {
  if (here.includes(UNMEASURED)) return 'not measured'
  if (here.startsWith(NO_RUN) || here.includes(TOO_FEW)) return 'not run yet'
  return here.includes(SMALLER) ? 'not at this size' : 'undecided'
}

interface Sample {
  readonly label: string
  readonly measure: Measure
  readonly values: readonly number[]
}

const finished = ({ runs }: Method) => runs.filter(({ result }) => result !== undefined)

/**
 * Returns a method's values of a measure, one for each finished seed, or a sentence that says why they cannot be
 * judged.
 */
function sampleOf(method: Method, { dataset, seeds }: Rule, name: MeasureName): Sample | string {
  const measure: Measure = measures[name]
  const done = finished(method)
  const values = done.flatMap((run) => measure.of(run, dataset) ?? [])
  const { label } = method
  const odd = values.find((value) => !Number.isFinite(value) || (measure.ratio && value <= 0))
  if (odd !== undefined) return `${label}: a value of ${odd} has no place in this rule`
  if (values.length >= seeds) return { label, measure, values }
  const unmeasured = done.length - values.length
  const why = unmeasured > 0 ? `; ${pluralize(unmeasured, 'finished seed')} ${UNMEASURED}` : ''
  return tooFew(label, values.length, seeds) + why
}

/**
 * Judges the claim that all seeds found the same architecture. Even if seeds are missing, two different architectures
 * refute it.
 */
function judgeSame(method: Method, seeds: number): Judgement {
  const runs = finished(method)
  const found = new Set(runs.map(networkOf)).size
  if (found <= 1 && runs.length < seeds) return unjudged(tooFew(method.label, runs.length, seeds))
  return {
    verdict: found === 1 ? 'holds' : 'does not hold',
    here: `${found === 1 ? 'one architecture' : `${found} architectures`} from ${runs.length} seeds`,
  }
}

const tooFew = (label: string, found: number, seeds: number): string => `${label}: ${found} of the ${seeds} ${TOO_FEW}`

/** A mean over seeds with its interval. If the measure is compared by ratio, all are of the values' logarithms. */
interface Estimate extends Interval {
  readonly mean: number
}

const scaled = ({ measure, values }: Sample) => (measure.ratio ? values.map(Math.log) : values)
const back = (value: number, { ratio }: Measure): number => (ratio ? Math.exp(value) : value)

function estimate(mean: number, standardError: number, { standardErrors }: Rule): Estimate {
  const half = standardErrors * standardError
  return { mean, low: mean - half, high: mean + half }
}

const squaredError = (values: readonly number[]): number => (summarise(values).std ?? 0) ** 2 / values.length

/** Number of significant digits of values that are compared by ratio. */
const SIGNIFICANT = 3

/** Returns a value of a measure as text: with the measure's decimals, or with three significant digits. */
function valueText(value: number, { digits, ratio }: Measure): string {
  if (!ratio) return value.toFixed(digits)
  const rounded = value.toPrecision(SIGNIFICANT)
  const power = Math.floor(Math.log10(Math.abs(Number(rounded))))
  // Very small and very large values stay in powers of ten.
  return Math.abs(power) > 4 ? rounded : value.toFixed(Math.max(0, SIGNIFICANT - 1 - power))
}

function estimateText(value: Estimate, measure: Measure): string {
  const [mean, low, high] = [value.mean, value.low, value.high].map((part) => valueText(back(part, measure), measure))
  return `${mean}${measure.unit} [${low}, ${high}]`
}

function judgeValues(rule: Rule, sample: Sample): Judgement {
  const { measure, values } = sample
  if (rule.reaches !== undefined && rule.inShareOfSeeds !== undefined) {
    const { reaches } = rule
    const count = values.filter((value) => value >= reaches).length
    const isWhole = values.every(Number.isInteger)
    const shown = values.map((value) => (isWhole ? String(value) : valueText(value, measure)))
    return {
      verdict: count >= rule.inShareOfSeeds * values.length ? 'holds' : 'does not hold',
      here: `${count} of ${values.length} seeds (${shown.join(', ')})`,
    }
  }
  const own = scaled(sample)
  const found = estimate(summarise(own).mean, Math.sqrt(squaredError(own)), rule)
  // Ratios are compared by their logarithms, and have no value below 0.
  const [low, high] = bounds(rule).map((bound) => (measure.ratio ? Math.log(Math.max(bound, 0)) : bound))
  const inside = found.low > low && found.high < high
  const outside = found.high <= low || found.low >= high
  return {
    verdict: inside ? 'holds' : outside ? 'does not hold' : 'cannot be judged',
    here: `${estimateText(withinLimits(found, measure), measure)}, ${values.length} seeds`,
  }
}

/** Returns an estimate whose interval ends where the values of its measure end, since no mean lies beyond. */
const withinLimits = ({ mean, low, high }: Estimate, { limits }: Measure): Estimate =>
  limits === undefined
    ? { mean, low, high }
    : { mean, low: Math.max(low, limits.low), high: Math.min(high, limits.high) }

const bounds = ({ within, below, above }: Rule): readonly [number, number] =>
  within ?? [above ?? Number.NEGATIVE_INFINITY, below ?? Number.POSITIVE_INFINITY]

/**
 * Returns the methods that a rule's method must exceed, or a sentence that says why there is none. They are searches on
 * the same dataset, unless the rule names another. If the rule names the method's protocol, space or budget, `others`
 * have the same.
 */
function rivalsOf(
  of: Selector,
  exceeds: Selector,
  own: Method,
  methods: readonly Method[],
  references: ReadonlySet<string>,
): readonly Method[] | string {
  const searchedOn = datasetOf(own.runs[0])
  if (exceeds !== OTHERS) {
    const rival = methodOf({ searchedOn, ...selected(exceeds) }, methods)
    return rival === undefined ? `${NO_RUN}${nameOf(exceeds)}` : [rival]
  }
  const { protocol, space, budget } = selected(of)
  const rivals = methods.filter(
    ({ algorithm, runs: [{ manifest }] }) =>
      algorithm !== own.algorithm &&
      !references.has(algorithm) &&
      isUnder({ algorithm, options: {}, protocol, space, searchedOn, budget }, manifest.job),
  )
  return rivals.length === 0 ? 'no other search' : rivals
}

/**
 * Judges whether a method's mean exceeds the means of all rivals. The text for the reader shows only the rival with the
 * largest mean.
 */
function judgeDifference(rule: Rule, sample: Sample, rivals: readonly Method[] | string): Judgement {
  if (typeof rivals === 'string') return unjudged(rivals)
  const { measure } = sample
  const others = rivals.map((rival) => sampleOf(rival, rule, rule.measure ?? 'accuracy'))
  const lacking = others.find((other) => typeof other === 'string')
  if (lacking !== undefined) return unjudged(lacking)
  const margin = rule.by === undefined ? 0 : measure.ratio ? Math.log(rule.by) : rule.by
  const differences = (others as Sample[]).map((other) => {
    const [a, b] = [scaled(sample), scaled(other)]
    const error = Math.sqrt(squaredError(a) + squaredError(b))
    return { other, found: estimate(summarise(a).mean - summarise(b).mean, error, rule) }
  })
  const [nearest] = differences.toSorted((a, b) => a.found.mean - b.found.mean)
  const verdict = differences.every(({ found }) => found.low > margin)
    ? 'holds'
    : differences.some(({ found }) => found.high < margin)
      ? 'does not hold'
      : 'cannot be judged'
  const meanText = (of: Sample) =>
    `${of.label} ${valueText(back(summarise(scaled(of)).mean, measure), measure)}${measure.unit}`
  const unit = measure.ratio ? '' : (measure.differenceUnit ?? measure.unit)
  const text = estimateText(nearest.found, { ...measure, unit })
  return {
    verdict,
    here: `${meanText(sample)}, ${rivals.length > 1 ? 'nearest ' : ''}${meanText(nearest.other)}; ${measure.ratio ? 'ratio' : 'difference'} ${text}; ${sample.values.length} and ${nearest.other.values.length} seeds`,
  }
}

/** Returns a sentence for readers that says when a claim holds by its rule. */
function ruleText(rule: Rule): string {
  const { within, below, above, exceeds, by, reaches, inShareOfSeeds = 0, standardErrors, dataset } = rule
  const own = nameOf(rule.of)
  if (rule.sameArchitecture)
    return `Holds if all seeds of ${own} end with the same architecture, else does not hold. Needs ${rule.seeds} seeds.`
  const measure: Measure = measures[rule.measure ?? 'accuracy']
  const quantity = `${dataset === undefined ? '' : `${datasetTitle(dataset)} `}${measure.name}`
  const size = rule.paperSize ? ' Only runs of the paper’s size can judge it.' : ''
  const least = ` Needs ${rule.seeds} seeds.${size}`
  if (reaches !== undefined) {
    return `Holds if the ${quantity} of ${own} is ${reaches} or more in at least ${Math.round(100 * inShareOfSeeds)} % of the seeds, else does not hold.${least}`
  }
  if (exceeds !== undefined) {
    const than = exceeds === OTHERS ? 'that of every search by another algorithm' : `that of ${nameOf(exceeds)}`
    const how = by === undefined ? '' : measure.ratio ? ` ${by} times` : ` by ${by}`
    return `Holds if the mean ${quantity} of ${own} exceeds ${than}${how}, by more than ${standardErrors} standard errors of the difference; does not hold if it stays behind by more than that.${least}`
  }
  const range = within ? `between ${within.join(' and ')}` : below === undefined ? `above ${above}` : `below ${below}`
  return `Holds if the whole interval of ${standardErrors} standard errors around the mean ${quantity} of ${own} lies ${range}; does not hold if none of it does.${least}`
}
