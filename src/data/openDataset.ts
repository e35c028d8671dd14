/** Opens a dataset by name. What it takes to read one is loaded when it is opened. */
import { BenchError } from '../core/errors.ts'
import { nearestName, unknownName } from '../core/names.ts'
import type { Dataset } from './dataset.ts'
import { DATASETS, knownName } from './datasetNames.ts'
import type { OpenDatasetOptions } from './files/fileDatasets.ts'

/**
 * A name that is not known, with a folder, is an image folder of the user's own.
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
  const { shapes } = await import('./shapes.ts')
  return shapes()
}

/** A name of one's own needs a folder, and must not look like a known name mistyped. */
function requireMeant(name: string, folder: string | undefined): void {
  const names = DATASETS.map((dataset) => dataset.name)
  if (names.includes(name)) return
  if (nearestName(name, names) !== undefined) throw unknownName('dataset', name, names)
  if (folder !== undefined) return
  const remedy = 'name the folder of images of your own with --data'
  throw new BenchError('unknown-name', `unknown dataset "${name}"; ${remedy} (known: ${names.join(', ')})`)
}
