/** Weights of the classes in the training loss, as users state them: by a rule, or one weight for each class. */
import { BenchError } from './errors.ts'
import { requireOnce, unknownName } from './names.ts'

/**
 * How the classes are weighted in the training loss. `balanced`: by their numbers of images, so that every class counts
 * alike. A record: the weight of each class by its name. `none`: each image counts alike.
 */
export type ClassWeighting = 'none' | 'balanced' | StatedClassWeights

/** Weight of each class by its name. Only the ratios matter, since the loss is a weighted mean. */
export type StatedClassWeights = Readonly<Record<string, number>>

/** Range of stated weights. Beyond it, single-precision gradients of the other classes would be lost. */
export const CLASS_WEIGHT_RANGE = { least: 1e-6, most: 1e6 } as const

/** A pair of a list: a name, which may contain the separators, and a number after the last of them. */
const PAIR = /(.+?)[=:]([^=:,+]*)(?:[,+]|$)/gs

/**
 * Parses class weights: `none`, `balanced`, or a weight for each class as `cat=2,dog=0.5`. Where commas and equals signs
 * have another meaning, as within `--evaluate` and `--protocol`, the same is written `cat:2+dog:0.5`.
 * @throws BenchError `bad-input` for another text or a weight out of range
 */
export function parseClassWeights(text: string): ClassWeighting {
  if (text === 'none' || text === 'balanced') return text
  const pairs = [...text.matchAll(PAIR)]
  const isWhole = pairs.map(([whole]) => whole).join('') === text && !/[,+]$/.test(text)
  if (pairs.length === 0 || !isWhole) {
    const expected = 'expected balanced, none, or a weight for each class, as cat=2,dog=0.5'
    throw new BenchError('bad-input', `class weights "${text}": ${expected}`)
  }
  return stateClassWeights(
    pairs.map(([, name, number]) => [name.trim(), number.trim() === '' ? Number.NaN : Number(number)]),
  )
}

/** Returns the weights of classes by name. @throws BenchError `bad-input` for a name twice or a weight out of range */
export function stateClassWeights(pairs: readonly (readonly [name: string, weight: number])[]): StatedClassWeights {
  requireOnce(
    pairs.map(([name]) => name),
    'class weights',
  )
  const { least, most } = CLASS_WEIGHT_RANGE
  const outside = pairs.find(([, weight]) => !(weight >= least && weight <= most))
  if (outside === undefined) return Object.fromEntries(pairs)
  const [name, weight] = outside
  const found = Number.isNaN(weight) ? 'is no number' : `is ${weight}`
  const problem = `the weight of class "${name}" ${found}; expected a number from ${least} to ${most}`
  throw new BenchError('bad-input', `class weights: ${problem}`)
}

/** Whether class weights are stated by name, and not by a rule. */
export const areStated = (weighting: ClassWeighting | undefined): weighting is StatedClassWeights =>
  typeof weighting === 'object'

/** Returns the text of class weights that options within other options take: `balanced`, or `cat:2+dog:0.5`. */
export const classWeightsText = (weighting: ClassWeighting): string =>
  areStated(weighting)
    ? Object.entries(weighting)
        .map(([name, weight]) => `${name}:${weight}`)
        .join('+')
    : weighting

/**
 * Returns stated weights in the order of the classes.
 * @throws BenchError `unknown-name` for a weight of no class, `bad-input` for a class without weight
 */
export function orderedClassWeights(stated: StatedClassWeights, classNames: readonly string[]): readonly number[] {
  const unknown = Object.keys(stated).find((name) => !classNames.includes(name))
  if (unknown !== undefined) throw unknownName('class in the class weights:', unknown, classNames)
  const missing = classNames.filter((name) => !Object.hasOwn(stated, name))
  if (missing.length === 0) return classNames.map((name) => stated[name])
  const [first] = missing
  const others = missing.length === 1 ? '' : ` and ${missing.length - 1} more`
  throw new BenchError('bad-input', `class weights: no weight for class "${first}"${others}; state one for each class`)
}

/** Checks that stated weights fit the classes of the images. @throws BenchError as `orderedClassWeights` */
export function requireFittingWeights(weighting: ClassWeighting | undefined, classNames: readonly string[]): void {
  if (areStated(weighting)) orderedClassWeights(weighting, classNames)
}
