/** Where a committed report is not what it should be. */

export interface Difference {
  /** In the report's folder. */
  readonly file: string
  /** As of a diff: `-` what is committed, `+` what it should be. */
  readonly lines: readonly string[]
}
