import { describe, expect, test } from 'vitest'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { builtins } from '../../../src/builtins.ts'
import type { Algorithm } from '../../../src/core/algorithm.ts'
import { presets, resolveProtocol } from '../../../src/protocols/index.ts'
import { optionNames } from '../../../src/runner/plan/algorithmOptions.ts'
import { checkSearch } from '../../../src/runner/plan/checkSearch.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { genotypesWith } from '../../../src/spaces/nb201/genotype.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { openManifest } from '../../../src/tables/openTable.ts'
import { full } from '../../support/full.ts'

const algorithms: Readonly<Record<string, Algorithm>> = builtinAlgorithms
const registered = registerPlugins(builtins, [])

/** Plans one search on `shapes`, given as `name option=value …`, and returns the error message. */
async function refusal(line: string, protocol = 'micro', space = 'nb201', budgetSeconds?: number): Promise<string> {
  const [name, ...options] = line.split(' ')
  const experiment = {
    ...DEFAULTS,
    algorithms: [{ name, options: Object.fromEntries(options.map((option) => option.split('=', 2))) }],
    seeds: [0],
    ...{ protocol, space, executor: { backend: 'wasm' as const } },
    ...(budgetSeconds !== undefined && { budgetSeconds }),
  }
  return makePlan(experiment, await registered).then(
    () => 'planned',
    ({ message }: Error) => message,
  )
}

/** A protocol with 4 weight steps an epoch: half of 64 images in batches of 8. */
const FOUR_STEPS = 'micro:batchSize=8,data.limit=64'

