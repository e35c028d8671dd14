import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { builtins } from '../../src/builtins.ts'
import type { ExperimentFlags } from '../../src/cli/experimentFlags.ts'
import { resolveExperiment } from '../../src/cli/resolveExperiment.ts'
import { PLUGIN } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-resolve-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = join(folder, 'x.yaml')
async function resolved(text: string, flags: ExperimentFlags) {
  writeFileSync(file, text)
  return (await resolveExperiment(builtins, flags, file)).experiment
}

describe('--algo with an experiment file', () => {
  const text = `
algorithms:
  - { name: drnas, protocol: drnas-paper, options: { progressive: true } }
  - { name: drnas, options: { anchor: kl }, probes: hessian }
  - gdas
`
  const [first, second] = [
    { name: 'drnas', protocol: 'drnas-paper', options: { progressive: true } },
    { name: 'drnas', options: { anchor: 'kl' }, probes: ['hessian'] },
  ]

  test('selects the entries of the file with their settings', async () => {
    expect((await resolved(text, { algo: ['drnas'] })).algorithms).toEqual([first, second])
  })
  test('adds an algorithm that the file does not have', async () => {
    const { algorithms } = await resolved(text, { algo: ['rea', 'gdas'] })
    expect(algorithms).toEqual([
      { name: 'rea', options: {} },
      { name: 'gdas', options: {} },
    ])
  })
  test('leaves the settings to other flags', async () => {
    const { algorithms } = await resolved(text, { algo: ['drnas'], protocol: 'micro', option: ['progressive=false'] })
    expect(algorithms).toEqual([
      { ...first, protocol: 'micro', options: { progressive: 'false' } },
      { ...second, protocol: 'micro', options: { anchor: 'kl', progressive: 'false' } },
    ])
  })
  test.each([['countdown'], [relative(process.cwd(), PLUGIN)]])('finds %s in a plugin of the file', async (name) => {
    const entries = `algorithms: [rea, { name: ${JSON.stringify(PLUGIN)}, options: { epochs: 7 } }]`
    expect((await resolved(entries, { algo: [name] })).algorithms).toEqual([
      { name: 'countdown', options: { epochs: 7 } },
    ])
  })
  test('does not load a plugin of the file for an algorithm that is built in', async () => {
    const { plugins } = await resolved('algorithms: [rea, ./absent.ts]', { algo: ['rea'] })
    expect(plugins).toEqual([])
  })
})

describe('a flag that names one of several', () => {
  test('--data replaces the folder of its dataset alone', async () => {
    const text = 'algorithms: rea\ndatasets: [cats, dogs]\ndata: { cats: /c, dogs: /d }'
    expect((await resolved(text, { data: ['dogs=/mine'] })).data).toEqual({ cats: '/c', dogs: '/mine' })
  })
  test('--budget replaces the budget of its dataset alone', async () => {
    const text = 'algorithms: rea\ndatasets: [cifar10, cifar100]\nbudget: { cifar10: 1, cifar100: 2 }'
    expect((await resolved(text, { budget: { cifar100: 3 } })).budgetSeconds).toEqual({ cifar10: 1, cifar100: 3 })
    expect((await resolved(text, { budget: 4 })).budgetSeconds).toBe(4)
  })
  test('--plugin adds to the plugins of the file, and may name one of them again', async () => {
    const other = join(folder, 'other.mjs')
    writeFileSync(other, 'export default { name: "other", algorithms: [] }')
    const text = `algorithms: countdown\nplugins: ${JSON.stringify(PLUGIN)}`
    const { plugins } = await resolved(text, { plugin: [other, relative(process.cwd(), PLUGIN)] })
    expect(plugins).toEqual([PLUGIN, other])
  })
})
