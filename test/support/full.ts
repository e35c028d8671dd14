/** Whether tests run in their exhaustive variants: `npm run test:full`, for the files that `vitest.config.ts` lists. */
export const full: boolean = process.env.TESTS === 'full'

/**
 * Returns the number of damaged copies that a fuzz test makes: $MUTATIONS, else `usual`, and ten times that in full.
 */
export const damagedCopies = (usual: number): number => Number(process.env.MUTATIONS ?? (full ? 10 * usual : usual))
