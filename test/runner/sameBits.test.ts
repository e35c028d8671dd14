/**
 * The same job gives the same bits on every machine and every version of Node.js: what each algorithm writes about its
 * epochs, against a hash from Node.js 20, 22 and 24 (x64). A change of an algorithm that changes its numbers changes
 * its hash here: raise its version with it.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtins } from '../../src/builtins.ts'
import { DEFAULTS } from '../../src/runner/plan/experiment.ts'
import { makePlan } from '../../src/runner/plan/plan.ts'
import { runWorkOrder } from '../../src/runner/processes/runWorkOrder.ts'
import { Store } from '../../src/runner/store/store.ts'
import { registerPlugins } from '../../src/system/plugins.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'
import { full } from '../support/full.ts'

const PROTOCOL = 'micro:epochs=4,batchSize=8,network.channels=4,network.depth=1,data.imageSize=8,data.limit=32'

/** Algorithm and version ↦ hash of its epochs' records, or of the queries of a black-box search. */
const HASHES: Readonly<Record<string, string>> = {
  'beta-darts 1': 'fdc60ecb62aa5bb9',
  'bohb 2': 'b71792620238fd77',
  'd-darts 1': '8ec94e07c51674e7',
  'darts-minus 1': '18d6bf7a7d05d99f',
  'darts-plus 1': '2bd34da577af34da',
  'darts-pt 1': '5f7e18bfd898c792',
  'darts-v1 1': '77ea3f8d5cfc0c17',
  'darts-v2 2': 'f5268803ec811035',
  'drnas 2': '52898e1293933d51',
  'dropnas 1': 'ee77fd2818d4576f',
  'dsnas 1': '32f0e947b99787d0',
  'enas 2': 'd88475b9c6a80629',
  'fair-darts 2': 'e762269594d3be0e',
  'gaea 1': 'ad58cc07d7d514b5',
  'gdas 1': '2c47ce678d5dbe47',
  'idarts 1': 'e24cc2a4a473164c',
  'knas 1': '65529b5049c3b9f1',
  'lambda-darts 1': '8076a82635fc92eb',
  'local-search 1': '1634336b28463d37',
  'multi-darts 1': '519bcc580e1423a8',
  'nasp 1': '51271e7d67566844',
  'oles 2': '10597d892db2c751',
  'p-darts 1': '45bf8070cf2020d9',
  'parsec 1': '9d0098dd6deec0ea',
  'pc-darts 1': '3c91ab951ffb0ca7',
  'proxylessnas 2': 'c179874e17350fe9',
  'r-darts 2': '56af388f365e1f51',
  'random 1': '4cac4828ed97c262',
  'rea 1': 'c935fd28dc49190b',
  'reinforce 2': '0ae0ea4ff5f25a19',
  'rsps 1': '558c313e6faaf067',
  'score-search 1': '89911520e7ba2059',
  'sdarts-adv 1': 'a96e6d47ed2b7680',
  'sdarts-rs 1': '12cc102e677a4d00',
  'setn 1': '949b9cd4d6194aa9',
  'snas 2': '0d75fdcedb554e32',
  'te-nas 1': '4ebdd4bc6e96c67c',
  'zen-darts 3': 'f9b4c4fc3db42505',
  'zen-nas 1': 'd8aaf39d44d52e62',
}

/** Options that make slow algorithms quick, or show their own steps in so short a search. */
const FEWER: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  enas: { controllerSteps: 3, samplesPerStep: 2 },
  'p-darts': { layers: '3,3,4' },
  oles: { window: 2 },
}

/** Returns a record without wall-clock times. */
const untimed = (extra: Readonly<Record<string, number>> = {}) =>
  Object.entries(extra).filter(([name]) => !name.endsWith('Seconds'))

/** Changes to the protocol for algorithms that need a larger network. */
const LARGER: Readonly<Record<string, string>> = { 'd-darts': PROTOCOL.replace('depth=1', 'depth=3') }

const folder = temporaryFolder()
/** One search of each kind; `npm run test:full` runs all. */
const QUICK = ['bohb', 'darts-v1', 'darts-v2', 'drnas', 'gdas', 'pc-darts', 'random', 'rea', 'rsps']
const algorithms = (builtins.algorithms ?? []).filter(
  ({ kind, name }) => kind !== 'reference' && (full || QUICK.includes(name)),
)

test.each(algorithms.map(({ name, version, spaces }) => [name, version, spaces] as const))(
  '%s gives the recorded bits',
  async (name, version, spaces) => {
    const space = spaces?.includes('nb201') === false ? 'darts' : 'nb201'
    const executor = { backend: 'wasm' } as const
    const experiment = {
      ...DEFAULTS,
      algorithms: [{ name, options: FEWER[name] ?? {} }],
      seeds: [0],
      space,
      protocol: LARGER[name] ?? PROTOCOL,
      executor,
      budgetSeconds: 300,
    }
    const plan = await makePlan(experiment, await registerPlugins(builtins, []))
    const [{ id, job }] = plan.jobs
    const store = new Store(join(folder.path, name))
    const failures: string[] = []
    const order = {
      store: store.folder,
      jobs: [{ id, job }],
      plugins: [],
      executor,
      ...(space === 'nb201' && { table: 'nb201-micro' }),
    }
    await runWorkOrder(order, builtins, (event) => event.kind === 'failed' && failures.push(event.message))
    expect(failures).toEqual([])
    const run = store.run(id)
    const records = run.epochs().map(({ seconds, metrics, extra, ...record }) => ({ ...record, extra: untimed(extra) }))
    const { genotype, oracle } = run.result() ?? expect.fail('the run is finished')
    const text = JSON.stringify({ records, genotype, oracle })
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
    expect({ [`${name} ${version}`]: hash }).toEqual({ [`${name} ${version}`]: HASHES[`${name} ${version}`] })
  },
)
