/** An architecture for people: what computes each node of its cells, and what its network costs. */
import { parameterCount } from '../../core/network.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { macCount } from '../../spaces/cost.ts'

export interface GenotypeCard {
  readonly space: string
  readonly genotype: string
  /** Number of the architecture, where the space has one. */
  readonly index?: number
  /** `node 3 = skip_connect(0) + nor_conv_3x3(1)`, by cell type. */
  readonly cells: Readonly<Record<string, readonly string[]>>
  readonly network: { readonly channels: number; readonly depth: number; readonly image: string }
  /** Trainable numbers, and multiply-accumulates for one image. */
  readonly parameters: number
  readonly macs: number
}

/** The paper's evaluation networks on CIFAR: NAS-Bench-201 §2.2; DARTS §3.2. */
const SIZES: Readonly<Record<string, { readonly channels: number; readonly depth: number }>> = {
  nb201: { channels: 16, depth: 5 },
  darts: { channels: 36, depth: 20 },
}

const CIFAR = { height: 32, width: 32, channels: 3, classes: 10 }

export function genotypeCard(space: SearchSpace, genotype: Genotype): GenotypeCard {
  const size = SIZES[space.name.split('-')[0]] ?? { channels: 16, depth: 5 }
  const network = space.network(genotype, { shape: CIFAR, ...size })
  return {
    space: space.name,
    genotype: space.format(genotype),
    ...(space.numbering && { index: space.numbering.indexOf(genotype) }),
    cells: cellsOf(space, genotype),
    network: { ...size, image: '32×32×3, 10 classes' },
    parameters: parameterCount(network),
    macs: macCount(network),
  }
}

export function renderCard(card: GenotypeCard): string {
  const { space, genotype, index, cells, network, parameters, macs } = card
  return `${[
    `${space}${index === undefined ? '' : ` #${index}`}  ${genotype}`,
    ...Object.entries(cells).flatMap(([cell, nodes]) => ['', `${cell} cell`, ...nodes.map((node) => `  ${node}`)]),
    '',
    `network C=${network.channels} depth=${network.depth} on ${network.image}: ` +
      `${(parameters / 1e6).toFixed(3)} M parameters, ${(macs / 1e6).toFixed(2)} M multiply-accumulates`,
  ].join('\n')}\n`
}

/** One-hot mixing weights name the operation of each edge that the architecture uses. */
function cellsOf(space: SearchSpace, genotype: Genotype): Record<string, string[]> {
  const theta = space.oneHot(genotype)
  const cells: Record<string, Map<number, string[]>> = {}
  space.edges.forEach(({ cell, from, to, operations }, edge) => {
    const chosen = theta[edge].findIndex((weight) => weight > 0)
    cells[cell] ??= new Map()
    const terms = cells[cell].get(to) ?? []
    if (chosen >= 0 && operations[chosen] !== 'none') terms.push(`${operations[chosen]}(${from})`)
    cells[cell].set(to, terms)
  })
  return Object.fromEntries(
    Object.entries(cells).map(([cell, nodes]) => [
      cell,
      [...nodes].map(([node, terms]) => `node ${node} = ${terms.join(' + ') || 'zeros'}`),
    ]),
  )
}
