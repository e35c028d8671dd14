/** The datasets by name. What it takes to read one is loaded when it is opened. */
import { existsSync } from 'node:fs'
import { BenchError } from '../core/errors.ts'
import { nearestName, unknownName } from '../core/names.ts'
import { userFolder } from '../core/userFolder.ts'
import type { Dataset } from './dataset.ts'
import type { DecodeOptions } from './files/decodeImages.ts'

export interface OpenDatasetOptions extends Partial<DecodeOptions> {
  /** Folder or tar archive; where absent, what `bench data fetch` left in the user's data folder. */
  readonly folder?: string
}

const DESCRIPTIONS = {
  shapes: 'built in: 16×16 drawings in 10 classes, made by a seeded generator',
  cifar10: '50,000 + 10,000 photographs of 32×32 pixels in 10 classes (Krizhevsky, 2009)',
  cifar100: '50,000 + 10,000 photographs of 32×32 pixels in 100 classes (Krizhevsky, 2009)',
  'ImageNet16-120':
    '151,700 + 6,000 photographs of 16×16 pixels: the first 120 classes of ImageNet (Chrabaszcz et al., 2017)',
} as const

/** Those that are read from files. */
export type FileDatasetName = Exclude<keyof typeof DESCRIPTIONS, 'shapes'>

/** What `bench list datasets` shows. */
export const DATASETS: readonly { readonly name: string; readonly description: string }[] = Object.entries(
  DESCRIPTIONS,
).map(([name, description]) => ({ name, description }))

/** A dataset's name as we write it, however it is cased; any other name as it is. */
export function knownName(typed: string): string {
  return DATASETS.find(({ name }) => name.toLowerCase() === typed.toLowerCase())?.name ?? typed
}

/** Where `bench data fetch` puts a dataset, and where it is looked for when no folder is named. */
export function datasetFolder(name: string): string {
  return userFolder('datasets', name)
}

/** Whether a dataset is where it is looked for when no folder is named. */
export function isFetched(name: string): boolean {
  return existsSync(datasetFolder(name))
}

/**
 * Opens a dataset by name. A name that is not known, with a folder, is an image folder of the user's own.
 * @throws BenchError `unknown-name`; `missing` where the files are not there; `bad-input` and `corrupt` for what is wrong
 * in them
 */
export async function openDataset(typed: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const name = knownName(typed)
  if (name === 'shapes') return openShapes(options)
  requireMeant(name, options.folder)
  const { openFileDataset } = await import('./files/fileDatasets.ts')
  return openFileDataset(name, options)
}

async function openShapes({ folder }: OpenDatasetOptions): Promise<Dataset> {
  if (folder !== undefined) {
    throw new BenchError('bad-input', 'shapes is drawn by the program and reads no files; leave out --data')
  }
  const { shapes } = await import('./shapes/shapes.ts')
  return shapes()
}

/** A name of one's own needs a folder, and must not look like a known name mistyped. */
function requireMeant(name: string, folder: string | undefined): void {
  const names = DATASETS.map((dataset) => dataset.name)
  if (names.includes(name)) return
  if (folder === undefined || nearestName(name, names) !== undefined) throw unknownName('dataset', name, names)
}
