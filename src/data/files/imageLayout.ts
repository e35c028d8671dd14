/**
 * Lists the images in a folder with ImageNet's layout: the folders `train/` and `val/` (or `test/`), each with one
 * folder per class.
 */
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { FileTree } from './fileTree.ts'

export interface LabelledFile {
  readonly path: string
  readonly label: number
}

export interface ImageLayout {
  /** Sorted names of the class folders. The label of a class is its index in this list. */
  readonly classNames: readonly string[]
  readonly train: readonly LabelledFile[]
  readonly test: readonly LabelledFile[]
  /** Name of the folder with the test images: `val` or `test`. */
  readonly testFolder: string
  /** Sentences for the user, one about each folder whose images are in neither set. */
  readonly notes: readonly string[]
}

const TEST_FOLDERS = ['test', 'val', 'valid', 'validation']
const isImage = (path: string): boolean => /\.(jpe?g|png)$/i.test(path)

/** Returns whether the folder has training images in class folders. */
export function hasImageLayout(tree: FileTree): boolean {
  return tree.paths.some((path) => /^train\/[^/]+\/[^/]+$/.test(path) && isImage(path))
}

/**
 * Lists the training and test images with their classes, sorted by path.
 * @throws BenchError `missing` if there is no test folder; `bad-input` for a class without images, or a class that only
 * one of the two sets has
 */
export function imageLayout(tree: FileTree): ImageLayout {
  const [testFolder, ...unused] = TEST_FOLDERS.filter((folder) => classFolders(tree, folder).length > 0)
  if (testFolder === undefined) {
    throw new BenchError('missing', `${tree.root} has train/ but no test/ or val/ with class folders; expected both`)
  }
  const classNames = classFolders(tree, 'train')
  requireSameClasses(tree, classNames, testFolder)
  const train = labelled(tree, 'train', classNames)
  const test = labelled(tree, testFolder, classNames)
  return { classNames, train, test, testFolder, notes: unused.map((folder) => unusedNote(tree, folder, testFolder)) }
}

function unusedNote(tree: FileTree, folder: string, testFolder: string): string {
  const count = tree.paths.filter((path) => path.startsWith(`${folder}/`) && isImage(path)).length
  return (
    `${tree.root}/${folder} is not used (${pluralize(count, 'image')}): the test set is ${testFolder}/, and validation images are ` +
    'taken from train/; to train on them too, move them into train/'
  )
}

function classFolders(tree: FileTree, split: string): string[] {
  const prefix = `${split}/`
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

function labelled(tree: FileTree, split: string, classNames: readonly string[]): LabelledFile[] {
  const labels = new Map(classNames.map((name, label) => [name, label]))
  const counts = classNames.map(() => 0)
  const files: LabelledFile[] = []
  for (const path of tree.paths) {
    const [folder, name, ...rest] = path.split('/')
    const label = folder === split && rest.length === 1 ? labels.get(name) : undefined
    if (label === undefined || !isImage(path)) continue
    counts[label]++
    files.push({ path, label })
  }
  const empty = classNames.filter((_, label) => counts[label] === 0)
  if (empty.length === 0) return files
  throw new BenchError(
    'bad-input',
    `${tree.root}/${split}: no JPEG or PNG files in class ${shortList(empty)}; add images or remove the folder`,
  )
}

/** Returns at most five of the names, quoted, for a message. */
function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`)
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ')
}
