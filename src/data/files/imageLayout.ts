/**
 * Lists the images in a folder with ImageNet's layout, the folders `train/` and `val/` (or `test/`), each with one
 * folder per class; or in a folder with one folder per class, whose images are divided by a seed.
 */
import type { ImageSplit } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { random } from '../../core/random.ts'
import type { FileTree } from './fileTree.ts'
import { DEFAULT_SPLIT, splitText } from './imageFolder.ts'

export interface LabelledFile {
  readonly path: string
  readonly label: number
}

export interface ImageLayout {
  /** Sorted names of the class folders. The label of a class is its index in this list. */
  readonly classNames: readonly string[]
  readonly train: readonly LabelledFile[]
  readonly test: readonly LabelledFile[]
  /** How the images were divided into training and test images; absent: they lie in folders of their own. */
  readonly split?: ImageSplit
  /** Sentences for the user, one about each folder whose images are in neither set. */
  readonly notes: readonly string[]
}

const TEST_FOLDERS = ['test', 'val', 'valid', 'validation']
/** Whether a path ends as an image file does. */
export const isImage = (path: string): boolean => /\.(jpe?g|png)$/i.test(path)

/** Returns whether the folder has training images in class folders. */
export function hasImageLayout(tree: FileTree): boolean {
  return tree.paths.some((path) => /^train\/[^/]+\/[^/]+$/.test(path) && isImage(path))
}

/**
 * Returns whether the folder has at least two class folders with images, and no folder for training or test images.
 */
export function hasClassFolders(tree: FileTree): boolean {
  const folders = new Set(
    tree.paths.flatMap((path) => (/^[^/]+\/[^/]+$/.test(path) && isImage(path) ? path.split('/')[0] : [])),
  )
  return folders.size > 1 && !['train', ...TEST_FOLDERS].some((name) => tree.folders.includes(name))
}

/**
 * Lists the training and test images with their classes, sorted by path. Images in class folders without `train/` are
 * divided class by class: a share of each class, drawn by a seed, are the test images.
 * @param split how such images are divided; absent: by `DEFAULT_SPLIT`
 * @throws BenchError `missing` if there is no test folder; `bad-input` for a class without images, a class that only one
 * of the two sets has, a class too small to be divided, or a `split` for images that are divided already
 */
export function imageLayout(tree: FileTree, split?: ImageSplit): ImageLayout {
  if (!hasImageLayout(tree) && hasClassFolders(tree)) return dividedLayout(tree, split ?? DEFAULT_SPLIT)
  if (!hasImageLayout(tree)) {
    const expected = 'train/CLASS and test/CLASS, or at least two folders CLASS'
    throw new BenchError('missing', `${tree.root} has no class folders with JPEG or PNG files; expected ${expected}`)
  }
  if (split !== undefined) {
    const found = `${tree.root} has train/ and test/ of its own`
    throw new BenchError('bad-input', `${found}; leave out ${splitText(split)}`)
  }
  const [testFolder, ...unused] = TEST_FOLDERS.filter((folder) => classFolders(tree, folder).length > 0)
  if (testFolder === undefined) {
    const remedy = `expected both; name ${tree.locate('train')} itself to have its images divided`
    throw new BenchError('missing', `${tree.root} has train/ but no test/ or val/ with class folders; ${remedy}`)
  }
  const classNames = classFolders(tree, 'train')
  requireSameClasses(tree, classNames, testFolder)
  const train = labelled(tree, 'train/', classNames)
  const test = labelled(tree, `${testFolder}/`, classNames)
  return { classNames, train, test, notes: unused.map((folder) => unusedNote(tree, folder, testFolder)) }
}

