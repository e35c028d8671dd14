/**
 * Makes sure before the tests that `dist/` is what the sources give, since worker processes run from there: builds the
 * program if a source is newer than the last build, and deletes what was built from sources that are gone.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const [SRC, DIST] = [join(ROOT, 'src'), join(ROOT, 'dist')]

/** Returns the paths of all files and folders in a folder, relative to it; none if it does not exist. */
const within = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []

export function setup(): void {
  const sources = within(SRC)
  for (const file of within(DIST)) {
    // `build.mjs` makes these anew from many sources.
    if (file.startsWith('joined')) continue
    const source = file.replace(/(\.js|\.js\.map|\.d\.ts)$/, '.ts')
    if (source !== file && !sources.includes(source) && !sources.includes(file)) rmSync(join(DIST, file))
  }
  const built = statSync(join(DIST, '.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const inputs = [join(ROOT, 'build.mjs'), ...sources.map((source) => join(SRC, source))]
  if (inputs.every((input) => statSync(input).mtimeMs <= built)) return
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' })
}
