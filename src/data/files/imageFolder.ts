/**
 * Parses the text with which a user names a folder or archive of images, such as `./photographs:test=0.3,seed=1`: the
 * path and, after a colon, how to divide the images if the folder does not say which are training and test images.
 */
import type { ImageSplit } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { isThere, statIfThere } from '../../system/readable.ts'
import { DATASETS, knownName } from '../datasetNames.ts'

/** A folder or archive of images, as the user names it. */
export interface ImageFolder {
  readonly path: string
  /** How to divide the images into training and test images; absent if the user does not say. */
  readonly split?: ImageSplit
}

/**
 * The division of images into training and test images if the user gives none: a fifth of each class are test images.
 */
export const DEFAULT_SPLIT: ImageSplit = { testPortion: 0.2, seed: 0 }

/**
 * Parses the name of an image folder. A path that exists as it is written is never cut at a colon.
 * @throws BenchError `bad-input` for an unknown setting, a portion outside 0 … 1 or a seed that is not a whole number
 */
export function parseImageFolder(text: string): ImageFolder {
  const [, path, settings] = /^(.+):([^:/\\]*=[^/\\]*)$/s.exec(text) ?? []
  if (path === undefined || isThere(text)) return { path: text }
  let split = DEFAULT_SPLIT
  for (const setting of settings.split(',')) {
    const [, key, number] = /^(test|seed)=(\d+|\d*\.\d+)$/.exec(setting) ?? []
    if (key === 'test' && Number(number) > 0 && Number(number) < 1) split = { ...split, testPortion: Number(number) }
    else if (key === 'seed' && Number.isSafeInteger(Number(number))) split = { ...split, seed: Number(number) }
    else throw badSetting(text, setting)
  }
  return { path, split }
}

/**
 * Returns whether the name of a dataset means a folder: it is a path, or a folder of that name is in the current
 * directory and no known dataset has that name.
 */
export function namesFolder(word: string): boolean {
  if (/[/\\]/.test(word)) return true
  const { path: name } = parseImageFolder(word)
  const isKnown = name === 'imagenet' || DATASETS.some((dataset) => dataset.name === knownName(name))
  return !isKnown && statIfThere(name)?.isDirectory() === true
}

/** Returns how images are divided as the user writes it: `:test=0.2,seed=0`. */
export const splitText = ({ testPortion, seed }: ImageSplit): string => `:test=${testPortion},seed=${seed}`

const badSetting = (text: string, setting: string): BenchError =>
  new BenchError(
    'bad-input',
    `${text}: "${setting}" is not test=FRACTION between 0 and 1 or seed=NUMBER, as in FOLDER:test=0.2,seed=0`,
  )
