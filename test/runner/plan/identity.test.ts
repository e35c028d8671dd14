import { describe, expect, test } from 'vitest'
import type { Job } from '../../../src/core/result.ts'
import { resolveProtocol } from '../../../src/protocols/index.ts'
import { jobHash, runId } from '../../../src/runner/plan/identity.ts'
import { canonicalJson } from '../../../src/system/json.ts'

const job: Job = {
  algorithm: { name: 'drnas', version: 1, options: { anchor: 'l2', lambda: 0.001 } },
  space: 'nb201',
  dataset: { name: 'shapes', contentHash: 'abc' },
  table: { name: 'nb201-micro', sha256: 'def' },
  protocol: resolveProtocol('drnas-paper', { space: 'nb201', dataset: 'shapes', algorithm: 'drnas' }),
  probes: [],
  seed: 0,
  executor: 'static/wasm',
  arithmetic: 'deterministic',
}

describe('canonical JSON', () => {
  test('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: [1, { d: 2, c: null }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":null,"d":2}]}')
  })

  test('leaves out undefined values', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
  })
})

describe('the identity of a job', () => {
  test('is a readable name followed by the hash', () => {
    expect(runId(job)).toMatch(/^drnas-shapes-seed0-[0-9a-f]{16}$/)
    expect(runId(job).endsWith(jobHash(job).slice(0, 16))).toBe(true)
  })

  test('does not depend on the order of the keys', () => {
    const { algorithm, ...rest } = job
    expect(jobHash({ ...rest, algorithm })).toBe(jobHash(job))
  })

  const changes: readonly [string, Job][] = [
    ['the seed', { ...job, seed: 1 }],
    ["the algorithm's version", { ...job, algorithm: { ...job.algorithm, version: 2 } }],
    ['an option', { ...job, algorithm: { ...job.algorithm, options: { anchor: 'kl', lambda: 0.001 } } }],
    ["the plugin's content", { ...job, algorithm: { ...job.algorithm, plugin: 'my.ts@sha256:1' } }],
    ["the content of the space's plugin", { ...job, spacePlugin: 'mine.ts@sha256:1' }],
    ["the images' content", { ...job, dataset: { name: 'shapes', contentHash: 'abd' } }],
    ["the table's content", { ...job, table: { name: 'nb201-micro', sha256: 'deg' } }],
    ['a setting of the protocol', { ...job, protocol: { ...job.protocol, epochs: 99 } }],
    ['the executor', { ...job, executor: 'tfjs/wasm' }],
    ['the arithmetic', { ...job, arithmetic: 'fused' }],
    ['whether the arithmetic is recorded', { ...job, arithmetic: undefined }],
    ['the probes', { ...job, probes: ['hessian'] }],
    ['the budget', { ...job, budgetSeconds: 20_000 }],
  ]
  test.each(changes)('changes with %s', (_, changed) => {
    expect(jobHash(changed)).not.toBe(jobHash(job))
  })
})