describe('planning refuses a search that would search nothing', () => {
  test.each<[line: string, protocol: string, found: RegExp]>([
    [
      'pc-darts warmup=5',
      'micro:epochs=2',
      /^pc-darts: warmup=5 leaves none of the 2 epochs for the architecture; give /,
    ],
    ['pc-darts warmup=2', 'micro:epochs=2', /^pc-darts: warmup=2 leaves none of the 2 epochs/],
    ['drnas progressive=true freeze=5', 'micro:epochs=10', /^drnas: freeze=5 leaves none of the 5 epochs of a stage/],
    [
      'drnas progressive=true partialChannels=4,2,1 freeze=3',
      'micro:epochs=10',
      /^drnas: freeze=3 leaves none of the 3/,
    ],
    ['drnas progressive=true partialChannels=4', 'micro', /^drnas: partialChannels=4 is one stage, .*; give each/],
    [
      'drnas progressive=true partialChannels=2,4',
      'micro',
      /^drnas: partialChannels=2,4 narrows the network; .*descending/,
    ],
    ['zen-darts m=4', 'micro:epochs=3', /^zen-darts: m=4 is more than the 3 epochs/],
    ['gdas tauMin=11', 'micro', /^gdas: tauMin=11 is above tauMax=10, /],
    ['snas tauMax=0.5', 'micro', /^snas: tauMin=1 is above tauMax=0.5, /],
    ['darts-v1 earlyStop=eigenvalue', 'micro:epochs=10', /^darts-v1: earlyStop=eigenvalue cannot end 10 epochs, /],
    [
      'darts-v2 earlyStop=eigenvalue earlyStopEvery=9',
      'micro',
      /^darts-v2: earlyStop=eigenvalue cannot end 25 epochs, measured every 9 /,
    ],
    ['darts-v1 earlyStop=eigenvalue earlyStopFrom=19', 'micro', /not before epoch 19; give more epochs, a smaller/],
    ['drnas earlyStop=skips', 'micro:epochs=1', /^drnas: earlyStop=skips cannot end 1 epoch: not before epoch 0; give/],
    ['gdas earlyStop=skips earlyStopAt=7', 'micro', /earlyStop=skips waits for 7 skip connections, and .* at most 6/],
    ['snas earlyStop=ranks earlyStopAt=24', 'micro', /nor before 24 epochs in the same order; give more epochs/],
    ['darts-plus rule=ranks stable=30', 'micro', /^darts-plus: rule=ranks cannot end 25 epochs: /],
    [
      'r-darts by=adaptive',
      'micro:epochs=10',
      /^r-darts: by=adaptive cannot end 10 epochs, .*; give more epochs, or leave it out$/,
    ],
    ['dropnas rate=1', 'micro', /^dropnas: option rate=1: /],
    ['sdarts-rs epsilon=0.01', 'micro', /^sdarts-rs: epsilonMin=0.03 is above epsilon=0.01, /],
    [
      'sdarts-adv epsilon=0.01',
      'micro',
      /^sdarts-adv: epsilonMin=0.03 is above epsilon=0.01, .* the larger as epsilon$/,
    ],
    ['sdarts-adv epsilonMin=0.4', 'micro', /^sdarts-adv: epsilonMin=0.4 is above epsilon=0.3, /],
    [
      'pc-darts select=perturbation mostSkips=2',
      'micro',
      /^pc-darts: mostSkips limits .* select=perturbation makes none;/,
    ],
    [
      'beta-darts select=perturbation earlyStop=eigenvalue',
      'micro',
      /^beta-darts: earlyStop=eigenvalue answers with an earlier architecture, and .* later one; leave one of them out$/,
    ],
    [
      'beta-darts',
      'micro:epochs=1',
      /^beta-darts: λ is 0 in the first epoch and grows from there, and the protocol has 1 epoch; give at least 2$/,
    ],
    ['lambda-darts', 'micro:epochs=1,network.depth=2', /^lambda-darts: λ is 0 in the first epoch/],
    ['sdarts-rs epsilonMin=0', 'micro:epochs=1', /^sdarts-rs: ε is 0 in the first epoch/],
    ['sdarts-adv epsilonMin=0', 'micro:epochs=1', /^sdarts-adv: ε is 0 in the first epoch/],
    [
      'proxylessnas every=13',
      `${FOUR_STEPS},epochs=3`,
      /^proxylessnas: every=13 leaves no architecture step among the 12 weight steps; give a smaller every, or more epochs /,
    ],
    [
      'proxylessnas warmup=2 every=7',
      `${FOUR_STEPS},epochs=3`,
      /^proxylessnas: every=7 leaves .* the 12 weight steps, of which the warm-up has 8; give/,
    ],
    [
      'proxylessnas',
      `${FOUR_STEPS},epochs=1`,
      /^proxylessnas: every=5 leaves no architecture step among the 4 weight /,
    ],
    [
      'oles window=12',
      `${FOUR_STEPS},epochs=3`,
      /^oles: window=12 freezes nothing in a search of 12 weight steps; give at most 11, or more epochs or images$/,
    ],
    [
      'oles',
      `${FOUR_STEPS},epochs=5`,
      /^oles: window=20 freezes nothing in a search of 20 weight steps; give at most 19/,
    ],
    ['rsps candidates=1', 'micro', /^rsps: candidates=1 ranks nothing/],
    ['rea evaluations=10', 'micro', /^rea: evaluations=10, and with fewer than 11 nothing evolves: 10 are the first/],
    [
      'rea population=200',
      'micro',
      /^rea: 100 evaluations \(without a budget\), and with fewer than 201 nothing evolves/,
    ],
    ['bohb evaluations=9', 'micro', /^bohb: evaluations=9, and with fewer than 10 there is no model/],
    ['reinforce evaluations=1', 'micro', /^reinforce: evaluations=1, and with fewer than 2 nothing is learnt from/],
    ['local-search evaluations=1', 'micro', /^local-search: evaluations=1, /],
  ])('%s under %s', async (line, protocol, found) => {
    expect(await refusal(line, protocol)).toMatch(found)
  })

  test.each([
    ['pc-darts warmup=1', 'micro:epochs=2'],
    ['drnas progressive=true freeze=4', 'micro:epochs=10'],
    ['drnas progressive=true partialChannels=4,4,1 freeze=2', 'micro:epochs=10'],
    ['zen-darts m=3', 'micro:epochs=3'],
    ['zen-darts m=0', 'micro:epochs=3'],
    ['gdas tauMin=10', 'micro'],
    ['sdarts-adv epsilon=0.03', 'micro'],
    ['beta-darts', 'micro:epochs=2'],
    ['sdarts-rs', 'micro:epochs=1'],
    ['sdarts-adv epsilonMin=0', 'micro:epochs=2'],
    ['proxylessnas every=12', `${FOUR_STEPS},epochs=3`],
    ['proxylessnas warmup=2 every=6', `${FOUR_STEPS},epochs=3`],
    ['proxylessnas every=1000', 'micro:data.limit=null,epochs=3'],
    ['oles window=11', `${FOUR_STEPS},epochs=3`],
    ['oles window=1000', 'micro:data.limit=null'],
    ['darts-v1 earlyStop=eigenvalue', 'micro:epochs=18'],
    ['drnas earlyStop=skips', 'micro:epochs=2'],
    ['gdas earlyStop=skips earlyStopAt=6', 'micro'],
    ['snas earlyStop=ranks earlyStopAt=23', 'micro'],
    ['pc-darts select=perturbation earlyStop=skips', 'micro'],
    ['r-darts by=adaptive', 'micro:epochs=18'],
    ['rsps candidates=2', 'micro'],
    ['rea evaluations=11', 'micro'],
    ['bohb evaluations=10', 'micro'],
    ['random evaluations=1', 'micro'],
  ])('and not the next that would: %s under %s', async (line, protocol) => {
    expect(await refusal(line, protocol)).toBe('planned')
  })

  test('accepts a population that the budget may not fill', async () => {
    expect(await refusal('rea population=200', 'micro', 'nb201', 1e6)).toBe('planned')
  })
})

