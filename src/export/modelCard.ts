/** Writes a model card: a README with front matter (YAML metadata), as model hubs expect it. */
import { areStated, classWeightsText } from '../core/classWeights.ts'
import { loadYaml } from '../core/lazyPackages.ts'
import type { ReportedMetric } from '../core/metric.ts'
import { parameterCount } from '../core/network.ts'
import { limitText, pluralize } from '../core/plainText.ts'
import type { ResultRecord, SearchTime } from '../core/result.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import type { TrainingRecord } from '../retrain/trainingRecord.ts'
import type { Deployment } from './deployment.ts'

/** Facts for a model card in addition to the network itself. */
export interface CardFacts {
  /** The training of the network; absent: its weights are random. */
  readonly record?: TrainingRecord
  /** The run that trained the network; absent: unknown. */
  readonly run?: ResultRecord
  /** Number of training epochs after which the network had these weights. */
  readonly epochs: number
  /** Licence of the weights, named as model hubs do, such as `mit`; absent: `unknown`. */
  readonly licence?: string
  /** Names of the files in the folder of the card. */
  readonly files: readonly string[]
}

/** Returns the text of the model card of an exported network. */
export function modelCard(deployment: Deployment, facts: CardFacts): string {
  const { network } = deployment
  const { record, run } = facts
  const title = record === undefined ? `${network.name}, untrained` : `${network.name} on ${record.job.dataset.name}`
  const sections = [
    `---\n${loadYaml().stringify(frontMatter(facts, network.classes))}---`,
    `# ${title}`,
    record === undefined
      ? 'The weights are random: this network was not trained.'
      : accuracyText(record, facts.epochs, network.classes),
    `## Input and classes\n\n${inputText(deployment)}`,
    `## Network\n\n${networkText(deployment, record)}`,
    ...(record === undefined
      ? []
      : [`## Training\n\n${trainingText(record, run)}`, `## Cost\n\n${costText(record, run)}`]),
    ...(facts.files.length === 0 ? [] : [`## Files\n\n${facts.files.map((file) => `* \`${file}\``).join('\n')}`]),
    '## Limits\n\nThe accuracy holds for images like the test images. Licences of the images may restrict the use of the weights.',
  ]
  return `${sections.join('\n\n')}\n`
}

/** Names of the metrics that a training can report, as people write them. */
const METRICS: Readonly<Record<ReportedMetric, string>> = {
  top1: 'top-1 accuracy',
  balanced: 'balanced accuracy',
  mAP: 'mAP',
}

function frontMatter({ record, licence = 'unknown' }: CardFacts, classes: number): unknown {
  const common = {
    license: licence,
    library_name: 'nas-bench-harness',
    pipeline_tag: 'image-classification',
    tags: ['neural-architecture-search', 'image-classification'],
  }
  if (record === undefined) return common
  const { dataset } = record.job
  const { metric: own } = record.job.settings
  const metric = (name: string, value: number, type = 'accuracy') => ({ type, name, value: Number(value.toFixed(2)) })
  return {
    ...common,
    datasets: [dataset.name],
    metrics: ['accuracy'],
    'model-index': [
      {
        name: record.id,
        results: [
          {
            task: { type: 'image-classification' },
            dataset: { name: dataset.name, type: dataset.name },
            metrics: [
              metric('top-1 test accuracy after the last epoch, %', record.testAccuracyPct),
              ...(classes > 5
                ? [metric('top-5 test accuracy after the last epoch, %', record.testTop5AccuracyPct)]
                : []),
              ...(own === undefined || record.testMetricPct === undefined
                ? []
                : [metric(`${METRICS[own]} on the test images after the last epoch, %`, record.testMetricPct, own)]),
            ],
          },
        ],
      },
    ],
  }
}

function accuracyText(record: TrainingRecord, at: number, classes: number): string {
  const { testAccuracyPct, testTop5AccuracyPct, epochs, job, id } = record
  const top5 = classes > 5 ? ` (top-5 ${testTop5AccuracyPct.toFixed(2)} %)` : ''
  const own = epochs[at - 1]
  const after =
    own === undefined || at === epochs.length
      ? ''
      : `\n\nThese weights are those after epoch ${at} of ${epochs.length}, with ${own.testAccuracyPct.toFixed(2)} % on the test images.`
  return (
    `An image classifier whose architecture was found or chosen with nas-bench-harness and trained from scratch on ` +
    `${job.dataset.name}. Test accuracy after the last epoch: **${testAccuracyPct.toFixed(2)} %**` +
    `${top5}. Training \`${id}\`.${after}`
  )
}

