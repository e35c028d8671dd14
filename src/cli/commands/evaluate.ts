/**
 * `bench evaluate`: measures accuracy, calibration and confusion of a trained network on test images, which may come
 * from another dataset with the same classes.
 */
import { Command } from 'commander'
import { openTestImages } from '../../export/modelImages.ts'
import { evaluateModel } from '../../export/runModel.ts'
import type { TrainedModel } from '../../export/trainedModel.ts'
import { confusionTable, type MeasuredModel, measuresTable } from '../../report/listings/modelMeasures.ts'
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
import { brokenImagesOption, pictureFile, positiveInteger } from '../options.ts'
import {
  printAsideLine,
  type TableFlags,
  tableFormat,
  withTableOutput,
  writeOutput,
  writePictures,
  writeTable,
} from '../output.ts'

interface EvaluateFlags extends ModelFlags, ComputeFlags, TableFlags {
  readonly dataset?: string
  readonly data?: string
  readonly brokenImages?: 'fail' | 'skip'
  readonly confusion?: boolean
  readonly picture?: readonly string[]
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary('measure a trained network: accuracy by class, mAP, calibration, confusion')
    .description(
      'Measures the network of a full training on test images of its classes: top-1, top-5, accuracy by class, balanced ' +
        'accuracy, average precision, calibration and confusion matrix.',
    )
    .argument('<run>', RUN_HELP)
    .option('--dataset <name>', 'cifar10, …, or a folder of class folders (default: the dataset of the training)')
    .option('--data <dir>', 'folder of the images')
  withModelOptions(command)
    .addOption(brokenImagesOption())
    .option('--confusion', 'print the confusion matrix in place of the measures')
    .option('--picture <file>', 'draw confusion and calibration as .png, .svg or .pdf; several times', pictureFile)
    .addOption(backendOption())
    .option('--batch-size <n>', `images computed at a time (default: ${BATCH_SIZE})`, positiveInteger)
  return withTableOutput(command)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  bench evaluate genotype-cifar10-seed0 --data ~/cifar10\n' +
        '  bench evaluate runs/drnas-photos-seed0-1f0c3a52b7d94e68 --dataset ./photos --picture confusion.svg',
    )
    .action(evaluate)
}

async function evaluate(run: string, flags: EvaluateFlags): Promise<void> {
  const format = tableFormat(flags)
  const quiet = flags.quiet === true || flags.json === true
  const model = await openModel(run, flags)
  const measured = await measure(model, flags, quiet)
  if (flags.picture !== undefined) await draw(measured, flags.picture)
  if (format === 'json') writeOutput(`${JSON.stringify(recordOf(measured, model), null, 2)}\n`, flags.out)
  else writeTable(flags.confusion ? confusionTable(measured) : measuresTable(measured), format, flags.out)
}

async function measure(model: TrainedModel, flags: EvaluateFlags, quiet: boolean): Promise<MeasuredModel> {
  const { dataset, data: folder, brokenImages, batchSize = BATCH_SIZE } = flags
  const report = quiet ? undefined : printAsideLine
  const images = await openTestImages(model, { dataset, folder, batchSize, brokenImages, report })
  const progress = quiet ? undefined : imageProgress(process.stderr)
  try {
    const measures = await evaluateModel(model, await executorFor(flags), images, batchSize, (done) =>
      progress?.show(done, images.count),
    )
    const { record, weights, input } = model
    return {
      ...{ training: record.id, epochs: weights.epochs, dataset: images.name, classNames: input.classNames, measures },
    }
  } finally {
    progress?.end()
    await images.close?.()
  }
}

/** Returns the measures of a network (accuracies, calibration, …) as the object that `--json` prints. */
function recordOf({ training, dataset, classNames, measures }: MeasuredModel, { weights, record }: TrainedModel) {
  const { classes, ...rest } = measures
  return {
    ...{ training, genotype: record.job.genotype, weights, dataset },
    ...rest,
    classes: classes.map((own, label) => ({ name: classNames[label], ...own })),
  }
}

async function draw(measured: MeasuredModel, paths: readonly string[]): Promise<void> {
  const { confusionFigure } = await import('../../report/figures/confusion.ts')
  await writePictures(confusionFigure(measured), paths)
}
