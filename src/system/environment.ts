/** What a run notes of the machine that it ran on. */
import { readFileSync } from 'node:fs'
import { arch, cpus, platform, release } from 'node:os'
import type { Environment } from '../core/result.ts'

/** Version of this package. */
export const packageVersion: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version

export function describeEnvironment(): Environment {
  const cores = cpus()
  return {
    version: packageVersion,
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown'}`,
  }
}