function inputText({ input }: Deployment): string {
  const { height, width, classNames, mean, std } = input
  return [
    `RGB images of ${height}×${width} pixels, intensities 0 to 1, normalised by (x − mean) / std:`,
    `mean ${mean.map(short).join(', ')}; std ${std.map(short).join(', ')}.`,
    'The ONNX, PyTorch and TensorFlow.js files normalise by themselves.\n\n' +
      `Classes, in the order of the logits: ${classNames.map((name) => `\`${name.replaceAll('`', "'")}\``).join(', ')}.`,
  ].join(' ')
}

const short = (value: number): string => String(Number(value.toPrecision(6)))

function networkText({ network, notes }: Deployment, record: TrainingRecord | undefined): string {
  const count = record?.parameters ?? parameterCount(network)
  const macs = record === undefined ? '' : `, ${(record.macs / 1e6).toFixed(1)} M multiply-accumulates per image`
  return `${network.name}: ${(count / 1e6).toFixed(3)} M parameters${macs}.\n\n    ${notes.genotype ?? ''}`
}

/** Returns the table of how the network was trained. @param run the run that trained it, after its search */
function trainingText({ job }: TrainingRecord, run: ResultRecord | undefined): string {
  const { settings, seed, dataset, executor } = job
  const { preset, epochs, batchSize, learningRate, weights, dropPath, labelSmoothing, network } = settings
  const found = run?.timing.search && `${run.algorithm}, seed ${run.seed}, protocol ${run.protocol}: run \`${run.id}\``
  const rows: readonly (readonly [string, string])[] = [
    ...(found === undefined ? [] : [['architecture found by', found] as const]),
    ['dataset', `${dataset.name}, content ${dataset.contentHash.slice(0, 16)}…`],
    ['images', imagesText(settings)],
    ['protocol', `${preset}: ${pluralize(epochs, 'epoch')}, batch ${batchSize}, seed ${seed}`],
    ['learning rate', `${learningRate.initial}, ${learningRate.schedule}`],
    [
      'SGD',
      `momentum ${weights.momentum}${weights.nesterov ? ' (Nesterov)' : ''}, weight decay ${weights.weightDecay}`,
    ],
    [
      'regularisation',
      `drop path ${dropPath}, label smoothing ${labelSmoothing}, auxiliary head in training: ${network.auxiliary ? 'yes' : 'no'}`,
    ],
    ['computed by', executor],
  ]
  return ['| | |', '|---|---|', ...rows.map(([name, text]) => `| ${name} | ${text.replaceAll('|', '\\|')} |`)].join(
    '\n',
  )
}

/** Returns which training images were used, how they were changed, and how the classes counted. */
function imagesText({ network, data }: RetrainingSettings): string {
  const { limit, imageSize, cropPadding, flip, cutout, sampling, classWeights } = data
  return [
    limitText(limit),
    imageSize !== null && `scaled to ${imageSize}×${imageSize}`,
    network.family === 'imagenet' && 'random resized crops',
    network.family === 'cifar' && cropPadding > 0 && `crops padded by ${cropPadding}`,
    flip && 'flips',
    cutout > 0 && `cutout ${cutout}`,
    sampling === 'balanced' && 'classes drawn equally often',
    classWeights === 'balanced' && 'classes weighted equally in the loss',
    areStated(classWeights) && `class weights ${classWeightsText(classWeights)}`,
  ]
    .filter((text) => text !== false)
    .join(', ')
}

const DEVICES: Readonly<Record<SearchTime['device'], string>> = {
  gpu: 'a GPU',
  'one core': 'one core',
  cpu: 'several cores',
}

function costText({ timing }: TrainingRecord, run: ResultRecord | undefined): string {
  const memory = timing.peakMemoryBytes / 2 ** 20
  const search = run?.timing.search
  const before =
    search === undefined
      ? 'The search is not included.'
      : `The search before it took ${timeText(search.seconds)} on ${DEVICES[search.device]}.`
  return `${timeText(timing.wallSeconds)} of wall time for this training, and at most ${memory.toFixed(0)} MiB of memory of its process. ${before}`
}

function timeText(seconds: number): string {
  if (seconds >= 3600) return `${(seconds / 3600).toFixed(1)} hours`
  return pluralize(Math.max(1, Math.round(seconds)), 'second')
}
