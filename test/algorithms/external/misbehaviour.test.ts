/** Programs that break the rules of the conversation, in the shell, without the Python client. */
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { raiseLimit } from '../../../src/system/limits.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'
import { runningPrograms, runProgram, written } from './runProgram.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
const raised = process.env.NAS_BENCH_RAISED_LIMITS
afterAll(() => {
  if (raised === undefined) delete process.env.NAS_BENCH_RAISED_LIMITS
  else process.env.NAS_BENCH_RAISED_LIMITS = raised
})

const ARCHITECTURE = '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|'
const say = (message: object) => `echo '${JSON.stringify(message)}'`
const READY = say({ type: 'ready', protocol: 1 })
const ask = (architecture: unknown) => `${say({ type: 'ask', architecture })}; read -r told`
const ANSWER = say({ type: 'answer', architecture: ARCHITECTURE })
const HEAD = 'name: shell-search\nversion: 1\noptions: {}\nfiles: []\n'

/** A method file beside a shell script that does the given after the message `start`. → its path */
function method(name: string, script: string, head = HEAD): string {
  written(folder.path, `${name}/search.sh`, `#!/bin/sh\nread -r start\n${script}\n`)
  return written(folder.path, `${name}/method.yaml`, `${head}program: search.sh\n`)
}

let stores = 0
const run = (source: string, seeds = [0]) => runProgram(source, join(folder.path, `store${stores++}`), { seeds })

const good = `${READY}; read -r begin; ${ask(ARCHITECTURE)}; ${ANSWER}; read -r end`

