/** Whether tests run in their exhaustive variants, as `npm run test:full` does; `npm test` runs one variant of each kind. */
export const full: boolean = process.env.TESTS === 'full'

/** Returns all cases in full, else every n-th one, beginning with the first. */
export const someOf = <T>(cases: readonly T[], every: number): T[] =>
  cases.filter((_, index) => full || index % every === 0)

/**
 * Returns the number of damaged copies that a fuzz test makes: $MUTATIONS, else `usual`, and six times that in full.
 */
export const damagedCopies = (usual: number): number => Number(process.env.MUTATIONS ?? (full ? 6 * usual : usual))
