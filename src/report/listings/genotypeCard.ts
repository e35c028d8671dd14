/**
 * Describes an architecture for `bench genotype show`: the operations on the incoming edges of each node of its cells,
 * and the size of its network.
 */

import type { CellMixing, Matrix } from '../../core/mixing.ts'
import { unknownName } from '../../core/names.ts'
import { macCount, parameterCount } from '../../core/network.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { digitsFor } from '../formats/tabular.ts'

export interface GenotypeCard {
  readonly space: string
  readonly genotype: string
  /** Index of the described architecture; absent if its search space does not number its architectures. */
  readonly index?: number
  /**
   * The nodes of each cell, by the name of the cell type, or by the cell's position if the architecture is a list of
   * cells. Each node is a line such as `node out = skip_connect(in) + nor_conv_3x3(1)`.
   */
  readonly cells: Readonly<Record<string, readonly string[]>>
  /**
   * Size of the network with which the search space's paper evaluates the architecture; absent for a space without such
   * networks.
   */
  readonly network?: { readonly channels: number; readonly depth: number; readonly image: string }
  /** Number of trainable parameters of the architecture's evaluation network. */
  readonly parameters?: number
  /** Number of multiply-accumulates of the architecture's evaluation network for one image. */
  readonly macs?: number
}

/**
 * Returns the description of an architecture: its cells, and the size of its evaluation network on a dataset.
 * @param dataset dataset of the evaluation network; absent: the dataset that the architecture was published for, else
 * the first dataset of the space
 * @throws BenchError `unknown-name` for a dataset of which the space has no evaluation network
 */
export function genotypeCard(space: SearchSpace, genotype: Genotype, dataset?: string): GenotypeCard {
  return {
    space: space.name,
    genotype: space.format(genotype),
    ...(space.numbering && { index: space.numbering.indexOf(genotype) }),
    cells: cellsOf(space, genotype),
    ...costOf(space, genotype, dataset),
  }
}

function costOf(
  space: SearchSpace,
  genotype: Genotype,
  dataset: string | undefined,
): Pick<GenotypeCard, 'network' | 'parameters' | 'macs'> {
  const { evaluations = {} } = space
  const known = Object.keys(evaluations)
  if (known.length === 0 && dataset === undefined) return {}
  const chosen = dataset ?? space.searchedOn?.(genotype) ?? known[0]
  if (!Object.hasOwn(evaluations, chosen)) throw unknownName(`dataset of the networks of ${space.name}:`, chosen, known)
  const { depth: usual } = evaluations[chosen]
  const options = { ...evaluations[chosen], depth: space.cellCount?.(genotype) ?? usual }
  const network = space.network(genotype, options)
  const { shape, channels, depth } = options
  return {
    network: {
      channels,
      depth,
      image: `${shape.height}×${shape.width}×3, ${pluralize(shape.classes, 'class', 'classes')}`,
    },
    parameters: parameterCount(network),
    macs: macCount(network),
  }
}

/**
 * Returns the description of an architecture as text for a terminal.
 * @param depthCounts what the depth of a network counts in this search space: all its cells, or the cells of a stage
 */
export function renderCard(card: GenotypeCard, { depthCounts }: Pick<SearchSpace, 'depthCounts'>): string {
  const { space, genotype, index, cells, network, parameters = 0, macs = 0 } = card
  const size = network && (depthCounts === 'cells' ? `, ${pluralize(network.depth, 'cell')},` : ` N=${network.depth}`)
  return `${[
    `${space}${index === undefined ? '' : ` #${index}`}  ${genotype}`,
    ...Object.entries(cells).flatMap(([cell, nodes]) => ['', cellTitle(cell), ...nodes.map((node) => `  ${node}`)]),
    ...(network === undefined
      ? []
      : [
          '',
          `network C=${network.channels}${size} on ${network.image}: ` +
            `${millions(parameters, 3)} parameters, ${millions(macs, 2)} multiply-accumulates`,
        ]),
  ].join('\n')}\n`
}

/** Returns the title of a cell: `normal cell` for a cell type, `cell 2 (reduce)` for a cell of a list. */
const cellTitle = (name: string): string => (/^cell \d/.test(name) ? name : `${name} cell`)

const millions = (count: number, least: number): string => `${(count / 1e6).toFixed(digitsFor(count / 1e6, least))} M`

/**
 * Returns the nodes of each cell as lines, by the name of the cell type, or by position in a list of cells. They are
 * read from the architecture's one-hot mixing weights.
 */
function cellsOf(space: SearchSpace, genotype: Genotype): Record<string, string[]> {
  const cells = space.oneHotCells?.(genotype) ?? byType(space, space.oneHot(genotype))
  return Object.fromEntries(cells.map((cell) => [cell.name, nodeLines(space, cell)]))
}

/** Returns for each type of cell its edges, and their rows of the mixing weights. */
function byType({ edges }: SearchSpace, theta: Matrix) {
  return [...new Set(edges.map(({ cell }) => cell))].map((name) => {
    const own = [...edges.keys()].filter((edge) => edges[edge].cell === name)
    return { name, edges: own, theta: own.map((edge) => theta[edge]) }
  })
}

/** Returns a line for each node of a cell, such as `node out = skip_connect(in) + nor_conv_3x3(1)`. */
function nodeLines(space: SearchSpace, { edges, theta }: Required<CellMixing>): string[] {
  const named = (node: number) => space.nodeName?.(node) ?? String(node)
  const nodes = new Map<number, string[]>()
  for (const [row, edge] of edges.entries()) {
    const { from, to, operations } = space.edges[edge]
    const chosen = theta[row].findIndex((weight) => weight > 0)
    const terms = nodes.get(to) ?? []
    if (chosen >= 0 && operations[chosen] !== 'none') terms.push(`${operations[chosen]}(${named(from)})`)
    nodes.set(to, terms)
  }
  return [...nodes].map(([node, terms]) => `node ${named(node)} = ${terms.join(' + ') || 'zeros'}`)
}
