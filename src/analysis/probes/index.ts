/** The list of built-in probes, and the parser of `--probe`. */
import { requireOnce, unknownName } from '../../core/names.ts'
import type { Probe } from '../../core/probe.ts'
import { alphaProbe } from './alpha.ts'
import type { ProbeKind } from './definition.ts'
import { hessianProbe } from './hessian.ts'
import { hvpProbe } from './hvp.ts'
import { proxiesProbe } from './proxies.ts'
import { rangeProbe } from './range.ts'
import { skipProbe } from './skip.ts'

export const probes: readonly ProbeKind[] = [alphaProbe, hessianProbe, hvpProbe, proxiesProbe, rangeProbe, skipProbe]

/**
 * Creates a probe from the text of `--probe`: NAME or NAME:key=value,key=value, such as `hessian:every=2,mode=full`.
 * @throws BenchError `unknown-name` with the nearest known name, or `bad-input` for a wrong value
 */
export function parseProbe(line: string): Probe {
  const [, name, options] = /^([^:]*):?(.*)$/s.exec(line) ?? []
  const kind = probes.find((known) => known.name === name)
  if (kind === undefined) {
    throw unknownName(
      'probe',
      name,
      probes.map((known) => known.name),
    )
  }
  return kind.create(keyValues(name, options))
}

function keyValues(name: string, text: string): Record<string, string> {
  const pairs = text.split(',').filter((part) => part !== '')
  const keys = pairs.map((pair) => pair.split('=')[0])
  requireOnce(keys, `probe ${name}`)
  return Object.fromEntries(pairs.map((pair, i) => [keys[i], pair.slice(pair.indexOf('=') + 1)]))
}
