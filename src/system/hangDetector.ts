/** Detects a hang of this process: a promise is pending but nothing is scheduled that could resolve it. */

/** Length of the pause between two checks for a hang, in milliseconds. */
const PAUSE_MS = 500
/**
 * Number of consecutive idle pauses after which a hang is reported. They take five seconds in all, since a false alarm
 * may cost days of work.
 */
const PAUSES = 10
/**
 * A pause counts as idle if the process used at most this fraction of it as CPU time. Compiler threads, which the event
 * loop does not see, use more.
 */
const IDLE_SHARE = 0.05

/**
 * Calls `then` if work is pending, but nothing was scheduled and no thread used CPU time for five seconds.
 * @param isAwaited returns whether the process still has work to finish
 * @param then called once when a hang is detected
 */
export function onHang(isAwaited: () => boolean, then: () => void): void {
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
