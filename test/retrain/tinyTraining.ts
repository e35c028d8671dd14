/** The smallest full training: eight images of 8×8 pixels, three cells, everything switched on that can be. */
import { join } from 'node:path'
import type { RetrainingSettings } from '../../src/core/retraining.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { openImages } from '../../src/retrain/images.ts'
import type { RetrainingRun } from '../../src/retrain/retrain.ts'
import { resolveSettings } from '../../src/retrain/settings.ts'
import { dartsFamily, parseCells } from '../../src/spaces/darts/index.ts'
import { png, writeAll } from '../data/sampleFiles.ts'

/** Two classes, of which each image is a colour. */
export async function writePictures(folder: string, { side = 8, perClass = 4 } = {}): Promise<string> {
  const files = new Map<string, Buffer>()
  for (const [label, name] of ['cat', 'dog'].entries()) {
    for (let i = 0; i < perClass; i++) files.set(`train/${name}/${i}.png`, await png(200 * label, 30 * i, 99, side))
    files.set(`val/${name}/0.png`, await png(200 * label, 45, 99, side))
  }
  return writeAll(folder, files)
}

/** Drop path and label smoothing at once; the images are too small for the auxiliary head. */
export const tinySettings: RetrainingSettings = {
  ...resolveSettings({ preset: 'trial', epochs: 3, channels: 4, layers: 3, batchSize: 5, limit: 8 }, 'pictures'),
  labelSmoothing: 0.1,
  dropPath: 0.5,
}

const executor = openExecutor({ backend: 'wasm', executor: 'static' })

export async function tinyRun(folder: string, changes: Partial<RetrainingRun> = {}): Promise<RetrainingRun> {
  const settings = { ...tinySettings, data: { ...tinySettings.data, imageSize: null } }
  return {
    store: join(folder, 'runs'),
    family: dartsFamily,
    genotype: parseCells('DARTS_V2'),
    settings,
    seed: 0,
    images: await openImages({ name: 'pictures', folder: join(folder, 'pictures'), settings }),
    executor: () => executor,
    executorName: 'static/wasm',
    ...changes,
  }
}
