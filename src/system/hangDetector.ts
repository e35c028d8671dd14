/** Waiting for what never comes: a promise that nothing resolves leaves a process with nothing to do. */

const PAUSE_MS = 500
/** Five seconds: to be told later costs little, to end what would have gone on may cost days. */
const PAUSES = 10
/** Of a pause: what threads compile in the meantime, which the event loop does not know of, takes more, throttled even. */
const IDLE_SHARE = 0.05

/**
 * Calls `then` where something is awaited while nothing is under way, and for five seconds no thread works either.
 * @param isAwaited whether the process has not done yet what it is for
 */
export function whenNothingComes(isAwaited: () => boolean, then: () => void): void {
  let pauses = 0
  let usage = process.cpuUsage()
  process.on('beforeExit', () => {
    if (!isAwaited()) return
    const { user, system } = process.cpuUsage(usage)
    const isIdle = (user + system) / 1000 < IDLE_SHARE * PAUSE_MS
    usage = process.cpuUsage()
    pauses = isIdle ? pauses + 1 : 0
    if (pauses === PAUSES) then()
    else if (pauses < PAUSES) setTimeout(() => {}, PAUSE_MS)
  })
}
