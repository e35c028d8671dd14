/** The first lines of `bench run`: what is in use, and how to get the full ones. */

import { pluralize } from '../core/plainText.ts'
import type { Job } from '../core/result.ts'
import { findPreset } from '../protocols/index.ts'
import { settingsText } from '../report/retrained/trainingNotes.ts'
import type { Plan } from '../runner/plan/plan.ts'
import { unfinished } from '../runner/processes/runPlan.ts'
import type { Store } from '../runner/store/store.ts'

export function preamble(plan: Plan, store: Store): string {
  const { experiment, space, jobs } = plan
  const missing = unfinished(plan, store).length
  return [
    `space ${space.name}; dataset ${experiment.datasets.join(', ')}; ${evaluation(plan)}; ${executors(plan)}; ${protocols(plan)}`,
    ...upgradeHints(plan),
    `${pluralize(jobs.length, 'run')}, ${jobs.length - missing} finished; store ${store.folder}`,
    '',
    '',
  ].join('\n')
}

function evaluation(plan: Plan): string {
  const { retraining } = plan.experiment
  return retraining === undefined ? tables(plan) : `what is found is trained in full, ${trainingText(plan)}`
}

/** Preset and size of the full trainings, one for each way in which they are done. */
export function trainingText({ jobs }: Plan): string {
  const texts = jobs.flatMap(({ job }) => (job.retraining ? settingsText(job.retraining.settings) : []))
  return [...new Set(texts)].join('; ')
}

function tables({ lookups }: Plan): string {
  const named = [...lookups.values()].map(({ manifest }) => {
    if (manifest === undefined) return 'no table'
    const { name, rows, architectures, recipe } = manifest
    if (rows === architectures || architectures === null) return `table ${name}`
    const rest = recipe === undefined ? 'the others fail' : 'the others are trained when needed'
    return `table ${name} (${rows} of ${pluralize(architectures, 'architecture')}, ${rest})`
  })
  return [...new Set(named)].join(', ')
}

function executors({ jobs }: Plan): string {
  const names = new Set(jobs.flatMap(({ job }) => executorText(job)))
  return names.size === 0 ? 'no network is trained' : `executor ${[...names].join(', ')}`
}

/** `static/wasm`; `static/wasm (fused)` under --fast-math. */
export const executorText = ({ executor, arithmetic }: Job): string[] =>
  executor === undefined ? [] : [arithmetic === 'fused' ? `${executor} (fused)` : executor]

function protocols({ jobs }: Plan): string {
  const names = new Set(jobs.map(({ job }) => job.protocol.name))
  return `${names.size > 1 ? 'protocols' : 'protocol'} ${[...names].join(', ')}`
}

/** Hints for users of the embedded dataset or a reduced protocol: the commands that get what published comparisons use. */
function upgradeHints({ experiment, lookups }: Plan): string[] {
  const embedded = lookups.get('shapes')?.manifest?.recipe !== undefined
  const name = experiment.protocol.split(':')[0]
  return [
    ...(embedded
      ? [
          'shapes and its table are the embedded ones; `bench tables fetch nb201` and `bench data fetch cifar10` get the full ones, for --dataset cifar10',
        ]
      : []),
    ...(findPreset(name).reduced
      ? [
          `${name} is a reduced search for two cores; the papers’ settings: --protocol drnas-paper (\`bench list protocols\`)`,
        ]
      : []),
  ]
}
