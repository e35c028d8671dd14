/**
 * Colour, dash and marker of each algorithm, the same in every figure and in both themes. The colours are Okabe and
 * Ito's (2008), which colour-blind readers can tell apart, darkened for a white background. Dashes and markers tell
 * lines apart in black and white.
 */
import { builtinAlgorithms } from '../../algorithms/index.ts'
import type { Algorithm, AlgorithmLook } from '../../core/algorithm.ts'
import type { Ink } from '../../core/drawing.ts'

export interface Look {
  readonly colour: Ink
  /** Lengths of the dashes and gaps of a method's line, in CSS pixels; empty for a solid line. */
  readonly dash: readonly number[]
  readonly marker: (typeof MARKERS)[number]
}

const colours: Readonly<Record<AlgorithmLook['colour'], `#${string}`>> = {
  blue: '#0072b2',
  vermilion: '#d55e00',
  green: '#009e73',
  purple: '#b8588f',
  orange: '#d18f00',
  sky: '#3a9fd6',
  olive: '#8a8a1f',
  grey: '#7a7a7a',
}
const { vermilion, grey } = colours
const COLOURS = Object.values(colours)

const dashes: Readonly<Record<AlgorithmLook['dash'], readonly number[]>> = {
  solid: [],
  dashed: [5, 3],
  dotted: [1.5, 2],
  dashDotted: [7, 2, 1.5, 2],
  longDashed: [10, 3],
  dashDotDotted: [7, 2, 1.5, 2, 1.5, 2],
  wideDotted: [1.5, 5],
}
const DASHES = Object.values(dashes)

const MARKERS = ['circle', 'rect', 'triangle', 'rectRot', 'crossRot', 'cross', 'star'] as const

/**
 * Look (colour, dash and marker) of each built-in algorithm by its name. No two have the same colour and dash, nor the
 * same colour and marker.
 */
const own: Readonly<Record<string, Look>> = Object.fromEntries(
  Object.values<Algorithm>(builtinAlgorithms).flatMap(({ name, look }) =>
    look === undefined ? [] : [[name, { colour: colours[look.colour], dash: dashes[look.dash], marker: look.marker }]],
  ),
)

/**
 * Looks for methods without a predefined look, such as third-party algorithms: first one look of each colour, then a
 * second look of each colour.
 */
const spare: readonly Look[] = COLOURS.flatMap((colour) => {
  const used = Object.values(own).filter((look) => look.colour === colour)
  const markers = MARKERS.filter((marker) => !used.some((look) => look.marker === marker))
  return DASHES.filter((dash) => !used.some((look) => look.dash === dash)).map((dash, round) => ({
    round,
    look: { colour, dash, marker: markers[round] },
  }))
})
  .sort((a, b) => a.round - b.round)
  .map(({ look }) => look)

/**
 * Returns a look (colour, dash and marker) for each method of a figure. A built-in algorithm has the same look in every
 * figure. Its other variants and third-party algorithms get looks that no other method of the figure has, as long as
 * enough are left.
 */
export function looksOf(methods: readonly { readonly algorithm: string; readonly variant: number }[]): readonly Look[] {
  const known = methods.map(({ algorithm, variant }) =>
    variant === 0 && Object.hasOwn(own, algorithm) ? own[algorithm] : undefined,
  )
  const taken = new Set(known.filter((look) => look !== undefined))
  return known.map((look, i) => {
    if (look !== undefined) return look
    const chosen = unusedLook(taken, codeOf(methods[i].algorithm))
    taken.add(chosen)
    return chosen
  })
}

/**
 * Returns a spare look that no method of the figure has yet, in the colour that is least used in the figure.
 * @param start index in `spare` at which to begin
 */
function unusedLook(taken: ReadonlySet<Look>, start: number): Look {
  const candidates = spare.map((_, i) => spare[(start + i) % spare.length])
  const uses = ({ colour }: Look) => [...taken].filter((look) => look.colour === colour).length
  const free = candidates.filter((look) => !taken.has(look)).sort((a, b) => uses(a) - uses(b))
  return free[0] ?? candidates[0]
}

/**
 * Returns a hash of a third-party algorithm's name, which selects the algorithm's look, so that in most cases it has
 * the same look in every figure.
 */
const codeOf = (name: string): number =>
  [...name].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 65_521, 7)

/** Returns a look that can be seen on a grey cloud of points: that of a grey method in black. */
export const onCloud = (look: Look): Look => (look.colour === grey ? { ...look, colour: 'ink' } : look)

/** Looks of what was expected and what was measured, in a plot that shows no methods. */
export const pairLooks: readonly [Look, Look] = [
  { colour: grey, dash: [], marker: 'circle' },
  { colour: vermilion, dash: dashes.dashed, marker: 'rect' },
]

/** Looks (colour, dash and marker) of the operations of an edge; their colours are those of no method. */
export const operationLooks: readonly Look[] = (
  ['faint', '#c2476a', '#4a6fb5', '#8fb0de', '#5f9a8f', '#9bc4b8', '#8a76b8', '#bfb04a'] as const
).map((colour, i) => ({ colour, dash: DASHES[i % DASHES.length], marker: MARKERS[i % MARKERS.length] }))
