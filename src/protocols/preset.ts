/** The form of a protocol preset: a protocol in which every value is stated together with its source. */
import type { Protocol } from '../core/protocol.ts'

/** A value with the public file, paper or reason that it comes from. */
export interface Cited<T = unknown> {
  readonly value: T
  readonly source: string
}

/** The type of a record in which every leaf is stated with its source. Lists are leaves. */
export type CitedTree<T> = [T] extends [Leaf]
  ? Cited<T>
  : { readonly [K in keyof T]: CitedTree<Exclude<T[K], undefined>> }
type Leaf = string | number | boolean | null | readonly unknown[]

/** The type of any part of a cited record. */
export type Part<T> = { readonly [K in keyof T]?: T[K] extends Cited ? T[K] : Part<T[K]> }

/** A protocol in which every value is stated with its source. */
export type CitedProtocol = CitedTree<Omit<Protocol, 'name'>>

/** A named protocol, and how it differs by space, dataset and algorithm. */
export interface Preset {
  /** The name typed after `--protocol`. */
  readonly name: string
  readonly description: string
  readonly values: CitedProtocol
  /**
   * Differences on a space or a family of spaces (`darts` for `darts-s1`), then on a dataset, then for an algorithm;
   * later ones win.
   */
  readonly bySpace?: Readonly<Record<string, Part<CitedProtocol>>>
  readonly byDataset?: Readonly<Record<string, Part<CitedProtocol>>>
  readonly byAlgorithm?: Readonly<Record<string, Part<CitedProtocol>>>
  /** Whether the search is smaller than every published one, which `bench run` then says. */
  readonly reduced?: boolean
}

/**
 * Returns a function that states values with one source: `const script = from('owner/repo: path')`, then `script(100)`.
 */
export const from =
  (source: string) =>
  <const T>(value: T): Cited<T> => ({ value, source })

/** The values of a preset for one job, with their sources. */
export function citedProtocol(
  preset: Preset,
  { space, dataset, algorithm }: { readonly space: string; readonly dataset: string; readonly algorithm: string },
): CitedProtocol {
  const family = space.split('-')[0]
  const parts = [
    preset.bySpace?.[family],
    preset.bySpace?.[space],
    preset.byDataset?.[dataset],
    preset.byAlgorithm?.[algorithm],
  ]
  return parts.reduce<Node>(
    (tree, part) => merge(tree, part as Node | undefined),
    preset.values as Node,
  ) as CitedProtocol
}

/** The values of a cited record without their sources. */
export function plainValues<T = Omit<Protocol, 'name'>>(cited: CitedTree<T>): T {
  return strip(cited as Node) as T
}

/** Lists all leaves of a cited record with path, value and source, in order. */
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
