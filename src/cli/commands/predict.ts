/** `bench predict`: predicts the classes of image files with a trained network. */
import { Command } from 'commander'
import { softmax } from '../../analysis/classification.ts'
import { decodedBatches, imageFiles } from '../../export/modelImages.ts'
import { logitsOf } from '../../export/runModel.ts'
import type { TrainedModel } from '../../export/trainedModel.ts'
import { renderTable } from '../../report/formats/renderTable.ts'
import { type Prediction, predictionTable } from '../../report/listings/modelMeasures.ts'
import { imageProgress } from '../amountProgress.ts'
import { backendOption } from '../backendOption.ts'
import {
  BATCH_SIZE,
  type ComputeFlags,
  executorFor,
  type ModelFlags,
  openModel,
  RUN_HELP,
  withModelOptions,
} from '../modelOptions.ts'
import { brokenImagesOption, positiveInteger } from '../options.ts'
import { printAsideLine, type TableFlags, tableFormat, terminalWidth, withTableOutput, writeOutput } from '../output.ts'

interface PredictFlags extends ModelFlags, ComputeFlags, TableFlags {
  readonly top?: number
  readonly brokenImages?: 'fail' | 'skip'
}

export function predictCommand(): Command {
  const command = new Command('predict')
    .summary('the classes of image files by a trained network')
    .description(
      'Tells the most probable classes of JPEG and PNG files by the network of a full training. The images are cropped ' +
        'and scaled as the test images of the training.',
    )
    .argument('<run>', RUN_HELP)
    .argument('<images...>', 'image files, or folders of them')
    .option('--top <n>', 'number of classes for each image (default: 1)', positiveInteger)
  withModelOptions(command).addOption(brokenImagesOption()).addOption(backendOption())
  return withTableOutput(command)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  bench predict drnas-photos-seed0 holiday/*.jpg\n' +
        '  bench predict runs/retrain-cifar10-seed0-26143f1c6993381c cat.png --top 3 --json',
    )
    .action(predict)
}

async function predict(run: string, named: readonly string[], flags: PredictFlags): Promise<void> {
  const format = tableFormat(flags)
  const quiet = flags.quiet === true || flags.json === true
  const model = await openModel(run, flags)
  const files = await imageFiles(named)
  const predictions = await predictionsOf(model, files, flags, quiet)
  const table = predictionTable(predictions, model.record.id)
  if (format === 'json') {
    const { record, weights } = model
    const skipped = flags.brokenImages === 'skip' && { skipped: withoutPrediction(files, predictions) }
    const answer = { training: record.id, weights, images: predictions, ...skipped }
    writeOutput(`${JSON.stringify(answer, null, 2)}\n`, flags.out)
  } else writeOutput(renderTable(table, format, flags.out === undefined ? terminalWidth() : undefined), flags.out)
}

/** Returns the files of which no classes were predicted, since they cannot be decoded. */
function withoutPrediction(files: readonly string[], predictions: readonly Prediction[]): readonly string[] {
  const predicted = new Set(predictions.map(({ file }) => file))
  return files.filter((file) => !predicted.has(file))
}

async function predictionsOf(
  model: TrainedModel,
  files: readonly string[],
  flags: PredictFlags,
  quiet: boolean,
): Promise<readonly Prediction[]> {
  const { classNames } = model.input
  const size = Math.min(BATCH_SIZE, files.length)
  const report = quiet ? undefined : printAsideLine
  const labelled = files.map((path) => ({ path, label: 0 }))
  const images = decodedBatches(model, labelled, { batchSize: size, brokenImages: flags.brokenImages, report })
  const progress = quiet ? undefined : imageProgress(process.stderr)
  const predictions: Prediction[] = []
  try {
    for await (const { batch, logits } of logitsOf(model, await executorFor(flags), images, size)) {
      for (let i = 0; i < batch.size; i++) {
        const probabilities = softmax(logits.subarray(i * classNames.length, (i + 1) * classNames.length))
        const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a])
        predictions.push({
          file: batch.paths[i],
          classes: order.slice(0, flags.top ?? 1).map((label) => ({
            ...{ name: classNames[label], probability: probabilities[label] },
          })),
        })
      }
      progress?.show(predictions.length, files.length)
    }
  } finally {
    progress?.end()
  }
  return predictions
}
