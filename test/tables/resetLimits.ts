/** Takes back what `raiseLimit` set, for the tests after this one. */
export function resetLimits(): void {
  delete process.env.NAS_BENCH_RAISED_LIMITS
}
