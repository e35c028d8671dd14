/** NAS-Bench-201 (Dong and Yang, ICLR 2020), also the topology space of NATS-Bench: 15,625 cells. */
import type { SearchSpace } from '../../core/space.ts'
import { derive, encoding, format, type Nb201Genotype, oneHot, parse } from './genotype.ts'
import { network, supernet } from './networks.ts'
import { ARCHITECTURE_COUNT, atIndex, indexOf } from './officialOrder.ts'
import { networkOf } from './sameNetwork.ts'
import { EDGES, nodeName } from './topology.ts'

export const nb201: SearchSpace<Nb201Genotype> = {
  name: 'nb201',
  description: 'NAS-Bench-201: cells of 4 nodes and 6 edges with 5 operations, 15,625 architectures',
  edges: EDGES,
  encoding,
  numbering: { count: ARCHITECTURE_COUNT, indexOf, at: atIndex },
  functionOf: networkOf,
  nodeName,
  parse,
  format,
  derive,
  oneHot,
  supernet,
  network,
}

export { officialCifar10Split } from './cifar10Split.ts'
export type { Nb201Genotype } from './genotype.ts'
export { functionalClasses, functionOf, isConnected, uniqueString } from './isomorphism.ts'
export { ARCHITECTURE_COUNT, atIndex, indexOf } from './officialOrder.ts'
export { networkOf } from './sameNetwork.ts'