function dividedLayout(tree: FileTree, split: ImageSplit): ImageLayout {
  const { testPortion, seed } = split
  const classNames = classFolders(tree, '')
  const files = labelled(tree, '', classNames)
  const tested = classNames.map((name, label) => {
    const count = files.filter((file) => file.label === label).length
    const found = `${tree.root}: class "${name}" has one image`
    if (count < 2) throw new BenchError('bad-input', `${found}; at least two are needed, one to train and one to test`)
    const order = random(seed, 'data', 'test images', name).permutation(count)
    return new Set(order.subarray(0, Math.min(count - 1, Math.max(1, Math.round(testPortion * count)))))
  })
  const seen = classNames.map(() => 0)
  const isTested = files.map(({ label }) => tested[label].has(seen[label]++))
  const test = files.filter((_, i) => isTested[i])
  const share = `${Math.round(1000 * testPortion) / 10} % of each class, ${pluralize(test.length, 'image')} drawn by seed ${seed}`
  const note = `${tree.root} has no train/ and test/: ${share}, are the test images (FOLDER:test=0.3,seed=1 changes that)`
  return { classNames, train: files.filter((_, i) => !isTested[i]), test, split, notes: [note] }
}

/**
 * Lists the images of a folder that has only images to test on: class folders, directly or in `test/` or `val/`. Returns
 * undefined if there are none.
 */
export function testLayout(tree: FileTree): Pick<ImageLayout, 'classNames' | 'test'> | undefined {
  const classesIn = (prefix: string) => {
    const names = tree.paths.flatMap((path) => {
      const [name, ...rest] = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : []
      return name !== undefined && rest.length === 1 && isImage(path) ? [name] : []
    })
    return [...new Set(names)].sort()
  }
  const prefix = [...TEST_FOLDERS.map((folder) => `${folder}/`), ''].find((each) => classesIn(each).length > 0)
  if (prefix === undefined) return undefined
  const classNames = classesIn(prefix)
  const test = tree.paths.flatMap((path) => {
    const [name, ...rest] = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : []
    return rest.length === 1 && isImage(path) ? [{ path, label: classNames.indexOf(name) }] : []
  })
  return { classNames, test }
}

function unusedNote(tree: FileTree, folder: string, testFolder: string): string {
  const count = tree.paths.filter((path) => path.startsWith(`${folder}/`) && isImage(path)).length
  return (
    `${tree.root}/${folder} is not used (${pluralize(count, 'image')}): the test set is ${testFolder}/, and validation images are ` +
    'taken from train/; to train on them too, move them into train/'
  )
}

/** Returns the sorted names of the class folders in a folder; `''` is the root. */
function classFolders(tree: FileTree, split: string): string[] {
  const prefix = split === '' ? '' : `${split}/`
  const inside = tree.folders.filter((folder) => folder.startsWith(prefix)).map((folder) => folder.slice(prefix.length))
  return inside.filter((name) => !name.includes('/')).sort()
}

function requireSameClasses(tree: FileTree, classNames: readonly string[], testFolder: string): void {
  const tested = classFolders(tree, testFolder)
  const onlyTrain = classNames.filter((name) => !tested.includes(name))
  const onlyTest = tested.filter((name) => !classNames.includes(name))
  if (onlyTrain.length + onlyTest.length === 0) return
  const side = (names: readonly string[], folder: string) =>
    names.length === 0 ? [] : [`${shortList(names)} only in ${folder}/`]
  const found = [...side(onlyTrain, 'train'), ...side(onlyTest, testFolder)].join(' and ')
  throw new BenchError('bad-input', `${tree.root}: class ${found}; expected the same class folders on both sides`)
}

/** Returns the images in the class folders under a prefix, as `train/`; `''` is the root. */
function labelled(tree: FileTree, prefix: string, classNames: readonly string[]): LabelledFile[] {
  const labels = new Map(classNames.map((name, label) => [name, label]))
  const counts = classNames.map(() => 0)
  const files: LabelledFile[] = []
  for (const path of tree.paths) {
    if (!path.startsWith(prefix)) continue
    const [name, ...rest] = path.slice(prefix.length).split('/')
    const label = rest.length === 1 ? labels.get(name) : undefined
    if (label === undefined || !isImage(path)) continue
    counts[label]++
    files.push({ path, label })
  }
  const empty = classNames.filter((_, label) => counts[label] === 0)
  if (empty.length === 0) return files
  throw new BenchError(
    'bad-input',
    `${[tree.root, prefix.slice(0, -1)].filter(Boolean).join('/')}: no JPEG or PNG files in class ${shortList(empty)}; add images or remove the folder`,
  )
}

/** Returns at most five of the names, quoted, for a message. */
function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`)
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ')
}
