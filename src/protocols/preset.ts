/**
 * The type of a preset: a named search protocol in which every value is stated together with its source, and functions
 * to read it.
 */
import type { Protocol } from '../core/protocol.ts'

/** A setting's value, with the public file or paper that it comes from, or the reason for it. */
export interface Cited<T = unknown> {
  readonly value: T
  readonly source: string
}

/** The type T of nested settings, with every leaf (number, text, list, …) replaced by its value and its source. */
export type CitedTree<T> = [T] extends [Leaf]
  ? Cited<T>
  : { readonly [K in keyof T]: CitedTree<Exclude<T[K], undefined>> }
type Leaf = string | number | boolean | null | readonly unknown[]

/** The type of nested settings of which any may be missing; those that are given have a value and its source. */
export type Part<T> = { readonly [K in keyof T]?: T[K] extends Cited ? T[K] : Part<T[K]> }

/** A search protocol in which every value is stated with its source. */
export type CitedProtocol = CitedTree<Omit<Protocol, 'name'>>

/** A preset: a named search protocol, and the settings that differ by search space, dataset and algorithm. */
export interface Preset {
  /** The preset's name, which users type after `--protocol`. */
  readonly name: string
  readonly description: string
  readonly values: CitedProtocol
  /**
   * Settings of the preset that differ in a search space or a family of spaces (`darts` for `darts-s1`). Those by
   * dataset override them, and those by algorithm override both.
   */
  readonly bySpace?: Readonly<Record<string, Part<CitedProtocol>>>
  readonly byDataset?: Readonly<Record<string, Part<CitedProtocol>>>
  readonly byAlgorithm?: Readonly<Record<string, Part<CitedProtocol>>>
  /**
   * Families of search spaces for which the preset's source states no settings, each with the preset to use there.
   * Elsewhere the preset is as published.
   */
  readonly insteadOn?: Readonly<Record<string, string>>
  /** Whether the preset searches at a smaller size than every paper; `bench run` then prints a note. */
  readonly reduced?: boolean
  /**
   * Names of the papers' presets that a reduced one is compared with, by family of search spaces, where a report says
   * how much smaller its searches are.
   */
  readonly reducedFrom?: Readonly<Record<string, string>>
}

/**
 * Returns a function that labels values with one source. Example: `const script = from('owner/repo: path')`, then
 * `script(100)`.
 */
export const from =
  (source: string) =>
  <const T>(value: T): Cited<T> => ({ value, source })

/** Returns a preset's settings for the search space, dataset and algorithm of one job, with their sources. */
export function citedProtocol(
  preset: Preset,
  { space, dataset, algorithm }: { readonly space: string; readonly dataset: string; readonly algorithm: string },
): CitedProtocol {
  const family = space.split('-')[0]
  return overridden(
    preset.values,
    preset.bySpace?.[family],
    preset.bySpace?.[space],
    preset.byDataset?.[dataset],
    preset.byAlgorithm?.[algorithm],
  )
}

/** Returns nested settings in which each of the parts, in order, replaces the values that it states. */
export function overridden<T extends object>(values: T, ...parts: readonly (Part<T> | undefined)[]): T {
  return parts.reduce<Node>((tree, part) => merge(tree, part as Node | undefined), values as Node) as T
}

/** Returns nested settings without their sources. */
export function plainValues<T = Omit<Protocol, 'name'>>(cited: CitedTree<T>): T {
  return strip(cited as Node) as T
}

/** Lists all settings of a preset's protocol: path (as `weights.learningRate`), value and source. */
export function listSources(
  tree: object,
  path: readonly string[] = [],
): readonly (Cited & { readonly path: string })[] {
  return Object.entries(tree).flatMap(([key, node]) =>
    isCited(node) ? [{ path: [...path, key].join('.'), ...node }] : listSources(node, [...path, key]),
  )
}

type Node = { readonly [key: string]: Node | Cited }

const isCited = (node: object): node is Cited => 'value' in node && 'source' in node

function merge(tree: Node, part: Node | undefined): Node {
  const merged: Record<string, Node | Cited> = { ...tree }
  for (const [key, node] of Object.entries(part ?? {})) {
    const old = merged[key]
    merged[key] = isCited(node) || old === undefined || isCited(old) ? node : merge(old as Node, node)
  }
  return merged
}

function strip(tree: Node): unknown {
  return Object.fromEntries(Object.entries(tree).map(([key, node]) => [key, isCited(node) ? node.value : strip(node)]))
}
