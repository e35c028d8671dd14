/** In what runs are smaller than what papers publish: their numbers and published ones are not comparable. */
import type { ImageCounts } from '../../core/data.ts'
import { grouped } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { Job } from '../../core/result.ts'
import type { RetrainingSettings } from '../../core/retraining.ts'
import { missingImages } from '../../data/datasetNames.ts'
import { presets } from '../../protocols/index.ts'
import { citedProtocol, type Preset, plainValues } from '../../protocols/preset.ts'
import { resolveSettings } from '../../retrain/settings.ts'
import { settingsText } from '../retrained/trainingNotes.ts'
import type { RunRecord } from '../runRecord.ts'
import { datasetTitle } from './comparison.ts'

/** Simulated seconds: NAS-Bench-201's budget on CIFAR-10 (section 5), less than NATS-Bench's on any dataset. */
const LEAST_BUDGET = 12_000

/**
 * What is reduced in these runs, in words for a sentence: `searched under protocol micro`. Black-box searches and given
 * architectures train no search network, so that no protocol reduces them.
 */
export function reductionsOf(runs: readonly RunRecord[]): string[] {
  const words = runs.flatMap(({ manifest: { job }, result }) => [
    ...((job.retraining === undefined || result?.timing.search !== undefined) && isReducedSearch(job)
      ? [`searched under protocol ${job.protocol.name}`]
      : []),
    ...(job.budgetSeconds !== undefined && job.budgetSeconds < LEAST_BUDGET
      ? [`searched within ${grouped(job.budgetSeconds)} simulated seconds`]
      : []),
    ...(job.retraining && isReducedTraining(job.retraining.settings, job.dataset.name)
      ? [`trained with ${settingsText(job.retraining.settings)}`]
      : []),
    ...missingWords(job.dataset.name, result?.images),
  ])
  return [...new Set(words)]
}

function missingWords(dataset: string, images: ImageCounts | undefined): string[] {
  const missing = images && missingImages(dataset, images)
  return missing === undefined ? [] : [`on ${datasetTitle(dataset)} with ${missing}`]
}

function isReducedSearch({ executor, protocol, space, dataset, algorithm }: Job): boolean {
  if (executor === undefined) return false
  const preset = presets.find(({ name }) => name === protocol.name.split(':')[0])
  if (preset?.reduced) return true
  const full = preset && presetSize(preset, { space, dataset: dataset.name, algorithm: algorithm.name })
  return isSmaller(sizeOfSearch(protocol), full)
}

function isReducedTraining(settings: RetrainingSettings, dataset: string): boolean {
  const { preset, network } = settings
  if (preset === 'trial') return true
  return isSmaller(
    sizeOfTraining(settings),
    sizeOfTraining(resolveSettings({ preset, family: network.family }, dataset)),
  )
}

/** Of images `null` is all of them, at the size that they have. */
type Size = Readonly<Record<string, number | null>>

const sizeOfSearch = ({ epochs, network, data }: Omit<Protocol, 'name'>): Size => ({
  epochs,
  channels: network.channels,
  depth: network.depth,
  imageSize: data.imageSize,
  limit: data.limit,
})

const presetSize = (preset: Preset, job: Parameters<typeof citedProtocol>[1]): Size =>
  sizeOfSearch(plainValues<Omit<Protocol, 'name'>>(citedProtocol(preset, job)))

const sizeOfTraining = ({ epochs, network, data }: RetrainingSettings): Size => ({
  epochs,
  channels: network.channels,
  layers: network.layers,
  imageSize: data.imageSize,
  limit: data.limit,
})

/** @param full absent where the protocol is of no known preset: then only fewer or smaller images tell. */
function isSmaller(size: Size, full: Size | undefined): boolean {
  const least = full ?? { imageSize: null, limit: null }
  return Object.keys(least).some(
    (key) => (size[key] ?? Number.POSITIVE_INFINITY) < (least[key] ?? Number.POSITIVE_INFINITY),
  )
}