describe('planning refuses settings with which every run would fail', () => {
  test.each<[line: string, protocol: string, space: string, found: RegExp]>([
    ['pc-darts k=3', 'micro', 'nb201', /^partial channels k = 3: 4 channels cannot be cut into 3 equal parts/],
    ['drnas partialChannels=8', 'micro', 'nb201', /^partial channels k = 8: 4 channels cannot/],
    ['drnas progressive=true partialChannels=4,3', 'micro', 'nb201', /^partial channels k = 3: 4 channels cannot/],
    ['drnas progressive=true', 'micro:network.channels=6', 'nb201', /^partial channels k = 4: 6 channels cannot/],
    [
      'drnas progressive=true',
      'drnas-paper:network.channels=18',
      'darts',
      /^partial channels k = 4: 18 channels cannot/,
    ],
    [
      'drnas progressive=true partialChannels=4,2,1',
      'micro:epochs=2',
      'nb201',
      /^drnas: 3 stages \(partialChannels\) need/,
    ],
    ['drnas partialChannels=4,2', 'micro', 'nb201', /^drnas: partialChannels=4,2 are stages; add progressive=true/],
    ['darts-v1', 'micro:data.imageSize=6', 'darts', /halve|meet/],
    ['darts-v1', 'micro:network.dropPath=0.2', 'nb201', /dropPath/],
    ['pc-darts', 'robustdarts-paper', 'darts', /^network.dropPath: dropping edges .* without partial channels/],
    ['p-darts', 'robustdarts-paper', 'darts', /^network.dropPath drops whole edges, .* dropout of its own .*; set /],
    [
      'darts-v1',
      'micro:data.trainPortion=1,data.limit=null',
      'nb201',
      /^these fractions leave no images for the architecture half/,
    ],
    [
      'darts-v1',
      'micro:data.limit=1',
      'nb201',
      /^data.limit=1 and these fractions leave no images for the weight half/,
    ],
    ['darts-v1', 'micro:data.trainPortion=0.8,data.architecturePortion=0.3', 'nb201', /are more than there are/],
    ['bohb eta=3', 'micro', 'nb201', /^bohb with eta=3 needs trainings of several lengths/],
    ['rea', 'micro', 'darts', /^rea asks for accuracies, and there is no table of darts; name one with --table/],
    ['random', 'micro', 'darts', /^random asks for accuracies, and there is no table of darts/],
  ])('%s under %s on %s', async (line, protocol, space, found) => {
    expect(await refusal(line, protocol, space)).toMatch(found)
  })

  test.each([
    ['epochs', ['0', '2.5', '-1', '', '1e400', 'many']],
    ['batchSize', ['0', '0.5']],
    ['network.channels', ['0', '3.5']],
    ['network.depth', ['0', '1.5']],
    ['data.imageSize', ['0', '7.5']],
    ['data.limit', ['0', '10.5']],
    ['data.cropPadding', ['0.5', '-1']],
    ['data.cutout', ['0.5']],
    ['data.trainPortion', ['0', '1.1']],
    ['data.architecturePortion', ['1.1']],
    ['weights.learningRate', ['0']],
    ['architecture.learningRate', ['0']],
    ['weights.clipNorm', ['0']],
    ['weights.momentum', ['1']],
    ['network.dropPath', ['1']],
  ])('the protocol’s %s as none of %j', async (setting, values) => {
    for (const value of values) {
      expect(await refusal('darts-v1', `micro:${setting}=${value}`), value).toMatch(
        new RegExp(`^protocol setting "${setting}" is a (whole )?number .*, not "${value.replace('.', '\\.')}"$`),
      )
    }
  })

  test('a black-box search with full trainings', async () => {
    const protocol = resolveProtocol('darts-paper', { space: 'darts', dataset: 'cifar10', algorithm: 'rea' })
    const plan = { space: builtinSpaces.darts, protocol, dataset: 'cifar10', lookup: { headline: [] } }
    const check = (options: object) => () =>
      checkSearch(algorithms.random, { ...options }, { ...plan, budgetSeconds: undefined, retrained: true })
    expect(check({})).toThrow('random asks for many accuracies, which full trainings are too slow to answer')
    expect(check({ evaluations: 1 })).not.toThrow()
  })
})