/** What a program does wrong, the script, and the one line that says so. */
const cases: readonly [string, string, RegExp][] = [
  ['prints garbage', 'echo hello', /^shell-search: line 1 of the program’s output is no message: "hello"; print to/],
  ['prints half a message', 'printf \'{"type":\'; exit 0', /^shell-search: the program ended early \(exit code 0\)/],
  ['prints bytes that are no text', "printf '\\377\\376\\n'", /line 1 of the program’s output is no message: "��"/],
  ['answers with a list', 'echo "[1]"', /line 1 of the program’s output is no message: "\[1\]"/],
  ['sends a number that is not finite', 'echo \'{"type":"epoch","train_loss":NaN}\'', /is not finite; send finite/],
  [
    'sends an unknown message',
    say({ type: 'hello' }),
    /^shell-search: its message hello: type: expected one of method, ready, /,
  ],
  [
    'sends a message without a type',
    'echo "{}"',
    /^shell-search: its message without a type: type: expected one of method, ready, /,
  ],
  ['misspells a member', say({ type: 'ready', protocol: 1, epoch: 1 }), /its message ready: .*"epoch"/],
  ['answers at once', ANSWER, /^shell-search: it sent answer where ready was expected$/],
  ['speaks a later version', say({ type: 'ready', protocol: 2 }), /^shell-search speaks version 2 .* update nas-bench/],
  ['speaks an earlier version', say({ type: 'ready', protocol: 0 }), /version 0 of the messages, not 1; use the nas_/],
  [
    'exits early',
    'echo "no GPU found" >&2; exit 3',
    /^shell-search: the program ended early \(exit code 3\): no GPU found/,
  ],
  [
    'exits without a word',
    `${READY}; exit 0`,
    /ended early \(exit code 0\) without a word \(its output: .*program.log/,
  ],
  ['is killed', 'kill -9 $$', /ended early \(killed by SIGKILL\)/],
  [
    'floods its log',
    'while :; do echo $start $start $start; done >&2',
    /the program printed more than that; the limit is 1 MiB: raise it with --raise program-log-mib=2$/,
  ],
  ['floods its output with garbage', 'while :; do echo garbage; done', /line 1 of the program’s output is no message/],
  [
    'sends a message of more than 1 MiB',
    'head -c 1100000 /dev/zero | tr "\\0" x; echo',
    /a message is longer than that; the limit is 1024 KiB: raise it with --raise program-line-kib=2048$/,
  ],
  [
    'sends an endless line',
    'while :; do printf "%s" "$start"; done',
    /a message is longer than that; the limit is 1024 KiB/,
  ],
  ['hangs', 'sleep 1000', /the program neither sent a message nor printed anything; the limit is 1 seconds/],
  [
    'asks for an architecture of another space',
    `${READY}; read -r begin; ${ask('Genotype(normal=[], normal_concat=[], reduce=[], reduce_concat=[])')}`,
    /^shell-search: question 1: /,
  ],
  [
    'asks for a decision that there is not',
    `${READY}; read -r begin; ${ask([0, 0, 0, 0, 0, 5])}`,
    /^shell-search: question 1: decision 5 is 5; nb201 has 0 to 4 there$/,
  ],
  ['asks for too few decisions', `${READY}; read -r begin; ${ask([0, 0])}`, /question 1: 2 decisions; nb201 has 6$/],
  [
    'asks for a length of training that the table lacks',
    `${READY}; read -r begin; ${say({ type: 'ask', architecture: ARCHITECTURE, epochs: 7 })}; read -r told`,
    /7/,
  ],
  [
    'gives mixing weights of another shape',
    `${READY}; read -r begin; ${ask({ theta: [[1, 0]] })}`,
    /theta has 2 numbers in row 0; nb201 has 5$/,
  ],
  [
    'goes on asking',
    `${READY}; read -r begin; while :; do ${ask(ARCHITECTURE)}; done`,
    /^shell-search: it goes on asking after the budget is used up$/,
  ],
  ['answers another space', `${READY}; read -r begin; ${say({ type: 'answer', architecture: 'x' })}`, /its answer: /],
  ['answers nothing at all', `${READY}; read -r begin; ${say({ type: 'answer' })}; read -r end`, /a single evaluation/],
  ['reports an epoch twice', `${READY}; read -r b; ${epoch(0)}; read -r c; ${epoch(0)}`, /epoch 0 after its last/],
  ['reports a later epoch', `${READY}; read -r b; ${epoch(3)}`, /it reported epoch 3, expected 0$/],
]

function epoch(number: number): string {
  return say({ type: 'epoch', epoch: number, architecture: ARCHITECTURE })
}

describe.skipIf(process.platform === 'win32')('a program that', () => {
  test.each(cases)('%s is ended with one line, and other seeds go on', async (what, script, message) => {
    raiseLimit('program-silence-seconds=1')
    raiseLimit('program-log-mib=1')
    const wrong = `case "$start" in *'"seed":1,'*) ${script};; *) ${good};; esac`
    const { failures, runs } = await run(method(what.replace(/\W+/g, '-'), wrong), [1, 2])
    expect(failures).toEqual([expect.stringMatching(message)])
    expect(failures[0]).not.toContain('\n')
    expect(runs.map((each) => each.result()?.genotype)).toEqual([undefined, ARCHITECTURE])
    expect(runs[0].failure()?.message).toBe(failures[0])
    expect(runningPrograms()).toEqual([])
  })

  test('leaves processes behind is ended with them', async () => {
    const { runs } = await run(method('children', `sleep 1000 & ${good}`))
    expect(runs[0].result()?.genotype).toBe(ARCHITECTURE)
    expect(runningPrograms()).toEqual([])
  })

  test('ends its lines with CR LF and adds blank lines is understood', async () => {
    const crlf = good.replaceAll("echo '", "printf '\\n%s\\r\\n' '")
    expect((await run(method('crlf', crlf))).failures).toEqual([])
  })
})

/** What is wrong with a method, its source, and the one line that says so. */
const refused: readonly [string, () => string, RegExp][] = [
  [
    'is not there',
    () => join(folder.path, 'nowhere.py'),
    /^method .*nowhere.py: there is no file .*; give its path from/,
  ],
  [
    'is a folder',
    () => written(folder.path, 'dir.py/x', '').slice(0, -2),
    /dir.py is no file; name the program itself$/,
  ],
  [
    'has no interpreter',
    () =>
      written(
        folder.path,
        'a.yaml',
        `${HEAD}command: [python3.99, x.py]\nname: a\n`.replace('name: shell-search\n', ''),
      ),
    /^a: cannot start python3.99 \(ENOENT\); install Python 3.9 or newer/,
  ],
  [
    'names a virtual environment that is not there',
    () => written(folder.path, 'b.yaml', `${HEAD}program: .\npython: ./venv\n`),
    /python: .\/venv: there is no interpreter at .*venv; expected/,
  ],
  [
    'names a program that is not there',
    () => written(folder.path, 'c.yaml', `${HEAD}program: ../search.sh\n`),
    /there is no program .*search.sh; its path is relative to .*c.yaml$/,
  ],
  ['names no program', () => written(folder.path, 'd.yaml', HEAD), /it has no program; expected `program: search.py`/],
  [
    'names both program and command',
    () => written(folder.path, 'e.yaml', `${HEAD}program: x\ncommand: [x]\n`),
    /it has both program and command/,
  ],
  [
    'misspells a setting',
    () => written(folder.path, 'f.yaml', `${HEAD}progam: x\n`),
    /^unknown setting in .*f.yaml, line 5: "progam"; did you mean "program"\?/,
  ],
  [
    'names identifying files that are not there',
    () => written(folder.path, 'g.yaml', `${HEAD.replace('[]', '[lib]')}program: .\n`),
    /^files: lib: there is no .*lib; paths are relative to/,
  ],
  [
    'has an option with a default that is not allowed',
    () => method('option', good, HEAD.replace('{}', '{ a: { default: 3, max: 2 } }')),
    /option a: its default 3 is not one of its values$/,
  ],
  [
    'has the option of the harness',
    () => method('evaluations', good, HEAD.replace('{}', '{ evaluations: 3 }')),
    /the option evaluations is not its own/,
  ],
  [
    'describes itself in another version',
    () =>
      written(folder.path, 'later.yaml', 'program: later.sh\n') &&
      written(folder.path, 'later.sh', `#!/bin/sh\nread -r x\n${say({ type: 'method', protocol: 2, name: 'a' })}\n`),
    /speaks version 2 of the messages, not 1; update nas-bench-harness$/,
  ],
  [
    'prints instead of describing itself',
    () => written(folder.path, 'prints.sh', '#!/bin/sh\nread -r x\necho hello\n'),
    /line 1 of the program’s output is no message: "hello"/,
  ],
  [
    'may not be executed',
    () =>
      method('plain', good).replace('method.yaml', 'plain.txt') &&
      written(folder.path, 'plain.yaml', `${HEAD}command: [/dev/null]\n`),
    /cannot start \/dev\/null \(EACCES\); check that it exists and may be executed$/,
  ],
]

describe.skipIf(process.platform === 'win32')('a method that', () => {
  test.each(refused)('%s is refused with one line', async (_, source, message) => {
    const outcome = await run(source()).then(
      ({ failures }) => failures[0] ?? 'nothing',
      ({ message }: Error) => message,
    )
    expect(outcome).toMatch(message)
    expect(outcome).not.toContain('\n')
  })

  test('is named by a relative path is found from the current folder', async () => {
    const path = method('relative', good)
    vi.spyOn(process, 'cwd').mockReturnValue(folder.path)
    const { plugins } = await registerPlugins(builtins, ['relative/method.yaml']).finally(() => vi.restoreAllMocks())
    expect(path).toContain('relative/method.yaml')
    expect([...plugins.values()][0]?.name).toBe('shell-search')
  })
})
