/** Commands as a user pastes them: found in what the program prints, and given to a shell. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Ended, MAIN, type Workplace } from './command.ts'

/** The commands in a text: in backquotes, or on lines of their own. */
export const commandsIn = (text: string): string[] => [
  ...[...text.matchAll(/`((?:npx )?bench [^`]+)`/g)].map(([, command]) => command),
  ...[...text.matchAll(/^ *((?:npx )?bench [a-z].*)$/gm)].map(([, command]) => command.trim()),
]

/** The words that a shell makes of a line; `~` and variables are its own. */
export function wordsOf(line: string): string[] {
  // A shell only divides such a line at its spaces.
  if (/^[\w .,:=/@%+-]+$/.test(line)) return line.trim().split(/ +/)
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`a shell does not take ${line}: ${stderr}`)
  return stdout.split('\0').slice(0, -1)
}

/** Gives a line to a shell that finds `bench` on its path. */
export function paste(place: Workplace, line: string): Ended {
  const bin = join(place.folder, 'home', 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'bench'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`)
  chmodSync(join(bin, 'bench'), 0o755)
  const env = { ...process.env, NAS_BENCH_HOME: place.home, NO_COLOR: '1', PATH: bin + delimiter + process.env.PATH }
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: place.folder, env, encoding: 'utf8' })
  return { code: status, stdout, stderr }
}
