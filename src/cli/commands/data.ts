/** `bench data info` and `bench data fetch`: describes and downloads image datasets. */
import { Command } from 'commander'
import { BenchError } from '../../core/errors.ts'
import type { DatasetInfo } from '../../data/dataset.ts'
import { SKIP_OPTION } from '../../data/files/brokenImages.ts'
import { count, type Tabular, word, wordTable } from '../../report/formats/tabular.ts'
import { transferProgress } from '../amountProgress.ts'
import { brokenImagesOption, jsonOption, outOption, positiveInteger, quietOption, typedOption } from '../options.ts'
import { printAsideLine, tableFormat, writeOutput, writeTable } from '../output.ts'

export function dataCommand(): Command {
  return new Command('data')
    .summary('fetch and describe image datasets')
    .description('Image datasets: the built-in shapes, CIFAR, ImageNet16-120, and your own image folders.')
    .addCommand(infoCommand())
    .addCommand(fetchCommand())
    .addHelpText('after', '\nExamples:\n  bench data info\n  bench data fetch cifar10')
}

interface InfoFlags {
  readonly data?: string
  readonly imageSize?: number
  readonly brokenImages?: 'fail' | 'skip'
  readonly json?: boolean
  readonly out?: string
}

function infoCommand(): Command {
  return new Command('info')
    .summary('describe a dataset, or list all')
    .description('Describes a dataset and the files it was read from; without a name, lists the datasets.')
    .argument('[dataset]', 'name; with --data, any name for an image folder of your own')
    .option('--data <path>', 'folder or tar archive with the images')
    .option('--image-size <pixels>', 'scale the images to this side, as searches and trainings do', positiveInteger)
    .addOption(brokenImagesOption())
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench data info shapes\n  bench data info cifar10 --data ~/cifar10 --json')
    .action(showInfo)
}

async function showInfo(name: string | undefined, flags: InfoFlags): Promise<void> {
  const { datasetsHere } = await import('../../data/datasetNames.ts')
  const idle = (['data', 'imageSize', 'brokenImages'] as const).find((flag) => flags[flag] !== undefined)
  if (name === undefined && idle !== undefined) {
    const example = 'bench data info cifar10 --data FOLDER'
    throw new BenchError('bad-input', `${typedOption(idle)} applies to one dataset; name it, as in ${example}`)
  }
  if (name === undefined) return print(datasetsHere(), listing(datasetsHere()), flags)
  const { datasetInfo } = await import('../../data/dataset.ts')
  const { openDataset } = await import('../../data/openDataset.ts')
  const { scaledDataset } = await import('../../data/batches/imageView.ts')
  const dataset = await openDataset(name, {
    folder: flags.data,
    imageSize: flags.imageSize ?? null,
    brokenImages: flags.brokenImages,
    skipSetting: SKIP_OPTION,
    report: printAsideLine,
  })
  const info = datasetInfo(scaledDataset(dataset, flags.imageSize ?? null))
  print(info, infoTable(info), flags)
}

interface FetchFlags {
  readonly to?: string
  readonly url?: string
  readonly sha256?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

function fetchCommand(): Command {
  return new Command('fetch')
    .summary('download a dataset')
    .description(
      'Downloads a dataset, checks its hash and unpacks it. After an interruption, the same command continues.',
    )
    .argument('<dataset>', 'cifar10, cifar100 or ImageNet16-120')
    .option('--to <folder>', 'destination (default: the user’s data folder)')
    .option('--url <address>', 'tar archive to fetch in place of the published one')
    .option('--sha256 <hash>', 'expected SHA-256 of the archive')
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench data fetch cifar10\n  bench data fetch ImageNet16-120 --url https://host/ImageNet16.tar.gz',
    )
    .action(fetchNamed)
}

async function fetchNamed(name: string, { to, url, sha256, json, quiet }: FetchFlags): Promise<void> {
  const { fetchDataset } = await import('../../data/fetchDataset.ts')
  const { datasetInfo } = await import('../../data/dataset.ts')
  const progress = quiet || json ? undefined : transferProgress(process.stderr)
  const callbacks = {
    ...(progress && { onProgress: progress.show, onWait: printAsideLine }),
    ...(!quiet && { onIdle: printAsideLine }),
  }
  const dataset = await fetchDataset(name, { to, url, sha256, ...callbacks }).finally(() => progress?.end())
  const info = datasetInfo(dataset)
  print(info, infoTable(info), { json })
}

function print(
  content: unknown,
  table: Tabular,
  { json, out }: { readonly json?: boolean; readonly out?: string },
): void {
  const format = tableFormat({ json, out })
  if (format === 'json') writeOutput(`${JSON.stringify(content, null, 2)}\n`, out)
  else writeTable(table, format, out)
}

const listing = (datasets: readonly { name: string; description: string; where: string }[]): Tabular =>
  wordTable(
    ['name', 'description', 'where'],
    datasets.map(({ name, description, where }) => [name, description, where]),
  )

function infoTable({
  name,
  origin,
  image,
  trainImages,
  testImages,
  classes,
  mean,
  std,
  contentHash,
  notes,
}: DatasetInfo): Tabular {
  const numbers = (values: readonly number[]) => values.map((value) => value.toFixed(4)).join(', ')
  return {
    columns: [
      { title: 'Class', key: 'class' },
      { title: 'Training images', key: 'trainImages' },
      { title: 'Test images', key: 'testImages' },
    ],
    rows: [
      ...classes.map((each) => [word(each.name), count(each.trainImages), count(each.testImages)]),
      [word(`all ${classes.length}`), count(trainImages), count(testImages)],
    ],
    notes: [
      `${name}: ${image.height}×${image.width}×${image.channels} images, ${origin}`,
      `normalised by mean ${numbers(mean)} and deviation ${numbers(std)}`,
      `content ${contentHash}`,
      ...notes,
    ],
  }
}
