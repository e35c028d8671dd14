/**
 * The contract suite for search spaces: the promises that every built-in space keeps, and that `bench check plugin`
 * checks on the spaces of a plugin. Each rule is checked on architectures sampled from the space's encoding, and on the
 * smallest networks that the space builds.
 */
import { isDeepStrictEqual } from 'node:util'
import { BenchError } from '../../core/errors.ts'
import type { Executor } from '../../core/executor.ts'
import { coefficientLayout, type Matrix } from '../../core/mixing.ts'
import type { Network } from '../../core/network.ts'
import { pluralize } from '../../core/plainText.ts'
import { random } from '../../core/random.ts'
import { type EvaluationNetworkOptions, type Genotype, type SearchSpace, sample } from '../../core/space.ts'
import { requireFiniteResults } from '../../training/finite.ts'
import { initialWeights } from '../../training/initialise.ts'
import { createSupernet } from '../../training/supernet.ts'
import { tinyData, tinyProtocol } from './tinyTask.ts'

/** The result of checking one rule on one search space. */
export interface SpaceRuleResult {
  readonly space: string
  readonly rule: string
  /** Description of what the space does against the rule; absent if it keeps the rule. */
  readonly seen?: string
}

/** The search space that is checked, with sampled architectures and an executor for its networks. */
interface Subject {
  readonly space: SearchSpace
  /** Architectures of the checked space, sampled uniformly from its encoding. */
  readonly genotypes: readonly Genotype[]
  executor(): Promise<Executor>
}

/** A rule of the contract suite: a promise that every search space keeps. */
interface SpaceRule {
  readonly name: string
  /** Describes how a space breaks this rule; undefined if it keeps the rule. An exception counts as a broken rule. */
  broken(subject: Subject): string | undefined | Promise<string | undefined>
}

/** Number of architectures that are sampled from a space to check its rules on. */
const SAMPLES = 20

/** Runs the contract suite on a search space. → one result per rule */
export async function checkSpace(space: SearchSpace, executor: () => Promise<Executor>): Promise<SpaceRuleResult[]> {
  const results: SpaceRuleResult[] = []
  for (const { name, broken } of rules) {
    const seen = await tried(async () => broken({ space, genotypes: sampled(space), executor }))
    results.push({ space: space.name, rule: name, ...(seen !== undefined && { seen }) })
  }
  return results
}

/** Samples the architectures of a space on which its rules are checked. */
function sampled(space: SearchSpace): readonly Genotype[] {
  const stream = random(0, 'contract space')
  return Array.from({ length: SAMPLES }, () => sample(space, stream))
}

