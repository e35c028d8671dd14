/** Writes a model card: a README with front matter (YAML metadata), as model hubs expect it. */
import { stringify } from 'yaml'
import { parameterCount } from '../core/network.ts'
import type { TrainingRecord } from '../retrain/trainingRecord.ts'
import type { Deployment } from './deployment.ts'

/** Facts for a model card in addition to the network itself. */
export interface CardFacts {
  /** The training of the network; absent: its weights are random. */
  readonly record?: TrainingRecord
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
  const { record } = facts
  const title = record === undefined ? `${network.name}, untrained` : `${network.name} on ${record.job.dataset.name}`
  const sections = [
    `---\n${stringify(frontMatter(facts))}---`,
    `# ${title}`,
    record === undefined ? 'The weights are random: this network was not trained.' : accuracyText(record, facts.epochs),
    `## Input and classes\n\n${inputText(deployment)}`,
    `## Network\n\n${networkText(deployment, record)}`,
    ...(record === undefined ? [] : [`## Training\n\n${trainingText(record)}`, `## Cost\n\n${costText(record)}`]),
    ...(facts.files.length === 0 ? [] : [`## Files\n\n${facts.files.map((file) => `* \`${file}\``).join('\n')}`]),
    '## Limits\n\nThe accuracy holds for images like the test images. Licences of the images may restrict the use of the weights.',
  ]
  return `${sections.join('\n\n')}\n`
}

function frontMatter({ record, licence = 'unknown' }: CardFacts): unknown {
  const common = {
    license: licence,
    library_name: 'nas-bench-harness',
    pipeline_tag: 'image-classification',
    tags: ['neural-architecture-search', 'image-classification'],
  }
  if (record === undefined) return common
  const { dataset } = record.job
  const metric = (name: string, value: number) => ({ type: 'accuracy', name, value: Number(value.toFixed(2)) })
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
              metric('top-5 test accuracy after the last epoch, %', record.testTop5AccuracyPct),
            ],
          },
        ],
      },
    ],
  }
}

function accuracyText({ testAccuracyPct, testTop5AccuracyPct, epochs, job, id }: TrainingRecord, at: number): string {
  const own = epochs[at - 1]
  const after =
    own === undefined || at === epochs.length
      ? ''
      : `\n\nThese weights are those after epoch ${at} of ${epochs.length}, with ${own.testAccuracyPct.toFixed(2)} % on the test images.`
  return (
    `An image classifier whose architecture was found or chosen with nas-bench-harness and trained from scratch on ` +
    `${job.dataset.name}. Test accuracy after the last epoch: **${testAccuracyPct.toFixed(2)} %** ` +
    `(top-5 ${testTop5AccuracyPct.toFixed(2)} %). Training \`${id}\`.${after}`
  )
}

function inputText({ input }: Deployment): string {
  const { height, width, classNames, mean, std } = input
  return [
    `RGB images of ${height}×${width} pixels, intensities 0 to 1, normalised by (x − mean) / std:`,
    `mean ${mean.map(short).join(', ')}; std ${std.map(short).join(', ')}.`,
    'The ONNX, PyTorch and TensorFlow.js files normalise by themselves.',
    `\n\nClasses, in the order of the logits: ${classNames.map((name) => `\`${name.replaceAll('`', "'")}\``).join(', ')}.`,
  ].join(' ')
}

const short = (value: number): string => String(Number(value.toPrecision(6)))

function networkText({ network, notes }: Deployment, record: TrainingRecord | undefined): string {
  const count = record?.parameters ?? parameterCount(network)
  const macs = record === undefined ? '' : `, ${(record.macs / 1e6).toFixed(1)} M multiply-accumulates per image`
  return `${network.name}: ${(count / 1e6).toFixed(3)} M parameters${macs}.\n\n    ${notes.genotype ?? ''}`
}

function trainingText({ job }: TrainingRecord): string {
  const { settings, seed, dataset, executor } = job
  const { preset, epochs, batchSize, learningRate, weights, dropPath, labelSmoothing, network } = settings
  return [
    `| | |\n|---|---|`,
    `| dataset | ${dataset.name}, content ${dataset.contentHash.slice(0, 16)}… |`,
    `| protocol | ${preset}: ${epochs} epochs, batch ${batchSize}, seed ${seed} |`,
    `| learning rate | ${learningRate.initial}, ${learningRate.schedule} |`,
    `| SGD | momentum ${weights.momentum}${weights.nesterov ? ' (Nesterov)' : ''}, weight decay ${weights.weightDecay} |`,
    `| regularisation | drop path ${dropPath}, label smoothing ${labelSmoothing}, auxiliary head in training: ${network.auxiliary ? 'yes' : 'no'} |`,
    `| computed by | ${executor} |`,
  ].join('\n')
}

function costText({ timing }: TrainingRecord): string {
  const hours = timing.wallSeconds / 3600
  const memory = timing.peakMemoryBytes / 2 ** 20
  const time = hours >= 1 ? `${hours.toFixed(1)} hours` : `${timing.wallSeconds.toFixed(0)} seconds`
  return `${time} of wall time for this training, and at most ${memory.toFixed(0)} MiB of memory of its process. The search is not included.`
}
