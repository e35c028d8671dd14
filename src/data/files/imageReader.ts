/** Reads an image folder, or an archive of one, through the cache of decoded pixels. */
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../core/fileHash.ts'
import { contentHash } from './contentHash.ts'
import type { Contents, Reader } from './contents.ts'
import { decodedFile, readDecoded, writeDecoded } from './decodedCache.ts'
import { type DecodeOptions, decodeImages } from './decodeImages.ts'
import type { FileTree } from './fileTree.ts'
import { hasImageLayout, imageLayout } from './imageLayout.ts'

/** @param classes how many classes there must be; any number where absent */
export function imageReader(classes?: number): Reader {
  return {
    lookFor: 'train/CLASS/*.jpg and test/CLASS/*.jpg (or val/, or PNG)',
    matches: hasImageLayout,
    async read(tree, options) {
      const file = decodedFile(await tree.fingerprint(), way(options))
      return withClasses((await readDecoded(file)) ?? (await decodeAll(tree, options, file)), classes, tree.root)
    },
    async kept(archive, options) {
      const contents = await readDecoded(decodedFile(await fileHash(archive), way(options)))
      return contents && withClasses(contents, classes, archive)
    },
  }
}

const way = ({ imageSize }: DecodeOptions): string => `images-${imageSize ?? 'asis'}`

function withClasses(contents: Contents, classes: number | undefined, root: string): Contents {
  const found = contents.shape.classes
  if (classes === undefined || found === classes) return contents
  throw new BenchError('bad-input', `${root} has ${found} class folders; expected ${classes}`)
}

/** Decodes both sets, and keeps them where nothing was skipped. */
async function decodeAll(tree: FileTree, options: DecodeOptions, file: string): Promise<Contents> {
  const { classNames, train: trainFiles, test: testFiles } = imageLayout(tree)
  const total = trainFiles.length + testFiles.length
  options.report(`decoding ${total} images of ${tree.root}, once; the pixels are kept in ${file}`)
  const train = await decodeImages(tree, trainFiles, options)
  const test = await decodeImages(tree, testFiles, options, train)
  const shape = { height: train.height, width: train.width, channels: 3, classes: classNames.length }
  const contents = {
    shape,
    classNames,
    train: train.set,
    test: test.set,
    origin: 'decoded JPEG or PNG files',
    contentHash: contentHash(shape, train.set, test.set),
  }
  if (train.set.count + test.set.count === total) writeDecoded(file, contents, options.report)
  return contents
}
