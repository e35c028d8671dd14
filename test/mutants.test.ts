/** The mutants of `lint/mutants`: which changes they make, what is never changed, and that only the chosen one is on. */
import { expect, test } from 'vitest'

interface Mutant {
  readonly kind: string
  readonly start: number
  readonly end: number
  readonly replacement: string
}
interface Candidates {
  candidatesOf(path: string, source: string): Mutant[]
  withSwitches(source: string, mutants: readonly (Mutant & { id: number })[], runtime: string): string
}
const path = new URL('../lint/mutants/candidates.mjs', import.meta.url).href
const { candidatesOf, withSwitches }: Candidates = await import(path)

const apply = (source: string, { start, end, replacement }: Mutant) =>
  source.slice(0, start) + replacement + source.slice(end)
const mutantsOf = (source: string) => candidatesOf('file.ts', source).map((mutant) => apply(source, mutant))

test.each([
  ['the boundary and the direction of a comparison', 'x = a < b', ['x = a <= b', 'x = a >= b']],
  ['an arithmetic operator', 'x = a * b', ['x = a / b']],
  ['an operator beside parentheses', 'const x = (a + b) * c', ['const x = (a + b) / c', 'const x = (a - b) * c']],
  ['an operator that assigns', 'const f = () => (a += b)', ['const f = () => (a -= b)']],
  ['a logical operator', 'const x = a && b', ['const x = a || b']],
  ['a fallback', 'const x = a ?? b', ['const x = a']],
  ['a number', 'const x = [2, 0.5]', ['const x = [3, 0.5]', 'const x = [2, 1]']],
  ['a boolean', 'const x = { a: true }', ['const x = { a: false }']],
  ['a condition', 'if (a) { }', ['if (!(a)) { }']],
  ['a condition inside an expression', 'const x = a ? b : c', ['const x = !(a) ? b : c']],
  ['a sign', 'const x = -a', ['const x = a']],
  ['a statement', 'f(a)', ['undefined']],
  ['a call that orders or selects', 'const x = a.sort(f)', ['const x = a']],
  ['a function of Math', 'const x = Math.min(a, b)', ['const x = Math.max(a, b)']],
  ['a returned value', 'const f = () => a', ['const f = () => 2 * (a) + 1']],
  ['a returned list', 'const f = () => [a]', ['const f = () => []']],
])('%s is changed', (_, source, expected) => {
  expect(mutantsOf(source).filter((mutant) => mutant !== 'undefined' || source === 'f(a)')).toEqual(expected)
})

test.each([
  ['types', 'type A = 1 | 2\nconst x = y as 0 | true\nlet z: -1'],
  ['names of members', 'const x = { 1: y }'],
  ['comments and texts', "// 1 < 2\nconst x = '1 < 2' + y"],
  ['what an error says', 'throw new RangeError(f(a + 1))\nconst e = new BenchError(f(a - 1))'],
  ['imports', "import { a } from './1.ts'"],
  ['parts of an optional chain', 'const x = a?.b.slice().sort()'],
])('%s are not changed', (_, source) => {
  expect(mutantsOf(source)).toEqual([])
})

test('each mutant alone is on where it is switched on, also within others, and none otherwise', () => {
  const source = `
    const f = (list) => {
      const seen = []
      let sum = 0
      for (const value of list.slice(1).sort((a, b) => a - b)) {
        if (value > 2 && value % 2 === 1) sum += 3 * Math.abs(value - 1)
        else seen.push(value + 1)
      }
      seen.sort()
      return [sum > 5 ? sum - 1 : -sum, seen.length, ...seen]
    }`
  const evaluate = (code: string, active?: number) =>
    new Function('isOn$', 'mutant$', `${code}\nreturn [f([7, 3, 2, 5, 11]), f([9, 2, 1, 3]), f([4, -3, 10])]`)(
      (id: number) => id === active,
      (value: unknown) => value,
    )
  const mutants = candidatesOf('file.ts', source).map((mutant, id) => ({ id, ...mutant }))
  const [imports, code] = withSwitches(source, mutants, './switch.mjs').split(/(?<=^import .*?;)/)
  expect(imports).toBe('import { isOn$, mutant$ } from "./switch.mjs";')
  expect(mutants.length).toBeGreaterThan(20)
  expect(evaluate(code)).toEqual(evaluate(source))
  for (const mutant of mutants) {
    const alone = apply(source, { ...mutant, replacement: `(${mutant.replacement})` })
    expect(evaluate(code, mutant.id), mutant.replacement).toEqual(evaluate(alone))
  }
})
