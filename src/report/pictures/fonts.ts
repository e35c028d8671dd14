/** The letters of figures come with the package, so that a picture is the same on every machine. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const SCRIPTS = { 'Bench Sans': 'latin', 'Bench Sans Greek': 'greek' } as const
const WEIGHTS = [400, 600] as const

export interface FontFile {
  readonly family: keyof typeof SCRIPTS
  readonly weight: (typeof WEIGHTS)[number]
  /** WOFF2. */
  readonly bytes: Buffer
}

/** Source Sans 3, Latin and Greek, regular and semibold (SIL Open Font License 1.1). */
export function fontFiles(): readonly FontFile[] {
  const require = createRequire(import.meta.url)
  return Object.entries(SCRIPTS).flatMap(([family, script]) =>
    WEIGHTS.map((weight) => {
      const path = require.resolve(`@fontsource/source-sans-3/files/source-sans-3-${script}-${weight}-normal.woff2`)
      return { family: family as FontFile['family'], weight, bytes: readFileSync(path) }
    }),
  )
}
