/** Calls and dispatches that an activity flag can leave out. */

/** @param flags the activity; undefined: everything runs. @param condition number of the flag; −1: it always runs */
export const isOff = (flags: Uint8Array | undefined, condition: number): boolean =>
  flags !== undefined && condition >= 0 && flags[condition] === 0
