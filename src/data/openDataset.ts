/** Opens a dataset by name. The code that reads its files is loaded only when it is needed. */
import { BenchError } from '../core/errors.ts'
import { nearestName, unknownName } from '../core/names.ts'
import type { Dataset } from './dataset.ts'
import { DATASETS, knownName } from './datasetNames.ts'
import type { OpenDatasetOptions } from './files/fileDatasets.ts'

/**
 * Opens a dataset. An unknown name together with a folder stands for an image folder of the user's own.
 * @throws BenchError `unknown-name`; `missing` if the files do not exist; `bad-input` or `corrupt` if they are unusable
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
  const { usualShapes } = await import('./shapes.ts')
  return usualShapes()
}

/**
 * Checks the name of a dataset: an unknown name needs a folder, and must not resemble a known name.
 * @throws BenchError `unknown-name`
 */
function requireMeant(name: string, folder: string | undefined): void {
  const names = DATASETS.map((dataset) => dataset.name)
  if (names.includes(name)) return
  if (nearestName(name, names) !== undefined) throw unknownName('dataset', name, names)
  if (folder !== undefined) return
  const remedy = 'name the folder of images of your own with --data'
  throw new BenchError('unknown-name', `unknown dataset "${name}"; ${remedy} (known: ${names.join(', ')})`)
}