describe('a search of the DARTS space with too few cells for a normal one is refused', () => {
  test.each(['darts', 'darts-no-none', 'darts-s1'])('on %s', async (space) => {
    for (const name of ['darts-v1', 'rsps', 'gdas']) {
      for (const depth of [1, 2]) {
        expect(await refusal(name, `micro:network.depth=${depth}`, space)).toBe(
          `${name}: a search network of ${depth} ${depth === 1 ? 'cell has' : 'cells has'} no normal cell; set network.depth to at least 3`,
        )
      }
      expect(await refusal(name, 'micro:network.depth=3', space)).toBe('planned')
    }
  })

  test('in each stage of P-DARTS', async () => {
    expect(await refusal('p-darts layers=3,2,5', 'micro', 'darts')).toBe(
      'p-darts: layers=3,2,5: a network of 2 cells has no normal cell; set layers to at least 3',
    )
    expect(await refusal('p-darts', 'micro:network.depth=2', 'darts')).toMatch(
      /^p-darts: network.depth=2: .*; set network.depth /,
    )
    expect(await refusal('p-darts layers=3,3,3', 'micro:network.depth=2', 'darts')).toMatch(/^planned$/)
  })

  test('but not of NAS-Bench-201, which has one type of cell', async () => {
    expect(await refusal('darts-v1', 'micro:network.depth=1', 'nb201')).toBe('planned')
  })
})

describe('a preset whose paper does not search the space is refused', () => {
  test.each([
    ['nb201-paper', 'darts-v1', 'darts'],
    ['nats-paper', 'rsps', 'darts-no-none'],
    ['idarts-paper', 'idarts', 'darts-s3'],
    ['idarts-paper:epochs=5,network.depth=8', 'idarts', 'darts'],
  ])('%s for %s on %s', async (protocol, name, space) => {
    const [preset] = protocol.split(':')
    expect(await refusal(name, protocol, space)).toBe(
      `protocol ${preset} has no settings for the space ${space}; ` +
        'use darts-paper, or add network.channels and network.depth to the protocol',
    )
  })

  test.each([
    ['idarts-paper:network.channels=16,network.depth=8', 'idarts', 'darts'],
    ['idarts-paper', 'idarts', 'nb201-no-none'],
    ['nb201-paper', 'darts-v1', 'nb201'],
  ])('but not %s for %s on %s', async (protocol, name, space) => {
    expect(await refusal(name, protocol, space)).toBe('planned')
  })
})

/** Options without which an algorithm has nothing to do on NAS-Bench-201. */
const needed: Readonly<Record<string, Record<string, unknown>>> = {
  genotype: { genotype: `|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|` },
}

/** Algorithms that cannot drop edges: one has partial channels, the other a dropout of its own. */
const WITHOUT_DROP_PATH = ['pc-darts', 'p-darts']

