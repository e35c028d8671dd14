/** Describes an architecture for `bench genotype show`: the operations of each node, and the size of its network. */
import { unknownName } from '../../core/names.ts'
import { macCount, parameterCount } from '../../core/network.ts'
import type { EvaluationNetworkOptions, Genotype, SearchSpace } from '../../core/space.ts'
import { type DartsGenotype, searchedOn } from '../../spaces/darts/index.ts'
import { digitsFor } from '../formats/tabular.ts'

export interface GenotypeCard {
  readonly space: string
  readonly genotype: string
  /** Index of the architecture, where the space numbers its architectures. */
  readonly index?: number
  /** Lines such as `node out = skip_connect(in) + nor_conv_3x3(1)` for each type of cell. */
  readonly cells: Readonly<Record<string, readonly string[]>>
  readonly network: { readonly channels: number; readonly depth: number; readonly image: string }
  /** Number of trainable parameters, and of multiply-accumulates for one image. */
  readonly parameters: number
  readonly macs: number
}

/** A paper's evaluation network on a dataset. */
type Evaluation = Pick<EvaluationNetworkOptions, 'shape' | 'channels' | 'depth' | 'family'>

const onCifar = (size: Pick<Evaluation, 'channels' | 'depth'>, classes: number, side = 32): Evaluation => ({
  ...size,
  shape: { height: side, width: side, channels: 3, classes },
})

/** By space and dataset: NAS-Bench-201 §2.2; DARTS §3.2 and §3.3. */
const EVALUATIONS: Readonly<Record<string, Readonly<Record<string, Evaluation>>>> = {
  nb201: {
    cifar10: onCifar({ channels: 16, depth: 5 }, 10),
    cifar100: onCifar({ channels: 16, depth: 5 }, 100),
    'ImageNet16-120': onCifar({ channels: 16, depth: 5 }, 120, 16),
  },
  darts: {
    cifar10: onCifar({ channels: 36, depth: 20 }, 10),
    cifar100: onCifar({ channels: 36, depth: 20 }, 100),
    imagenet: {
      ...{ channels: 48, depth: 14, family: 'imagenet' },
      shape: { height: 224, width: 224, channels: 3, classes: 1000 },
    },
  },
}

/**
 * Returns the description of an architecture and of its evaluation network on a dataset.
 * @param dataset absent: the dataset that the cells were published for, else CIFAR-10
 * @throws BenchError `unknown-name` for a dataset of which the space has no evaluation network
 */
export function genotypeCard(space: SearchSpace, genotype: Genotype, dataset?: string): GenotypeCard {
  const networks = EVALUATIONS[space.name.split('-')[0]] ?? EVALUATIONS.nb201
  const chosen = dataset ?? ('normal' in genotype ? searchedOn(genotype as DartsGenotype) : 'cifar10')
  if (!Object.hasOwn(networks, chosen)) {
    throw unknownName(`dataset of the networks of ${space.name}:`, chosen, Object.keys(networks))
  }
  const options = networks[chosen]
  const network = space.network(genotype, options)
  const { shape, channels, depth } = options
  return {
    space: space.name,
    genotype: space.format(genotype),
    ...(space.numbering && { index: space.numbering.indexOf(genotype) }),
    cells: cellsOf(space, genotype),
    network: { channels, depth, image: `${shape.height}×${shape.width}×3, ${shape.classes} classes` },
    parameters: parameterCount(network),
    macs: macCount(network),
  }
}

/** Returns the description as text for a terminal. */
export function renderCard(card: GenotypeCard): string {
  const { space, genotype, index, cells, network, parameters, macs } = card
  return `${[
    `${space}${index === undefined ? '' : ` #${index}`}  ${genotype}`,
    ...Object.entries(cells).flatMap(([cell, nodes]) => ['', `${cell} cell`, ...nodes.map((node) => `  ${node}`)]),
    '',
    `network ${sizeText(card)} on ${network.image}: ` +
      `${millions(parameters, 3)} parameters, ${millions(macs, 2)} multiply-accumulates`,
  ].join('\n')}\n`
}

/** Returns the size of the network as papers write it: `C=16 N=5` on NAS-Bench-201, `C=36, 20 cells,` on the DARTS space. */
const sizeText = ({ space, network: { channels, depth } }: GenotypeCard): string =>
  space.startsWith('darts') ? `C=${channels}, ${depth} cells,` : `C=${channels} N=${depth}`

const millions = (count: number, least: number): string => `${(count / 1e6).toFixed(digitsFor(count / 1e6, least))} M`

/** Returns the operations of each node by type of cell, read from the one-hot mixing weights of the architecture. */
function cellsOf(space: SearchSpace, genotype: Genotype): Record<string, string[]> {
  const named = (node: number) => space.nodeName?.(node) ?? String(node)
  const theta = space.oneHot(genotype)
  const cells: Record<string, Map<number, string[]>> = {}
  space.edges.forEach(({ cell, from, to, operations }, edge) => {
    const chosen = theta[edge].findIndex((weight) => weight > 0)
    cells[cell] ??= new Map()
    const terms = cells[cell].get(to) ?? []
    if (chosen >= 0 && operations[chosen] !== 'none') terms.push(`${operations[chosen]}(${named(from)})`)
    cells[cell].set(to, terms)
  })
  return Object.fromEntries(
    Object.entries(cells).map(([cell, nodes]) => [
      cell,
      [...nodes].map(([node, terms]) => `node ${named(node)} = ${terms.join(' + ') || 'zeros'}`),
    ]),
  )
}
