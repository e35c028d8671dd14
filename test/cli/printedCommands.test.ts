import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { asInvoked } from '../../src/cli/output.ts'
import { commands, programFor } from '../../src/cli/program.ts'
import { shellWord } from '../../src/core/plainText.ts'
import { renderTable } from '../../src/report/formats/renderTable.ts'
import { retrainCommand } from '../../src/retrain/retrainCommand.ts'
import { dartsFamily } from '../../src/spaces/darts/index.ts'
import { png, write } from '../data/sampleFiles.ts'
import { fixtureProtocol } from '../report/fixtureRuns.ts'
import { writePictures } from '../retrain/tinyTraining.ts'
import { type Ended, Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'
import { parseCommand as parse } from '../support/parseCommand.ts'
import { commandsIn, paste, wordsOf } from '../support/shell.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url))

/** All commands without subcommands, with their names. */
async function everyCommand(): Promise<[name: string, command: Command][]> {
  const programs = await Promise.all(commands.map(async ([name]) => [name, await programFor([name])] as const))
  const loaded = programs.map(([name, { commands: all }]) => [name, all.find((each) => each.name() === name)] as const)
  const below = (name: string, command: Command): [string, Command][] => [
    [name, command],
    ...command.commands.flatMap((each) => below(`${name} ${each.name()}`, each)),
  ]
  return loaded.flatMap(([name, command]) => (command ? below(name, command) : []))
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  return text
}

describe('a command in a help text or message', () => {
  test('exists with its options, and is not wrapped, in every --help', async () => {
    const program = await programFor([])
    for (const [name, command] of [['', program] as const, ...(await everyCommand())]) {
      const [text, examples = ''] = helpOf(command).split('Examples:\n')
      expect(commandsIn(examples).length, `examples of ${name}`).toBeGreaterThanOrEqual(2)
      for (const line of commandsIn(text + examples)) await expect(parse(line), line).resolves.toBeUndefined()
    }
  })

  test('exists with its options wherever the source has it in backquotes', async () => {
    const lines = new Set<string>()
    for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      const code = readFileSync(join(SOURCES, file), 'utf8').replace(/^ *(\/\*\*|\*|\/\/).*$/gm, '')
      for (const [, line] of code.matchAll(/\\?`(bench [a-z][^`\\$]*)\\?`/g)) lines.add(line)
    }
    expect(lines.size).toBeGreaterThan(10)
    for (const line of lines) await expect(parse(line), line).resolves.toBeUndefined()
  })

  test('begins with npx if the program was called by npx', () => {
    const text = 'see `bench list algos`\n  bench run --algo rea\nbench: no run; bench is no word\nUsage: bench run'
    expect(asInvoked(text, '/home/me/x/node_modules/.bin/nas-bench-harness')).toBe(
      'see `npx nas-bench-harness list algos`\n  npx nas-bench-harness run --algo rea\n' +
        'bench: no run; bench is no word\nUsage: npx nas-bench-harness run',
    )
    expect(asInvoked(text, '/x/node_modules/.bin/bench')).toContain('`npx bench list algos`')
    expect(asInvoked(text, '/usr/bin/nas-bench-harness')).toContain('`nas-bench-harness list algos`')
    for (const script of ['/usr/bin/bench', '/x/dist/cli/main.js', '']) expect(asInvoked(text, script)).toBe(text)
  })

  test.each([
    'plain/path-1.json',
    'a b',
    "it's",
    '$HOME',
    'a;b',
    '~/x',
    'Genotype(normal=[])',
    '',
    'ä',
    '*',
    'a"b',
    '`x`',
  ])('is quoted for the shell: %s', (word) => {
    expect(wordsOf(`bench ${shellWord(word)}`)).toEqual(['bench', word])
  })

  test('is never wrapped', () => {
    const line = `bench retrain --genotype '${'my runs and more/'.repeat(20)}result.json'`
    const table = { columns: [], rows: [], notes: ['x'], commands: { purpose: 'To train it', lines: [line] } }
    for (const format of ['text', 'md'] as const) expect(commandsIn(renderTable(table, format, 80))).toEqual([line])
    expect(JSON.parse(renderTable(table, 'json')).commands).toEqual([line])
  })
})

describe('the command that trains what a search found', () => {
  const genotype = `Genotype(normal=[${"('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ".repeat(4)}], normal_concat=range(2, 6), reduce=[${"('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ".repeat(4)}], reduce_concat=range(2, 6))`
  const { data, network } = fixtureProtocol
  const found = { file: 'my runs/x/result.json', genotype, family: dartsFamily, protocol: fixtureProtocol }
  const sized = { ...fixtureProtocol, name: 'micro:data.imageSize=32', data: { ...data, imageSize: 32 } }
  const skipping = { ...fixtureProtocol, data: { ...data, brokenImages: 'skip' as const } }
  const measured = { ...fixtureProtocol, metric: 'mAP' as const, data: { ...data, sampling: 'balanced' as const } }
  const onPhotographs = { ...fixtureProtocol, network: { ...network, family: 'imagenet' as const } }

  test.each([
    ['on images that are built in', { dataset: 'shapes' }, '--dataset shapes --no-auxiliary'],
    ['on images that were fetched', { dataset: 'cifar10' }, '--dataset cifar10'],
    ['on images in a folder', { dataset: 'cifar10', folder: 'a b' }, "--dataset cifar10 --data 'a b'"],
    [
      'on images that were scaled',
      { dataset: 'own', folder: 'x', protocol: sized },
      '--dataset own --data x --image-size 32',
    ],
    [
      'without broken images',
      { dataset: 'cifar10', folder: 'x', protocol: skipping },
      '--dataset cifar10 --data x --broken-images skip',
    ],
    [
      'by the search’s metric and sampling',
      { dataset: 'cifar10', folder: 'x', protocol: measured },
      '--dataset cifar10 --data x --sampling balanced --metric mAP',
    ],
    [
      'with the search’s class weights',
      {
        dataset: 'cifar10',
        folder: 'x',
        protocol: { ...fixtureProtocol, data: { ...data, classWeights: 'balanced' as const } },
      },
      '--dataset cifar10 --data x --class-weights balanced',
    ],
    [
      'with class weights that were stated',
      {
        dataset: 'cifar10',
        folder: 'x',
        protocol: { ...fixtureProtocol, data: { ...data, classWeights: { 'a cat': 2, dog: 0.5 } } },
      },
      "--dataset cifar10 --data x --class-weights 'a cat:2+dog:0.5'",
    ],
    ['on ImageNet', { dataset: 'imagenet', folder: 'x', protocol: onPhotographs }, '--dataset imagenet --data x'],
    ['on photographs of one’s own', { dataset: 'own', folder: 'own', protocol: onPhotographs }, '--dataset ./own'],
  ])('%s', async (_, on, words) => {
    const line = await retrainCommand({ ...found, ...on })
    expect(line).toBe(`bench retrain --genotype 'my runs/x/result.json' ${words}`)
    await parse(line)
  })
})

describe('every printed command works when pasted', () => {
  const place = new Workplace()
  const seen = new Set<string>()
  /** Downloads, and what takes an hour: of these the words are read. */
  const COSTLY = /^bench (?:(?:data|tables) fetch |run --algo drnas$)/

  const expectGood = (line: string, { code, stderr }: Ended) => expect(code, `${line}: ${stderr}`).toBe(0)

  /** Pastes what a command printed. @param more makes a full training short */
  async function pasteAll({ stdout, stderr }: Ended, more = ''): Promise<string[]> {
    const lines = commandsIn(stdout + stderr)
    for (const line of lines.filter((each) => !seen.has(each))) {
      seen.add(line)
      if (COSTLY.test(line)) await parse(line)
      else expectGood(line, paste(place, line.startsWith('bench retrain --genotype') ? line + more : line))
    }
    return lines
  }

  beforeAll(async () => {
    await writePictures(join(place.folder, 'sizes'), { side: 32 })
    write(join(place.folder, 'sizes/train/dog/9.png'), await png(9, 40, 30, 3))
    await writePictures(join(place.folder, 'pictures'), { side: 32 })
    renameSync(join(place.folder, 'pictures'), join(place.folder, "it's my pictures"))
    mkdirSync(join(place.folder, 'empty'))
    // As on a fresh machine: the embedded table alone.
    rmSync(join(place.home, 'tables'), { recursive: true })
  })
  afterAll(() => place.remove())

  test('after searches on the DARTS space, which name the full training', async () => {
    const args = [
      'run',
      '--algo',
      'darts-v1',
      '--space',
      'darts',
      '--dataset',
      'pictures',
      '--data',
      "it's my pictures",
    ]
    const seeds = full ? 2 : 1
    const small = ['--protocol', 'micro:epochs=1,batchSize=4', '--seeds', `${seeds}`, '--store', 'the "best" runs']
    const searched = await place.bench(...args, ...small)
    expect(searched).toMatchObject({ code: 0 })
    const lines = await pasteAll(searched, ' --epochs 1 --channels 4 --layers 3 --batch-size 8')
    expect(lines.filter((line) => line.startsWith('bench retrain'))).toHaveLength(seeds)
    await pasteAll(await place.bench('table', '--store', 'the "best" runs'))
    const [run] = place.runs('the "best" runs').map((path) => basename(path))
    for (const name of [run, run.slice(0, -4), join('the "best" runs', run)]) {
      const refused = await place.bench('export', name, '--to', 'onnx', '--store', 'the "best" runs')
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/ has no weights: .* train it, /) })
      const [train] = commandsIn(refused.stderr)
      const there = train.replace('cifar10', `pictures --data "it's my pictures"`)
      expectGood(train, paste(place, `${there} --preset trial --epochs 1 --channels 4 --layers 3 --batch-size 8`))
    }
  })

  test.runIf(full)('after a search on images that are too small for an auxiliary head', async () => {
    const small = ['--protocol', 'micro:epochs=1,batchSize=4,data.limit=16', '--seeds', '1', '--store', 'small']
    const searched = await place.bench('run', '--algo', 'pc-darts', '--space', 'darts', '--dataset', 'shapes', ...small)
    const lines = await pasteAll(searched, ' --epochs 1 --channels 4 --layers 3 --batch-size 8 --limit 8')
    expect(lines.some((line) => line.startsWith('bench retrain'))).toBe(true)
  })

  test.runIf(full)('after a search on images of several sizes', async () => {
    const args = ['run', '--algo', 'darts-v1', '--space', 'darts', '--dataset', 'sizes', '--data', 'sizes']
    const small = ['--protocol', 'micro:epochs=1,batchSize=4', '--seeds', '1', '--store', 'several']
    const searched = await place.bench(...args, ...small)
    const lines = await pasteAll(searched, ' --epochs 1 --channels 4 --layers 3 --batch-size 8')
    expect(lines.some((line) => line.includes('--image-size 16 --no-auxiliary'))).toBe(true)
  })

  test('after full trainings of architectures, which name the export of each one', async () => {
    const small = ['--preset', 'nb201-paper', '--epochs', '1', '--channels', '4', '--layers', '1']
    const images = ['--dataset', 'pictures', '--data', "it's my pictures", '--store', "trained 'ones'"]
    const genotypes = full ? ['6111', '6112'] : ['6111']
    const trained = await place.bench(
      'retrain',
      ...genotypes.flatMap((each) => ['--genotype', each]),
      ...images,
      ...small,
    )
    const exports = (await pasteAll(trained)).filter((line) => line.startsWith('bench export'))
    expect(exports).toHaveLength(genotypes.length)
    const written = readdirSync(place.folder).filter((name) => name.endsWith('.onnx'))
    expect(written).toHaveLength(genotypes.length)
    const json = await place.bench('retrain', '--genotype', '6111', ...images, ...small, '--json')
    expect(JSON.parse(json.stdout).commands[0]).toMatch(/^bench export .* --out genotype-pictures\.onnx$/)
  })

  test.runIf(full)('after searches that end in full trainings with several seeds', async () => {
    const retrain = { preset: 'nb201-paper', epochs: 1, channels: 4, layers: 1, seeds: [5, 6] }
    const file = { algorithms: ['darts-v1', 'drnas'], space: 'nb201', datasets: ['pictures'], seeds: [3, 4] }
    const protocol = 'micro:epochs=1,batchSize=4,data.limit=8'
    writeFileSync(join(place.folder, 'search.yaml'), JSON.stringify({ ...file, protocol, evaluate: { retrain } }))
    const searched = await place.bench('run', 'search.yaml', '--data', "it's my pictures")
    expectGood('bench run search.yaml', searched)
    const exports = (await pasteAll(searched)).filter((line) => line.startsWith('bench export'))
    expect(exports.map((line) => / --seed 5 .* --out (.*)$/.exec(line)?.[1])).toEqual([
      'darts-v1-pictures.onnx',
      'drnas-pictures.onnx',
    ])
    // Without its weights a network cannot be exported, and nothing is printed that would fail.
    for (const run of place.runs('runs')) rmSync(join(run, 'weights.safetensors'), { force: true })
    const again = await place.bench('run', 'search.yaml', '--data', "it's my pictures")
    expect(again.stdout).not.toContain('bench export')
  })

  test.runIf(full)('after bench new algo', async () => {
    const made = await place.bench('new', 'algo', 'my-climb', '--kind', 'black-box', '--folder', 'my "own" plugins')
    expect((await pasteAll(made)).length).toBeGreaterThan(1)
  })

  /** Calls of each kind; the first of a kind runs in quick tests, too. */
  const kinds = [
    [
      ['run', '--algo', 'random', '--seeds', '2'],
      ['run', '--algo', 'random', '--dataset', 'cifar100'],
      ['run', '--algo', 'drnas', '--dataset', 'cifar10', '--space', 'nb201'],
      ['run', '--algo', 'drnas', '--dataset', 'ImageNet16-120', '--table', 'nb201-micro'],
      ['run'],
      ['run', '--dataset', 'photos'],
    ],
    [['status', '--store', 'nowhere']],
    [
      ['table', 'empty'],
      ['table', '--store', 'nowhere'],
    ],
    [['verify', 'empty']],
    [
      ['query', '6111', '--dataset', 'cifar100'],
      ['query', '6111', '--split', 'x-test', '--curves'],
    ],
    [
      ['data', 'info', 'cifar10'],
      ['data', 'info'],
      ['data', 'info', 'ImageNet16-120'],
    ],
    [['doctor']],
    [
      ['list', 'algos'],
      ['list', 'options'],
      ['list', 'protocols'],
      ['list', 'presets'],
      ['list', 'limits'],
      ['list', 'tables'],
    ],
    [['tables', 'info', 'nb201-micro']],
  ]
  test.each(kinds.flatMap((calls) => (full ? calls : calls.slice(0, 1))).map((args) => ({ args })))(
    'by bench $args',
    async ({ args }) => {
      await pasteAll(await place.bench(...args))
    },
  )
})