test('planning accepts every built-in algorithm with default options under every preset that suits it', async () => {
  const manifest = await openManifest('nb201-micro')
  let checked = 0
  for (const { name: preset } of presets) {
    for (const [name, algorithm] of Object.entries(algorithms)) {
      for (const [spaceName, space] of Object.entries(builtinSpaces)) {
        const isMain = spaceName === 'nb201' || spaceName === 'darts'
        if (!full && !isMain) continue
        if (algorithm.spaces?.includes(spaceName) === false) continue
        if (algorithm.kind !== 'supernet' && spaceName !== 'nb201') continue
        for (const dataset of full && isMain ? ['shapes', 'cifar10', 'ImageNet16-120', 'photos'] : ['shapes']) {
          const protocol = resolveProtocol(preset, { space: spaceName, dataset, algorithm: name })
          // DARTS+ ends at skip connections or by the order of convolutions, and S4 has neither.
          if (name === 'darts-plus' && spaceName === 'darts-s4') continue
          // RobustDARTS' edges are dropped on its own spaces, by algorithms that can drop them.
          if (protocol.network.dropPath && (spaceName.startsWith('nb201') || WITHOUT_DROP_PATH.includes(name))) continue
          const oracles = { [dataset]: manifest.oracles.shapes }
          const lookup = { manifest: { ...manifest, oracles }, headline: [] }
          const plan = { space: space as typeof builtinSpaces.darts, protocol, dataset, lookup }
          checkSearch(algorithm, needed[name] ?? {}, { ...plan, budgetSeconds: undefined, retrained: false })
          checked++
        }
      }
    }
  }
  expect(checked).toBeGreaterThan((presets.length * Object.keys(algorithms).length) / 2)
})

describe('the stages of a search (early stopping, few skip connections, selection by perturbation)', () => {
  const spaceOf = ({ spaces = ['nb201'] }: Algorithm) => (spaces.includes('nb201') ? 'nb201' : 'darts')
  const stages = ['select', 'selectTune', 'mostSkips', 'earlyStop', 'earlyStopEvery', 'earlyStopAt', 'earlyStopFrom']
  const alone = ['select=perturbation', 'mostSkips=1', 'earlyStop=skips', 'earlyStop=ranks']
  const dependent = ['selectTune=2', 'earlyStopEvery=4', 'earlyStopAt=3', 'earlyStopFrom=1', 'select=other']

  /** Some methods refuse a single epoch themselves. */
  const TOO_SHORT = /cannot end 1 epoch|is 0 in the first epoch|freezes nothing/

  /** Stages that would do nothing for an algorithm: DARTS+ has its own rules, and NASP computes one operation an edge. */
  const LACKING: Readonly<Record<string, readonly string[]>> = {
    'darts-plus': ['earlyStop', 'earlyStopEvery', 'earlyStopAt', 'earlyStopFrom'],
    nasp: ['select', 'selectTune'],
  }

  test.each(Object.values(algorithms).map((algorithm) => [algorithm.name, algorithm] as const))(
    '%s takes them, or refuses them in one line before it starts',
    async (name, algorithm) => {
      const known = optionNames(algorithm)
      const isKnown = (option: string) => known.includes(option.split('=')[0])
      const lacking = LACKING[name] ?? []
      const expected = known.includes('mostSkips') ? stages.filter((stage) => !lacking.includes(stage)) : []
      expect(stages.filter(isKnown)).toEqual(expected)
      const space = spaceOf(algorithm)
      const refusals = dependent.map(
        (option) => [option, isKnown(option) ? /does nothing here; add |select=other/ : /unknown option/] as const,
      )
      const answers = alone.map((option) => [option, isKnown(option) ? /^planned$/ : /unknown option/] as const)
      // Two epochs are too few for a rule that must see an order kept, one for every rule.
      const short = ['earlyStop=skips', 'earlyStop=ranks', 'earlyStop=eigenvalue'].map(
        (option) => [option, isKnown(option) ? TOO_SHORT : /unknown option/] as const,
      )
      for (const [option, expected] of [...refusals, ...answers]) {
        const message = await refusal(`${name} ${option}`, 'micro', space)
        expect(message, option).toMatch(expected)
        expect(message, option).not.toContain('\n')
      }
      for (const [option, expected] of short) {
        expect(await refusal(`${name} ${option}`, 'micro:epochs=1', space), option).toMatch(expected)
      }
    },
  )

  test('refuse an option that only the derivation by α uses', async () => {
    expect(await refusal('fair-darts threshold=0.5 select=perturbation')).toBe(
      'fair-darts: threshold is of a derivation by α, and select=perturbation makes none; leave one of them out',
    )
    expect(await refusal('fair-darts select=perturbation')).toBe('planned')
    expect(await refusal('fair-darts threshold=0.5 mostSkips=1')).toBe('planned')
  })
})

