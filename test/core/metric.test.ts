import { describe, expect, it } from 'vitest'
import { formatQualifier, parseQualifier } from '../../src/core/metric.ts'

describe('a qualifier', () => {
  it.each(['cifar10/ori-test/200/mean', 'ImageNet16-120/x-valid/12/777'])('%s reads and writes as itself', (text) => {
    expect(formatQualifier(parseQualifier(text))).toBe(text)
  })

  it.each(['cifar10', 'cifar10/ori-test/200', 'cifar10/ori-test/many/mean', 'a/b/1/mean/x'])('refuses "%s"', (text) => {
    expect(() => parseQualifier(text)).toThrow(/is not dataset\/split\/epochs\/seed/)
  })
})
