import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { PLUGIN, Workplace } from '../support/command.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const place = new Workplace()
afterAll(() => place.remove())

writeFileSync(join(place.folder, 'file'), '')
writeFileSync(join(place.folder, 'x.yaml'), 'algoritms: [random]')
writeFileSync(join(place.folder, 'noPlugin.ts'), 'export default 5')
writeFileSync(join(place.folder, 'broken.ts'), 'export default {')
mkdirSync(join(place.folder, 'empty'))

/** Arguments after `bench`, and the expected line. */
const cases: readonly [string, string | RegExp][] = [
  ['runn', "unknown command 'runn'; did you mean run?"],
  ['help runn', "unknown command 'runn'; did you mean run?"],
  ['run --algos drnas', "unknown option '--algos'; did you mean --algo?"],
  ['run', 'no algorithm is named; add --algo drnas, for example; `bench list algos` lists all'],
  ['run --algo drnass', /^unknown algorithm "drnass"; did you mean "drnas"\? \(known: .*, random, .*\)$/],
  ['run --algo drnas,', "option '--algo <names>' argument 'drnas,' is invalid. the list contains an empty name."],
  ['run --algo random --space nb202', /^unknown space "nb202"; did you mean "nb201"\?/],
  ['run --algo drnas --dataset cifr10', /^unknown dataset "cifr10"; did you mean "cifar10"\?/],
  ['run --algo drnas --backend wams', /^unknown backend "wams"; did you mean "wasm"\?/],
  ['run --algo drnas --executor statik', /^unknown executor "statik"; did you mean "static"\?/],
  ['run --algo random --protocol mikro', /^unknown protocol "mikro"; did you mean "micro"\?/],
  [
    'run --algo random --dataset cifar10 --protocol micro:epochs=5',
    'protocol setting epochs does nothing for random (no search network is trained); leave it out',
  ],
  ['run --algo random --table nb202', /^unknown table "nb202"; did you mean "nb201"\?/],
  ['run --algo random --format latx', /^unknown format "latx"; did you mean "latex"\?/],
  ['run --algo random --probe hesian', /^unknown probe "hesian"; did you mean "hessian"\?/],
  ['plot hesian --out x.svg', /^unknown kind of figure "hesian"; did you mean "hessian"\?/],
  ['table --summary stdd', /^unknown summary "stdd"; did you mean "std"\?/],
  ['run --algo random --seeds 0', '--seeds 0 asks for no seed at all; --seeds 4 means the seeds 0 to 3'],
  ['run --algo random --seeds 2 --runs 3', "option '--runs <n>' cannot be used with option '--seeds <list>'"],
  ['run --algo random --jobs 0', "option '--jobs <n>' argument '0' is invalid. expected an integer of at least 1."],
  ['run --algo random --budget -5', /argument '-5' is invalid. expected a number above 0.$/],
  ['run --algo drnas --option ancor=kl', /^unknown option of drnas "ancor"; did you mean "anchor"\?/],
  ['run --algo drnas --option anchor', '--option anchor is not key=value, as in anchor=kl'],
  ['run --algo drnas --option anchor=', '--option anchor= gives anchor no value; leave it out, or give one'],
  ['run --algo drnas --option anchor=l3', /^drnas: option anchor=l3: Invalid option/],
  [
    'run --algo drnas,random --option rea.population=3',
    /^unknown algorithm of --option "rea" \(known: drnas, random\)$/,
  ],
  ['run --algo drnas --dataset cifar10 --data nowhere', /^dataset cifar10: there is no nowhere/],
  ['run --algo drnas --dataset cifar10 --data empty', /^empty does not hold cifar10: found nothing; expected /],
  ['run --algo drnas --dataset shapes,cifar10 --data x', '--data x: with several datasets write --data shapes=DIR'],
  [
    'run --algo random --dataset cifar100',
    /^no table of nb201 has cifar100 \(there are: .*\); `bench tables fetch nb201` gets the benchmark, or /,
  ],
  ['run --algo resnet --space darts', 'resnet does not work on darts; it works on nb201'],
  [
    'run --algo random --dataset cifar10 --store file/runs',
    /^cannot write to the store .*file\/runs \(ENOTDIR\); name another with --store$/,
  ],
  [
    'run --algo random --dataset cifar10 --store /proc/x',
    /^cannot write to the store \/proc\/x \(ENOENT\); name another/,
  ],
  ['new algo mine --folder /proc/x', /^cannot write \/proc\/x\/mine.ts and .*: ENOENT/],
  ['list spaces --out /proc/x/y/z', /^cannot write \/proc\/x\/y\/z: ENOENT/],
  [
    'tables build --recipe micro --as x --indices 0 --out /proc/x',
    /^cannot write \/proc\/x\/x.build\/recipe.json: ENOENT/,
  ],
  ["run --algo random --store ''", '--store is empty; give it a value, or leave it out'],
  ["list spaces --out ''", '--out is empty; give it a value, or leave it out'],
  ["run ''", 'an argument is empty; give it a value, or leave it out'],
  ["verify ''", 'an argument is empty; give it a value, or leave it out'],
  ['run nowhere.yaml', 'cannot read the experiment file nowhere.yaml (ENOENT)'],
  ['run x.yaml', /^unknown setting in x.yaml: "algoritms"; did you mean "algorithms"\?/],
  ['run --algo random --plugin nowhere.ts', /^plugin nowhere.ts: there is no file .*nowhere.ts$/],
  [
    'run --algo random --plugin noPlugin.ts',
    /^plugin noPlugin.ts: Invalid input: expected object, received number; its default export is to be definePlugin/,
  ],
  ['run --algo random --plugin broken.ts', /^plugin broken.ts cannot be loaded: /],
  [
    'run --algo random --plugin no-such-package',
    'plugin no-such-package: no such package here; install it with npm install no-such-package',
  ],
  [`run --algo countdwn --plugin ${PLUGIN}`, /^unknown algorithm "countdwn"; did you mean "countdown"\?/],
  ['status', /^there is no store at .*runs; `bench run --algo drnas` makes one, --store names another$/],
  ['list', 'name what to list: algos, options, spaces, datasets, tables, backends, protocols, presets, probes, limits'],
  ['list algs', /^unknown subject "algs"; did you mean "algos"\?/],
  ['genotype show |nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|', /nor_conv_5x5/],
  ['genotype show #15625', /15625/],
]

describe('bad input gets one line and exit status 2, and nothing is written', () => {
  test.each(cases)('bench %s', { concurrent: true }, async (line, message) => {
    const before = readdirSync(place.folder)
    const { code, stdout, stderr } = await place.bench(...line.split(' ').map((word) => (word === "''" ? '' : word)))
    const [first, ...rest] = stderr.split('\n')
    expect(rest).toEqual([''])
    if (typeof message === 'string') expect(first).toBe(`bench: ${message}`)
    else expect(first.replace(/^bench: /, '')).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(readdirSync(place.folder)).toEqual(before)
  })
})
