/** A reporter of Node's test runner: a JSON line for each failed test, and the numbers of tests at the end. */
interface TestEvent {
  readonly type: string
  readonly data: {
    readonly name?: string
    readonly skip?: boolean | string
    readonly details?: { readonly type?: string; readonly error?: TestError }
  }
}

type TestError = Error & { readonly cause?: unknown; readonly failureType?: string }

/** Returns the first line of what ended a test. */
function messageOf(error: TestError | undefined): string | undefined {
  const { cause } = error ?? {}
  return (cause instanceof Error ? cause.message : String(cause ?? error?.message)).split('\n')[0]
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const { type: kind, error } = data.details ?? {}
    if (kind === 'suite') {
      // Tests that a failed hook kept from running do not say why.
      if (error?.failureType === 'hookFailed')
        yield `${JSON.stringify({ failed: data.name, message: messageOf(error) })}\n`
      continue
    }
    if (data.skip !== undefined && data.skip !== false) counts.skipped++
    else if (type === 'test:pass') counts.passed++
    else {
      counts.failed++
      yield `${JSON.stringify({ failed: data.name, message: messageOf(error) })}\n`
    }
  }
  yield `${JSON.stringify({ tests: counts })}\n`
}
