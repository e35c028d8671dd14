/**
 * One colour an algorithm, the same in every figure and in both themes. Colours are Okabe and Ito's (2008), which
 * colour-blind readers tell apart, darkened where they are faint on white; dashes and markers tell the lines apart in
 * black and white.
 */

export interface Look {
  readonly colour: `#${string}`
  /** Lengths of dashes and gaps in px; empty: solid. */
  readonly dash: readonly number[]
  readonly marker: 'circle' | 'rect' | 'triangle' | 'rectRot' | 'crossRot'
}

const blue = '#0072b2'
const vermilion = '#d55e00'
const green = '#009e73'
const purple = '#b8588f'
const orange = '#d18f00'
const sky = '#3a9fd6'
const olive = '#8a8a1f'
const grey = '#7a7a7a'

const solid: readonly number[] = []
const dashed = [5, 3]
const dotted = [1.5, 2]
const dashDotted = [7, 2, 1.5, 2]

const fixed: Readonly<Record<string, Look>> = {
  drnas: { colour: blue, dash: solid, marker: 'circle' },
  'drnas-progressive': { colour: sky, dash: dashed, marker: 'circle' },
  'darts-v1': { colour: vermilion, dash: solid, marker: 'triangle' },
  'darts-v2': { colour: orange, dash: dashed, marker: 'triangle' },
  'pc-darts': { colour: green, dash: solid, marker: 'rect' },
  'zen-darts': { colour: purple, dash: solid, marker: 'rectRot' },
  gdas: { colour: olive, dash: dashed, marker: 'rectRot' },
  snas: { colour: sky, dash: dotted, marker: 'rect' },
  random: { colour: grey, dash: dashed, marker: 'crossRot' },
  rea: { colour: vermilion, dash: dotted, marker: 'rectRot' },
  reinforce: { colour: sky, dash: dashDotted, marker: 'triangle' },
  bohb: { colour: purple, dash: dashed, marker: 'circle' },
  'local-search': { colour: green, dash: dashDotted, marker: 'rect' },
}

const spare = ([purple, olive, sky, orange, green, vermilion] as const).flatMap((colour): Look[] => [
  { colour, dash: dotted, marker: 'rectRot' },
  { colour, dash: dashDotted, marker: 'circle' },
])

/**
 * The look of an algorithm: its own, or one that depends on nothing but its name.
 * @param variant position among several variants of the algorithm; the first one has the algorithm's own look
 */
export function lookOf(algorithm: string, variant = 0): Look {
  if (variant > 0) return variants[(variant - 1) % variants.length]
  if (Object.hasOwn(fixed, algorithm)) return fixed[algorithm]
  const code = [...algorithm].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 65_521, 7)
  return spare[code % spare.length]
}

const variants = ([vermilion, green, purple, orange, sky, olive, grey] as const).map(
  (colour, i): Look => ({
    colour,
    dash: [solid, dashed, dotted][i % 3],
    marker: (['rect', 'triangle', 'rectRot'] as const)[i % 3],
  }),
)

/** Colours of things that are not algorithms, such as the operations of an edge. */
export const categorical: readonly Look['colour'][] = [grey, vermilion, sky, blue, green, orange, purple, olive]
