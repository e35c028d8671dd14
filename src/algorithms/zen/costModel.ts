/**
 * The cost model of multi-step optimisation (Zhang, §3.2): n·t₁ + t₂ for each architecture step, t₁ and t₂ the mean
 * seconds of a weight and of an architecture step. A step counts until it is answered; a backend that runs ahead lets
 * the next step that waits pay.
 */
import type { Supernet } from '../../core/supernet.ts'

/** Mean duration of one kind of step. */
export interface Watch {
  time<T>(step: () => Promise<T>): Promise<T>
  meanSeconds(): number
}

export function watch(): Watch {
  let seconds = 0
  let steps = 0
  return {
    async time(step) {
      const started = performance.now()
      const result = await step()
      seconds += (performance.now() - started) / 1000
      steps++
      return result
    },
    meanSeconds: () => (steps === 0 ? 0 : seconds / steps),
  }
}

/** The same network, with a watch on each kind of step. */
export function timedSupernet(supernet: Supernet) {
  const [weightStep, architectureStep] = [watch(), watch()]
  const timed: Supernet = {
    ...supernet,
    step: (...given) => weightStep.time(() => supernet.step(...given)),
    gradient: (...given) => architectureStep.time(() => supernet.gradient(...given)),
  }
  return { timed, weightStep, architectureStep }
}

/** As an epoch reports it. @param steps architecture steps of the epoch */
export function costModel(n: number, steps: number, weightStep: Watch, architectureStep: Watch) {
  const [t1, t2] = [weightStep.meanSeconds(), architectureStep.meanSeconds()]
  return { weightStepSeconds: t1, architectureStepSeconds: t2, costModelSeconds: steps * (n * t1 + t2) }
}
