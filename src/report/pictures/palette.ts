/**
 * Colour, dash and marker of each algorithm, the same in every figure and in both themes. The colours are Okabe and
 * Ito's (2008), which colour-blind readers can tell apart, darkened for a white background. Dashes and markers tell
 * lines apart in black and white.
 */
import { builtinAlgorithms } from '../../algorithms/index.ts'
import type { Algorithm, AlgorithmLook } from '../../core/algorithm.ts'

export interface Look {
  readonly colour: `#${string}`
  /** Lengths of dashes and gaps in CSS pixels; empty for a solid line. */
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
const { blue, vermilion, green, purple, orange, sky, olive, grey } = colours
const COLOURS = Object.values(colours)

const dashes: Readonly<Record<AlgorithmLook['dash'], readonly number[]>> = {
  solid: [],
  dashed: [5, 3],
  dotted: [1.5, 2],
  dashDotted: [7, 2, 1.5, 2],
}
const DASHES = Object.values(dashes)

const MARKERS = ['circle', 'rect', 'triangle', 'rectRot', 'crossRot'] as const

/**
 * The looks of the built-in algorithms. No two are alike, neither as lines (colour, dash) nor as points (colour,
 * marker).
 */
const own: Readonly<Record<string, Look>> = Object.fromEntries(
  Object.values<Algorithm>(builtinAlgorithms).flatMap(({ name, look }) =>
    look === undefined ? [] : [[name, { colour: colours[look.colour], dash: dashes[look.dash], marker: look.marker }]],
  ),
)

/** Looks that no built-in algorithm has: one of each colour first, then the second of each. */
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
 * Returns a look for each method of a figure, all different as long as there are enough. A built-in algorithm has its
 * own look in every figure; its further variants and third-party algorithms get looks that no other method of the
 * figure has.
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
 * Returns a spare look that is not taken, of the least used colour. @param start position in the spare looks to begin
 * at
 */
function unusedLook(taken: ReadonlySet<Look>, start: number): Look {
  const candidates = spare.map((_, i) => spare[(start + i) % spare.length])
  const uses = ({ colour }: Look) => [...taken].filter((look) => look.colour === colour).length
  const free = candidates.filter((look) => !taken.has(look)).sort((a, b) => uses(a) - uses(b))
  return free[0] ?? candidates[0]
}

/** Returns a number that depends on a name alone, so that an algorithm tends to keep its look between figures. */
const codeOf = (name: string): number =>
  [...name].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 65_521, 7)

/** Looks of things that are not algorithms, such as the operations of an edge. */
export const categorical: readonly Look[] = ([grey, vermilion, sky, blue, green, orange, purple, olive] as const).map(
  (colour, i) => ({ colour, dash: DASHES[i % DASHES.length], marker: MARKERS[i % MARKERS.length] }),
)
