/** Describes the machine and the versions of the programs, for the record of a run. */
import { readFileSync } from 'node:fs'
import { arch, cpus, platform, release } from 'node:os'
import type { Environment } from '../core/result.ts'

/** Version of this package, from its package.json. */
export const packageVersion: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version

/** Returns the versions of this package and of Node, the platform and the processor. */
export function describeEnvironment(): Environment {
  const cores = cpus()
  return {
    version: packageVersion,
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown'}`,
  }
}
