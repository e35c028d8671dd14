/** Releases what some work used, however the work and the releases end. */

/**
 * Does some work and then calls all cleanups in order, also if the work or a cleanup fails.
 * @returns what the work returns
 * @throws the first error, so that a failed cleanup does not hide the error of the work
 */
export async function withCleanup<T>(
  work: () => Promise<T>,
  ...cleanups: readonly (() => void | Promise<void>)[]
): Promise<T> {
  const errors: unknown[] = []
  const done = await work().catch((error: unknown) => void errors.push(error))
  for (const cleanup of cleanups) {
    try {
      await cleanup()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
  return done as T
}
