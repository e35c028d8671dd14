/** Decides whether a file that cannot be decoded ends a command or is left out, and tells the user what to do. */
import { BenchError } from '../../core/errors.ts'

/** The option of commands that leave broken images out. */
export const SKIP_OPTION = '--broken-images skip'

/** What to do with image files that cannot be decoded. */
export interface BrokenImages {
  /** `fail` (default) throws an error, `skip` leaves the file out. */
  readonly brokenImages?: 'fail' | 'skip' | undefined
  /** The setting with which the user leaves such files out, as `--broken-images skip`; absent: there is none. */
  readonly skipSetting?: string | undefined
  /** Called with a line for the user about each file that is left out. */
  readonly report?: ((line: string) => void) | undefined
}

/**
 * Tells the user about an image file that is left out.
 * @param error why the file cannot be used
 * @throws the error if such files are not left out, or if it is about something else. For a file that cannot be decoded
 * the error says what to do
 */
export function reportSkipped(error: unknown, { brokenImages, skipSetting, report }: BrokenImages): void {
  if (!(error instanceof BenchError) || error.code === 'failed') throw error
  if (brokenImages === 'skip') {
    report?.(`skipped: ${error.message}`)
    return
  }
  if (error.code !== 'corrupt') throw error
  const remedy =
    skipSetting === undefined ? 'replace or remove it' : `replace it, or skip such files with ${skipSetting}`
  throw new BenchError(error.code, `${error.message}; ${remedy}`, { cause: error })
}