describe('a limit on skip connections', () => {
  test.each([
    ['nb201', 6],
    ['nb201-no-none', 6],
    ['darts', 8],
    ['darts-no-none', 8],
    ['darts-s2', 8],
    ['darts-s3', 8],
  ])('is refused if no cell of %s has more than its %d skip connections', async (space, possible) => {
    expect(await refusal(`gdas mostSkips=${possible - 1}`, 'micro', space)).toBe('planned')
    for (const most of [possible, possible + 3]) {
      expect(await refusal(`gdas mostSkips=${most}`, 'micro', space)).toBe(
        `gdas: mostSkips=${most} limits nothing: a normal cell of ${space} has at most ${possible} skip connections; ` +
          `give at most ${possible - 1}, or leave it out`,
      )
    }
  })

  test('is refused where there are none', async () => {
    expect(await refusal('darts-v1 mostSkips=0', 'micro', 'darts-s4')).toBe(
      'darts-v1: mostSkips=0 limits nothing: a normal cell of darts-s4 has none; leave it out',
    )
  })

  test('of P-DARTS has the same bound', async () => {
    expect(await refusal('p-darts skips=7', 'micro', 'darts')).toBe('planned')
    expect(await refusal('p-darts skips=8', 'micro', 'darts')).toMatch(
      /^p-darts: skips=8 limits nothing: .* at most 8 skip connections; give at most 7, or leave it out$/,
    )
  })
})

describe('a rule of DARTS+ is refused in a space in which it could end no search', () => {
  /** NAS-Bench-201 with these operations alone. */
  const spaceWith = (...operations: ('nor_conv_1x1' | 'nor_conv_3x3' | 'skip_connect')[]) => ({
    ...builtinSpaces.nb201,
    ...genotypesWith('few', operations),
    name: 'few',
    edges: builtinSpaces.nb201.edges.map((edge) => ({ ...edge, operations })),
  })
  const check = (space: object, options: object) => () =>
    algorithms['darts-plus'].check?.(
      { space, protocol: { epochs: 50 } } as never,
      algorithms['darts-plus'].options.parse(options),
    )

  test('which names the other rule, if that could', () => {
    const convolutions = spaceWith('nor_conv_1x1', 'nor_conv_3x3')
    for (const rule of ['skips', 'either']) {
      expect(check(convolutions, { rule })).toThrow(
        `darts-plus: rule=${rule} waits for skip connections, which few does not have; take rule=ranks`,
      )
    }
    expect(check(convolutions, { rule: 'ranks' })).not.toThrow()
    const oneConvolution = spaceWith('nor_conv_3x3', 'skip_connect')
    for (const rule of ['ranks', 'either']) {
      expect(check(oneConvolution, { rule })).toThrow(
        `darts-plus: rule=${rule} compares convolutions, of which no edge of few has two; take rule=skips`,
      )
    }
    expect(check(oneConvolution, { rule: 'skips' })).not.toThrow()
  })

  test.each(['skips', 'ranks', 'either'])('as rule=%s on S4', async (rule) => {
    expect(await refusal(`darts-plus rule=${rule}`, 'micro', 'darts-s4')).toMatch(
      /^darts-plus: rule=\w+ (waits|compares) .* darts-s4 .*; use darts-v1, since no rule of DARTS\+ can end this search$/,
    )
  })

  test('and so is that rule as an option of another search', async () => {
    expect(await refusal('gdas earlyStop=skips', 'micro', 'darts-s4')).toBe(
      'gdas: earlyStop=skips waits for 2 skip connections, and a normal cell has at most 0; take another rule, or leave it out',
    )
  })
})

test.each(Object.keys(builtinSpaces))(
  'fair-darts takes a threshold on %s only if it can leave something out',
  async (space) => {
    expect(await refusal('fair-darts threshold=0.5', 'micro', space)).toMatch(
      space === 'nb201-no-none'
        ? /^fair-darts: threshold=0.5 leaves out no operation on nb201-no-none, where every edge has one; leave it out$/
        : /^planned$/,
    )
    expect(await refusal('fair-darts', 'micro', space)).toBe('planned')
  },
)

test('d-darts needs a normal and two reduction cells, and its own space', async () => {
  expect(await refusal('d-darts', 'micro:network.depth=2', 'darts')).toMatch(/^d-darts: a list of 2 cells lacks /)
  expect(await refusal('d-darts', 'micro:network.depth=3', 'darts')).toBe('planned')
  expect(await refusal('d-darts', 'micro', 'nb201')).toMatch(/d-darts/)
})
