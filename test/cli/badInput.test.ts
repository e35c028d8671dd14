import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { PLUGIN, Workplace } from '../support/command.ts'
import { someOf } from '../support/full.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const place = new Workplace()
afterAll(() => place.remove())

writeFileSync(join(place.folder, 'file'), '')
writeFileSync(join(place.folder, 'x.yaml'), 'algoritms: [random]')
writeFileSync(join(place.folder, 'noPlugin.ts'), 'export default 5')
writeFileSync(join(place.folder, 'notes.md'), '# Notes\n\nOne, two, three.\n')
writeFileSync(join(place.folder, 'binary'), Buffer.from([0, 1, 2]))
writeFileSync(join(place.folder, 'broken.ts'), 'export default {')
mkdirSync(join(place.folder, 'empty'))

/** Arguments after `bench`, and the expected line. */
const cases: readonly [string, string | RegExp][] = [
  ['runn', /^unknown command "runn"; did you mean "run"\? \(known: run, retrain, /],
  ['foo', /^unknown command "foo" \(known: run, retrain, .*, doctor, help\)$/],
  ['tables foo', /^unknown command of bench tables "foo" \(known: import, fetch, /],
  ['help runn', /^unknown command "runn"; did you mean "run"\?/],
  ['run --algos drnas', "unknown option '--algos'; did you mean --algo?"],
  ['run --frobnicate', "unknown option '--frobnicate'; `bench run --help` lists the options"],
  ['run --seeds', /^--seeds has no value: 4 means seeds 0 to 3.*; for example: bench run --algo drnas .*--seeds 4$/],
  ['run drnas', 'drnas is an algorithm and no experiment file; write --algo drnas'],
  ['run', 'no algorithm is named; add --algo drnas, for example; `bench list algos` lists all'],
  ['run --algo drnass', /^unknown algorithm "drnass"; did you mean "drnas"\? \(`bench list algos` lists all \d+\)$/],
  ['run --algo drnas,', '--algo drnas,: expected names separated by commas, and one is empty'],
  ['run --algo ./nowhere.py', /^method .\/nowhere.py: there is no file .*nowhere.py; give its path from this folder$/],
  ['run --algo ./noPlugin.ts', /^plugin .\/noPlugin.ts: .*; its default export is to be definePlugin/],
  ['run --algo x.yaml', /^unknown setting in .*x.yaml, line 1: "algoritms"/],
  [
    'run --algo random --dataset cifar10 --dry-run',
    /^--dry-run shows the messages of a method that is a program, and none is named; add/,
  ],
  ['table --format parquet', '--format parquet needs a file: --out FILE.parquet'],
  ['run --algo random --space nb202', /^unknown space "nb202"; did you mean "nb201"\?/],
  ['run --algo drnas --dataset cifr10', /^unknown dataset "cifr10"; did you mean "cifar10"\?/],
  [
    'run --algo rea --dataset constructor',
    /^"constructor" is no name for a dataset, since JavaScript reserves it; choose/,
  ],
  ['run --algo rea --dataset shapes,__proto__', /^"__proto__" is no name for a dataset/],
  ['data fetch toString', /^"toString" is no name for a dataset/],
  ['tables fetch constructor', /^unknown table to fetch "constructor" \(known: /],
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
  ['run --algo random --seeds 2 --runs 3', '--runs and --seeds are given; leave one out'],
  ['run --algo random --jobs 0', '--jobs 0: expected an integer of at least 1'],
  ['run --algo random --budget -5', '--budget -5: expected a number above 0'],
  [
    'run --algo rea,rsps --select perturbation',
    '--select perturbation does nothing for rea, rsps, which have no option select; leave it out, or add an algorithm that has it, as darts-v1',
  ],
  [
    'run --algo random --early-stop skips',
    /^--early-stop skips does nothing for random, which has no option earlyStop; leave it out, or add /,
  ],
  ['run --algo darts-v1 --select pertubation', 'darts-v1: option select=pertubation: expected perturbation'],
  [
    'run --algo darts-v1 --option selectTune=2',
    'darts-v1: option selectTune=2: does nothing here; add select=perturbation, or leave it out',
  ],
  [
    'run --algo drnas --early-stop skips --option earlyStopEvery=2',
    'drnas: option earlyStopEvery=2: does nothing here; add earlyStop=eigenvalue, or leave it out',
  ],
  ['run --algo drnas --option ancor=kl', /^unknown option of drnas "ancor"; did you mean "anchor"\?/],
  ['run --algo drnas --option anchor', '--option anchor is not key=value, as in anchor=kl'],
  ['run --algo drnas --option anchor=', '--option anchor= gives anchor no value; leave it out, or give one'],
  ['run --algo drnas --option anchor=l3', 'drnas: option anchor=l3: expected one of l2, kl, none'],
  ['run --algo rea --option population=0', 'rea: option population=0: expected at least 1'],
  ['run --algo rea --option population=x', 'rea: option population=x: expected a number'],
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
  ['run nowhere.yaml', 'cannot read the experiment file nowhere.yaml (ENOENT); name a YAML file'],
  ['run x.yaml', /^unknown setting in x.yaml, line 1: "algoritms"; did you mean "algorithms"\?/],
  [
    'run --algo random --plugin nowhere.ts',
    /^plugin nowhere.ts: there is no file .*nowhere.ts; give its path from this folder$/,
  ],
  [
    'run --algo random --plugin noPlugin.ts',
    /^plugin noPlugin.ts: expected an object, found a number; its default export is to be definePlugin/,
  ],
  ['run --algo random --plugin broken.ts', /^plugin broken.ts cannot be loaded: /],
  [
    'run --algo random --plugin no-such-package',
    'plugin no-such-package: no such package here; install it with npm install no-such-package',
  ],
  [`run --algo countdwn --plugin ${PLUGIN}`, /^unknown algorithm "countdwn"; did you mean "countdown"\?/],
  ['status', /^there is no store at .*runs; `bench run --algo drnas` makes one, --store names another$/],
  [
    'list',
    'name what to list: algos, options, scores, spaces, genotypes, datasets, tables, backends, protocols, presets, probes, figures, limits',
  ],
  ['list algs', /^unknown subject "algs"; did you mean "algos"\?/],
  ['genotype show |nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|', /nor_conv_5x5/],
  ['genotype show #15625', /15625/],
]

/** Options of one value that are given twice, of every kind. */
const twice: readonly [string, string | RegExp][] = [
  ['run --algo random --seeds 2 --seeds 3', '--seeds is given twice; give it once'],
  ['run --algo random --space nb201 --space nb201', '--space is given twice; give it once'],
  ['run --algo random --protocol micro --protocol laptop', '--protocol is given twice; give it once'],
  ['run --algo random --table nb201 --table nb201-micro', '--table is given twice; give it once'],
  ['run --algo random --jobs 1 --jobs 2', '--jobs is given twice; give it once'],
  ['run --algo random --store a --store=b', '--store is given twice; give it once'],
  ['run --algo random --backend wasm --backend cpu', '--backend is given twice; give it once'],
  ['run --algo random --evaluate retrain --evaluate retrain', '--evaluate is given twice; give it once'],
  ['run --algo random --budget 3 --budget 4', /^--budget is given twice; /],
  ['run --algo random --budget cifar10=3 --budget 4', /^--budget is given twice; /],
  ['run --algo random --budget cifar10=3 --budget cifar10=4', '--budget has cifar10 twice; keep one of the two'],
  ['run --algo drnas --option anchor=kl --option anchor=l2', '--option has anchor twice; keep one of the two'],
  ['run --algo drnas --dataset cifar10 --data x --data y', '--data has cifar10 twice; keep one of the two'],
  ['run --algo drnas --probe alpha --probe alpha:every=2', '--probe has alpha twice; keep one of the two'],
  ['run --algo drnas --probe alpha:every=1,every=2', 'probe alpha has every twice; keep one of the two'],
  ['run --algo drnas --protocol micro:epochs=1,epochs=2', /^protocol micro:.* has epochs twice; keep one of the two$/],
  ['run --algo drnas --evaluate retrain:epochs=1,epochs=2', '--evaluate has epochs twice; keep one of the two'],
  ['run --algo drnas --slurm time=1,time=2', '--slurm has time twice; keep one of the two'],
  ['run --algo drnas --slurm time=1 --slurm time=2', '--slurm has time twice; keep one of the two'],
  ['list limits --raise yaml-kib=1 --raise yaml-kib=2', '--raise has yaml-kib twice; keep one of the two'],
  ['table --format md --format csv', '--format is given twice; give it once'],
  ['table --summary std --summary ci95', '--summary is given twice; give it once'],
  ['plot hessian --out x.svg --width 80 --width 90', '--width is given twice; give it once'],
  [
    'plot hessian --out x.svg --quantity regret',
    /^the figure hessian has no quantity regret; it has dominantEigenvalue/,
  ],
  [
    'plot cells --out x.svg --spread std',
    '--spread is for hessian, skips, anytime, regret, training, alpha, not for cells; leave it out',
  ],
  ['plot skips --out x.svg --quantity loss', 'the figure skips has no quantities to choose from; leave out --quantity'],
  [
    'plot training --out x.svg --quantity trace',
    'the figure training has no quantity trace; it has loss, accuracy, trainLoss, validLoss, trainAccuracy, validAccuracy, testAccuracy',
  ],
  ['report --out a.html --out b.html', '--out is given twice; give it once'],
  ['query --top 3 --top 4', '--top is given twice; give it once'],
  ['pareto --x a --x b --y c', '--x is given twice; give it once'],
  ['retrain --genotype DRNAS --epochs 1 --epochs 2', '--epochs is given twice; give it once'],
  ['tables import file --as a --as b', '--as is given twice; give it once'],
  ['tables build --recipe micro --recipe other --as x', '--recipe is given twice; give it once'],
  ['data info cifar10 --data a --data b', '--data is given twice; give it once'],
  ['new algo x --kind supernet --kind black-box', '--kind is given twice; give it once'],
]

/** Outputs that cannot be written, of commands that would work long before. */
const outputs: readonly [string, string | RegExp][] = [
  ['run --algo random --dataset cifar10 --out empty', 'empty is a folder; name a file in it'],
  ['run --algo random --dataset cifar10 --out empty/new/', 'empty/new/ is a folder; name a file in it'],
  ['run --algo random --dataset cifar10 --out file/x', /^cannot write file\/x: ENOTDIR/],
  ['run --algo random --dataset cifar10 --out /proc/x', /^cannot write \/proc\/x: ENOENT/],
  ['retrain --genotype DRNAS --dataset shapes --no-auxiliary --out empty', 'empty is a folder; name a file in it'],
  ['pareto --x a --y b --picture empty/x/.svg/', /^--picture empty\/x\/.svg\/: expected a file that ends in /],
  ['pareto --x a --y b --picture file/x.svg', /^cannot write file\/x.svg: ENOTDIR/],
  ['report --out empty', 'empty is a folder; name a file in it'],
  ['plot hessian --out file/x.svg', /^cannot write file\/x.svg: ENOTDIR/],
]

/** Names, values and files that do not exist or do not fit. */
const others: readonly [string, string | RegExp][] = [
  ['run empty', 'the experiment file empty is a folder; name a YAML file'],
  ['tables import file --as x --mapping empty', 'the mapping empty is a folder; name a YAML file'],
  ['tables build --recipe ./empty --as x', /^the recipe .*empty is a folder; give a YAML file/],
  ['run --algo random --plugin ./empty', 'plugin ./empty is no file; name the one to import'],
  ['run --algo random --table ./empty', /^"\.\/empty" is neither a table's name nor the path of an \.arrow file/],
  ['genotype show ./empty', /^there is no file \.\/empty; expected a file with a genotype/],
  ['tables merge ./empty --as x', /^"\.\/empty" is neither a table's name nor/],
  ['tables import file --as x', 'file is empty; expected a CSV file with a header'],
  ['import runs', 'import runs needs <files>: files, gzipped or not; for example: bench import runs results.csv'],
  ['import runs nothing', 'nothing does not exist; name a file or folder to import'],
  ['import runs file', 'file is empty; expected runs or the log of a search'],
  [
    'import runs x.yaml',
    /^x.yaml has no architectures of nb201; expected a CSV file, JSON lines, errors.json of NASLib, /,
  ],
  ['import runs file --answer best', '--answer best: expected last, or an epoch such as epoch=49'],
  ['import runs file --seed one', '--seed one: expected a whole number from 0'],
  ['import runs file --space nb202', /^unknown space "nb202"; did you mean "nb201"\?/],
  ['import runs file x.yaml --seed 3', '--seed 3 is the seed of one file; import each file by itself'],
  ['tables import nothing --as x', 'nothing does not exist; name a file or folder to import'],
  ['tables import file --as empty/x', /^"empty\/x" is not a table name; /],
  ['tables build --recipe mikro --as x', 'unknown recipe "mikro"; did you mean "micro"? (known: micro)'],
  ['tables build --as x', /^name the recipe: --recipe micro, or a YAML file/],
  ['tables build --recipe micro --as x --shard 5/4', /5\/4/],
  ['tables build --recipe micro --as x --seeds 5', /seed 5/],
  ['tables build --recipe micro --as x --indices 5-2', /expected indices or ranges, as 0-99,1462; found "5-2"$/],
  ['tables info nothing', /^unknown table "nothing" /],
  ['tables fetch nb202', /^unknown table to fetch "nb202"; did you mean "nb201"\?/],
  ['tables fetch nb201 --url nonsense', /^"nonsense" is not an address to download from; expected http/],
  ['data fetch cifar', /^unknown dataset to fetch "cifar"; did you mean/],
  ['data info cifar10 --data file', /^file is neither a folder nor a \.tar/],
  ['data info own --data empty', /^empty does not hold own: found nothing; expected train\/CLASS/],
  ['data info --data empty', /^--data applies to one dataset; name it, as in bench data info cifar10 --data FOLDER/],
  ['check plugin notes.md', /^notes.md is no plugin; expected a file ending in .ts, .*, .py, .*, another program that/],
  ['check plugin ./notes.md', /^.\/notes.md is no plugin; expected a file ending in .ts, .*, .py, .*, another program/],
  ['run --algo ./notes.md', /^.\/notes.md is no plugin; /],
  [
    'tables import notes.md --as x',
    /^notes.md is no table: its first line is "# Notes"; expected a CSV file with a header/,
  ],
  ['tables info notes.md', '"notes.md" is neither a table\'s name nor the path of an .arrow file'],
  ['run binary', 'experiment file binary is not text; expected names with values, as in "algorithms: [drnas]"'],
  ['genotype show binary', 'binary is not text; expected a file with a genotype, as result.json of a search'],
  ['genotype show file', 'file is empty; expected a file with a genotype, as result.json of a search'],
  ['genotype show notes.md', /^notes.md holds no architecture: darts genotype: cannot read "# Notes/],
  ['check plugin ./empty', 'plugin ./empty is no file; name the one to import'],
  ['new algo ../x', /^"\.\.\/x" is not a valid name/],
  ['new algo random', '"random" is built in; choose another name'],
  ['verify empty', /^empty holds neither a report nor runs; /],
  ['verify', /^verify needs <items>: report folders, .*; for example: bench verify reports$/],
  ['status file', /^file is a file that holds no runs; expected an experiment file/],
  ['table empty', /^there are no runs in empty; /],
  ['status --algo nothing', /^unknown algorithm "nothing" /],
  [
    'plot',
    /^plot needs <kind>: what to draw \(known: accuracies, hessian, .*\); for example: bench plot hessian --out/,
  ],
  ['plot nothing', /^unknown kind of figure "nothing" /],
  ['query 99999 --table nb201', 'there is no architecture 99999; nb201 has 0 to 15624'],
  ['query --top 0', '--top 0: expected an integer of at least 1'],
  ['query --where x', /^--where "x" is not a condition; expected a column/],
  ['query --by nothing --top 3', /^unknown column of the tables here "nothing" /],
  ['query 5 --dataset nothing', /^unknown dataset of the tables here "nothing" /],
  ['query 5 --table nb201 --top 3', '--top asks about the whole table; leave out 5'],
  [
    'query 5 6 --table nb201 --rank',
    '--rank ranks one architecture, in all columns; leave out the others, and --columns',
  ],
  ['query 5 --seed x', '--seed x: expected a seed, as 777, or mean'],
  ['pareto --x nothing --y cifar10/ori-test/200/mean', /^unknown column of the tables here "nothing" /],
  [
    'pareto --x params-M',
    /^pareto needs --y <column>: .* \(known: .*cifar10\/ori-test\/200\/mean, .*\); for example: bench/,
  ],
  ['query 5 --picture x.png', /^--picture draws two columns; ask with --correlate A,B, or leave it out/],
  [
    'score',
    /^score needs --score <names>: .*\(known: params, flops, .*; for example: bench score --score synflow,naswot/,
  ],
  ['score --score synflw', /^unknown score "synflw"; did you mean "synflow"\?/],
  ['score --score synflow+snp', /^unknown score "snp"; did you mean "snip"\?/],
  [
    'score --score snip,naswot --dataset gaussian',
    /^snip reads labels, and --dataset gaussian has none; name a dataset/,
  ],
  ['score --score naswot --architectures 15626', /^--architectures 15626: nb201 has 15625; give at most that/],
  ['score --score naswot --architectures 1', /^--architectures 1: scores rank, so give at least 2/],
  ['score --score naswot --architectures x.txt', /^--architectures x.txt is neither a number, nor "all", nor a file/],
  ['score --score naswot --architectures all --space darts', /^--architectures all: darts has too many/],
  ['score --score naswot --init kaimng', /^unknown initialisation "kaimng"; did you mean "kaiming"\?/],
  ['score --score naswot --as nb201-micro', 'table nb201-micro comes with the package; choose another name'],
  ['score --score naswot --batch 100000', /^--batch 100000: shapes has \d+ training images/],
  ['score --score naswot --table nothing', /^unknown table "nothing"/],
  ['query --table nb201 --correlate scores', /^table nb201 has no scores; `bench score --help` says how/],
  ['list limits --raise x=1', /^unknown limit "x" /],
  ['list limits --raise yaml-kib=0', '--raise yaml-kib=0: expected a number above 0, as in yaml-kib=256'],
  ['list algos extra', 'list takes only <subject>; leave out extra'],
  ['run --algo drnas --threads 0', '--threads 0: expected an integer of at least 1'],
  ['run --algo drnas --evaluate retain', /^unknown evaluation "retain"; did you mean "retrain"\?/],
  ['run --algo drnas --space darts --evaluate retrain:epochs=0', /^--evaluate retrain:epochs=0: epochs: /],
  ['run --algo drnas --slurm 5', /^--slurm "5": expected options of sbatch without their dashes/],
  [
    'genotype show DRNA',
    /^unknown genotype "DRNA"; did you mean "DRNAS" or .*\? \(`bench list genotypes` lists all \d+\)$/,
  ],
  ['retrain', /^retrain needs --genotype <arch>: published name, .*; for example: bench retrain --genotype 6111/],
  ['export', /^export needs --to <formats>: .*\(known: onnx, safetensors, .*; for example: bench export /],
  ['export --to onnx', /^export needs <run>: id of a run .*`bench status` lists runs\); for example: bench export /],
  ['table nothing', /^there is no nothing, and no run in the store .*runs; expected a store, a run, a report or/],
  ['retrain --genotype DRNAS --dataset cifar1', /^unknown dataset "cifar1"; did you mean/],
  ['retrain --genotype DRNAS --preset trail', /^unknown preset "trail"; did you mean "trial"\?/],
  ['retrain --genotype DRNAS --epochs 1.5', '--epochs 1.5: expected an integer of at least 1'],
]

describe('bad input gets one line and exit status 2, and nothing is written', () => {
  /** What the commands beside this one try out for a moment is left out. */
  const entries = () => readdirSync(place.folder).filter((name) => !name.endsWith('.tmp'))

  // Each case starts a process: a sixteenth of them, or all in `npm run test:full`.
  const all = [...cases, ...twice, ...outputs, ...others]
  test.each(someOf(all, 16))('bench %s', { concurrent: true }, async (line, message) => {
    const before = entries()
    const { code, stdout, stderr } = await place.bench(...line.split(' ').map((word) => (word === "''" ? '' : word)))
    const [first, ...rest] = stderr.split('\n')
    expect(rest).toEqual([''])
    if (typeof message === 'string') expect(first).toBe(`bench: ${message}`)
    else expect(first.replace(/^bench: /, '')).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(entries()).toEqual(before)
  })
})
