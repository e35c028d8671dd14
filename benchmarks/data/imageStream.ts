/**
 * How fast photographs become training batches: images a second and a second of processor time, for ImageNet's average
 * photograph and for files already scaled to 256 pixels.
 *
 *     npm run build && npx jiti benchmarks/data/imageStream.ts [ARCHIVE] [IMAGES]
 *
 * ARCHIVE is a tar of an image folder whose images are scaled up (default:
 * ../shared/data/cifar10/cifar10-images.tar.gz).
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { openArchive } from '../../src/data/files/tarArchive.ts'
import { openImageStream } from '../../src/data/photographs/imageStream.ts'
import { streamedTrainingData } from '../../src/data/photographs/streamedData.ts'

const [archive = '../shared/data/cifar10/cifar10-images.tar.gz', count = '1200'] = process.argv.slice(2)
const BATCH = 64

/** Width and height of the scaled-up files. */
const SIZES: readonly (readonly [number, number])[] = [
  [500, 375],
  [341, 256],
]

async function scaleUp(folder: string, [width, height]: readonly [number, number]): Promise<void> {
  const tree = await openArchive(archive)
  const images = tree.paths.filter((path) => path.endsWith('.jpg'))
  const step = Math.floor(images.length / Number(count))
  for (let i = 0; i < Number(count); i++) {
    for (const split of i < 2 * BATCH ? ['train', 'val'] : ['train']) {
      const target = join(folder, split, `class${i % 10}`)
      mkdirSync(target, { recursive: true })
      const image = sharp(await tree.read(images[i * step])).resize(width, height, { fit: 'fill', kernel: 'cubic' })
      await image.jpeg({ quality: 90 }).toFile(join(target, `${i}.jpg`))
    }
  }
}

/** Images a second of wall time, and a second of processor time, over one epoch after a warm-up of two batches. */
async function measure(folder: string, threads: number) {
  const stream = await openImageStream('benchmark', folder)
  const { train, close } = streamedTrainingData(stream, { batchSize: BATCH, seed: 0, threads })
  await train.batch(0)
  await train.batch(1)
  const start = performance.now()
  const before = process.cpuUsage()
  let images = 0
  for (let i = 2; i < 2 + train.batchesPerEpoch; i++) images += (await train.batch(i)).size
  const { user, system } = process.cpuUsage(before)
  const wall = (performance.now() - start) / 1000
  await close()
  return { wall: images / wall, processor: images / ((user + system) / 1e6) }
}

console.log(
  `${cpus()[0].model}, ${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}`,
)
for (const size of SIZES) {
  const folder = mkdtempSync(join(tmpdir(), 'nas-bench-stream-'))
  await scaleUp(folder, size)
  for (const threads of new Set([1, availableParallelism()])) {
    const { wall, processor } = await measure(folder, threads)
    const rate = `${wall.toFixed(0)} images/s, ${processor.toFixed(0)} a second of processor time`
    console.log(`${size.join('×')}, ${threads} thread${threads > 1 ? 's' : ''}: ${rate}`)
  }
  rmSync(folder, { recursive: true })
}