/** Checks a rule of the contract suite; an exception is described like a broken rule. */
async function tried(rule: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await rule()
  } catch (error) {
    return `it fails: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** All rules for search spaces, in the order in which `bench check plugin` prints them. */
const rules: readonly SpaceRule[] = [
  {
    name: 'each edge leads to a later node and has different candidate operations',
    broken({ space: { edges } }) {
      if (edges.length === 0) return 'edges is empty'
      const wrong = edges.find(
        ({ from, to, operations }) =>
          !(from < to) || operations.length === 0 || new Set(operations).size < operations.length,
      )
      return wrong && `edge ${wrong.from}→${wrong.to} with operations ${wrong.operations.join(', ') || 'none at all'}`
    },
  },
  {
    name: 'decisions are read back from the architecture that they stand for',
    broken({ space: { encoding } }) {
      const { cardinalities } = encoding
      const bad = cardinalities.find((count) => !Number.isInteger(count) || count < 1)
      if (cardinalities.length === 0 || bad !== undefined) return `cardinalities are ${cardinalities.join(', ')}`
      const stream = random(1, 'contract space')
      for (let i = 0; i < SAMPLES; i++) {
        const decisions = cardinalities.map((count) => stream.integer(count))
        const again = encoding.encode(encoding.decode(decisions))
        if (again.join() !== decisions.join()) return `${decisions.join()} is encoded again as ${again.join()}`
      }
      return undefined
    },
  },
  {
    name: 'an architecture names its space, and its string is read as the same architecture',
    broken({ space, genotypes }) {
      const other = genotypes.find((genotype) => genotype.space !== space.name)
      if (other !== undefined) return `an architecture has space ${JSON.stringify(other.space)}`
      const texts = genotypes.map((genotype) => space.format(genotype))
      const wrong = texts.findIndex((text, i) => !isDeepStrictEqual(space.parse(text), genotypes[i]))
      return wrong === -1 ? undefined : `${texts[wrong]} is read as another architecture`
    },
  },
  {
    name: 'a text that is no architecture is refused with a BenchError',
    broken({ space }) {
      for (const text of ['', 'no architecture', '{}', '0']) {
        try {
          return `parse(${JSON.stringify(text)}) gives ${space.format(space.parse(text))}`
        } catch (error) {
          if (!(error instanceof BenchError)) return `parse(${JSON.stringify(text)}) throws ${String(error)}`
        }
      }
      return undefined
    },
  },
  {
    name: 'discretising the one-hot mixing weights of an architecture gives the architecture',
    broken({ space, genotypes }) {
      for (const genotype of genotypes) {
        const theta = space.oneHot(genotype)
        const problem = rowsProblem(space, theta)
        if (problem !== undefined) return problem
        const derived = space.format(space.derive(theta))
        if (derived !== space.format(genotype)) return `${space.format(genotype)} is derived as ${derived}`
      }
      return undefined
    },
  },
  {
    name: 'the supernet has a coefficient for each operation and edge, and finite gradients',
    async broken({ space, executor }) {
      const { protocol, shape, batch } = await task(space)
      const { channels, depth, affine, track } = protocol.network
      const network = space.supernet({ shape, channels, depth, batchNorm: { affine, track } })
      const { count } = coefficientLayout(space.edges.map(({ operations }) => operations.length))
      if (network.coefficientCount !== count) return `${network.coefficientCount} coefficients, expected ${count}`
      const supernet = await createSupernet({
        ...{ executor: await executor(), network, edges: space.edges, batchSize: protocol.batchSize },
        stream: random(0, 'weights', 'start'),
      })
      try {
        const theta: Matrix = space.edges.map(({ operations }) => operations.map(() => 1 / operations.length))
        await supernet.step(batch, { theta }, { ...protocol.weights })
        await supernet.gradient(batch, { theta })
        return undefined
      } finally {
        supernet.dispose()
      }
    },
  },
  {
    name: 'the network of an architecture has a logit for each class, and trains with finite numbers',
    async broken({ space, genotypes, executor }) {
      const { protocol, shape, batch } = await task(space)
      const { channels, depth } = protocol.network
      const options: EvaluationNetworkOptions = { shape, channels, depth }
      for (const genotype of genotypes.slice(0, 3)) {
        const network = space.network(genotype, options)
        if (!isDeepStrictEqual(network, space.network(genotype, options))) return 'two calls give different networks'
        const problem = headProblem(network, shape.classes)
        if (problem !== undefined) return `${space.format(genotype)}: ${problem}`
        const compiled = await (await executor()).compile(network, { batchSize: protocol.batchSize })
        const executable = requireFiniteResults(compiled)
        try {
          executable.weights.write(initialWeights(network, random(0, 'weights', 'start')))
          await executable.step({ batch }, { kind: 'cross-entropy' }, { ...protocol.weights })
          await executable.takeTally()
        } finally {
          executable.dispose()
        }
      }
      return undefined
    },
  },
  {
    name: 'numbers of architectures, if the space has them, run from 0 to count − 1',
    broken({ space, genotypes }) {
      const { numbering } = space
      if (numbering === undefined) return undefined
      for (const genotype of genotypes) {
        const index = numbering.indexOf(genotype)
        if (!Number.isInteger(index) || index < 0 || index >= numbering.count) return `an index is ${index}`
        const again = space.format(numbering.at(index))
        if (again !== space.format(genotype)) return `${space.format(genotype)} is number ${index}, which is ${again}`
      }
      return [-1, numbering.count].map((index) => refusal(numbering.at, index)).find((seen) => seen !== undefined)
    },
  },
  {
    name: 'training keys, pictures and the family, if the space has them, take every architecture',
    broken({ space, genotypes }) {
      for (const genotype of genotypes) {
        const key = space.trainingKey?.(genotype)
        if (key !== undefined && typeof key !== 'string') return `a training key is ${String(key)}`
        const drawings = space.draw?.(genotype, 'title') ?? []
        const empty = drawings.find(({ width, height }) => !(width > 0 && height > 0))
        if (empty !== undefined) return `a picture has ${empty.width} × ${empty.height} pixels`
        const { family } = space
        const text = space.format(genotype)
        if (family && family.format(family.parse(text)) !== text)
          return `family ${family.name} reads ${text} differently`
      }
      return undefined
    },
  },
]

/** Describes what is wrong with an architecture's one-hot mixing weights θ [edge][op]; undefined if they are valid. */
function rowsProblem({ edges }: SearchSpace, theta: Matrix): string | undefined {
  if (theta.length !== edges.length)
    return `oneHot gives ${pluralize(theta.length, 'row')} for ${pluralize(edges.length, 'edge')}`
  for (const [edge, row] of theta.entries()) {
    const isOneHot = row.every((weight) => weight === 0 || weight === 1) && row.filter(Boolean).length <= 1
    if (row.length !== edges[edge].operations.length || !isOneHot) return `row ${edge} of oneHot is ${row.join(', ')}`
  }
  return undefined
}

/** Describes what is wrong with a network's classification heads; undefined if each has one logit per class. */
function headProblem({ heads, values }: Network, classes: number): string | undefined {
  const found = heads.map(({ logits }) => values[logits].channels)
  return found.length > 0 && found.every((count) => count === classes)
    ? undefined
    : `its heads have ${found.join(', ') || 'no'} logits for ${pluralize(classes, 'class', 'classes')}`
}

/** Checks that a space throws for an architecture index that does not exist. → what it does instead, or undefined */
function refusal(at: (index: number) => Genotype, index: number): string | undefined {
  try {
    at(index)
    return `at(${index}) gives an architecture`
  } catch (error) {
    return error instanceof BenchError ? undefined : `at(${index}) throws ${String(error)}, not a BenchError`
  }
}

/** The smallest training task for the networks of a space: training settings, image shape and one batch. */
async function task(space: SearchSpace) {
  const protocol = tinyProtocol(space, 1)
  const { shape, weights } = tinyData(0, 1)
  return { protocol, shape, batch: await weights.batch(0) }
}
