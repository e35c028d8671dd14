/**
 * The part of vitest's interface that the executor's tests use, on Node's own test runner and the matchers of
 * `@vitest/expect`, so that the kit runs the same tests without vitest.
 */
import { after, before, beforeEach as beforeEachTest, describe as suite, it as test } from 'node:test'
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect'
import * as chai from 'chai'

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)

type Declare = (name: string, ...rest: readonly unknown[]) => void

/** Adds vitest's conditions to a function that declares a test or a suite. */
function conditional(declare: Declare, skip: Declare) {
  const when = (holds: boolean) => (holds ? declare : skip)
  const each =
    (rows: readonly unknown[]) =>
    (name: string, body: (...row: unknown[]) => unknown, ...rest: readonly unknown[]) => {
      for (const row of rows) {
        const values = Array.isArray(row) ? row : [row]
        declare(name.replace(/%\w/, String(values[0])), () => body(...values), ...rest)
      }
    }
  return Object.assign(declare, { each, skip, runIf: when, skipIf: (holds: boolean) => when(!holds) })
}

/** Returns the arguments in the order of Node's runner: name, options, function. */
function ordered([name, ...rest]: readonly unknown[]): [string, object, () => Promise<void> | void] {
  const body = rest.find((value) => typeof value === 'function') as () => Promise<void> | void
  const options = rest.find((value) => typeof value === 'object') ?? {}
  // Node hands a context to tests, and a callback to functions with two parameters.
  return [name as string, options as object, () => body()]
}

/** Vitest's time limit of a suite is that of each test; Node's would be that of all tests together. */
const suiteArguments = (args: readonly unknown[]) => {
  const [name, , body] = ordered(args)
  return [name, body] as const
}

export const describe = conditional(
  (...args) => void suite(...suiteArguments(args)),
  (...args) => void suite.skip(...suiteArguments(args)),
)
export const it = conditional(
  (...args) => void test(...ordered(args)),
  (...args) => void test.skip(...ordered(args)),
)
export { it as test }
export const beforeAll = (hook: () => unknown): void => before(async () => void (await hook()))
export const afterAll = (hook: () => unknown): void => after(async () => void (await hook()))
export const beforeEach = (hook: () => unknown): void => beforeEachTest(async () => void (await hook()))

export const expect = ((value: unknown, message?: string) => chai.expect(value, message)) as typeof chai.expect
Object.assign(expect, chai.expect, { hasAssertions: () => {} })
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null } as never, expect as never)
