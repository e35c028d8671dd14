/** Completion of the command line, as function and in the shells themselves. */
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { completions } from '../../src/cli/commands/completion.ts'
import { commands } from '../../src/cli/program.ts'
import { write } from '../data/sampleFiles.ts'
import { MAIN, Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'

vi.setConfig({ testTimeout: 120_000 })

const place = new Workplace()
afterAll(() => place.remove())

describe('completions', () => {
  test('of the first word are the commands, without the hidden ones', async () => {
    const names = await completions([''])
    expect(names).toEqual(expect.arrayContaining(commands.map(([name]) => name)))
    expect(names).not.toContain('complete')
    expect(await completions(['tab'])).toEqual(['table', 'tables'])
  })

  test.each([
    [
      ['run', '--se'],
      ['--seeds', '--seeds-per-device', '--select'],
    ],
    [
      ['run', '--algo', 'drnas'],
      ['drnas', 'drnas-progressive'],
    ],
    [['run', '--algo', 'rea,gda'], ['rea,gdas']],
    [['run', '--algo=rea,gda'], ['--algo=rea,gdas']],
    [['run', '--algo', '=', 'gda'], ['gdas']],
    [
      ['run', '--space', 'nb201'],
      ['nb201', 'nb201-no-none'],
    ],
    [['run', '--protocol', 'zen'], ['zen-paper']],
    [['run', '--quiet', '--log', 'jsonl,t'], ['jsonl,tensorboard']],
    [['retrain', '--preset', 'nb'], ['nb201-paper']],
    [
      ['retrain', '--broken-images', ''],
      ['fail', 'skip'],
    ],
    [['retrain', '--class-weights', 'b'], ['balanced']],
    [['table', '--format', 'm'], ['md']],
    [
      ['tables', 'i'],
      ['import', 'info'],
    ],
    [['tables', 'info', 'nb201-m'], ['nb201-micro']],
    [
      ['data', 'fetch', 'cifar1'],
      ['cifar10', 'cifar100'],
    ],
    [['list', 'al'], ['algos']],
    [['list', 'genot'], ['genotypes']],
    [['list', 'fig'], ['figures']],
    [['retrain', '--genotype', 'GAEA'], ['GAEA_DARTS']],
    [['genotype', 'show', 'GAEA'], ['GAEA_DARTS']],
    [
      ['plot', 'ra'],
      ['range', 'ranks'],
    ],
    [['score', '--score', 'snip,az-n'], ['snip,az-nas']],
    [['pareto', '--x', 'params'], ['params-M']],
    [['tables', 'fetch', ''], ['nb201']],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['run', '--store', ''], []],
    [['no-such-command', ''], []],
    [['tables', 'no-such-command', ''], []],
    [['tables', 'info', 'nb201-micro', ''], []],
  ])('of %j', async (words, expected) => {
    const found = await completions(words)
    if (words.includes('drnas')) expect(found).toContain('drnas')
    else expect(found).toEqual(expected)
  })

  test('is printed as script or JSON, and refuses other shells', async () => {
    const [zsh, json, other] = await Promise.all([
      place.bench('completion', 'zsh'),
      place.bench('completion', 'bash', '--json'),
      place.bench('completion', 'tcsh'),
    ])
    expect(zsh.stdout).toMatch(/^#compdef bench/)
    expect(JSON.parse(json.stdout)).toMatchObject({ shell: 'bash', script: expect.stringContaining('COMPREPLY') })
    expect(other).toMatchObject({ code: 2, stdout: '' })
    expect(other.stderr).toContain('bash')
  })
})

/** Returns what a shell prints that finds `bench` on its path and has loaded the script of completion. */
function typed(shell: string, args: readonly string[]): string[] {
  const bin = join(place.folder, 'bin')
  write(join(bin, 'bench'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`)
  chmodSync(join(bin, 'bench'), 0o755)
  const env = {
    ...process.env,
    NAS_BENCH_HOME: place.home,
    HOME: place.folder,
    PATH: bin + delimiter + process.env.PATH,
  }
  const { stdout, stderr } = spawnSync(shell, args, { cwd: place.folder, env, encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.trim().split('\n')
}

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0

test.skipIf(!has('bash'))('bash completes words by the script (skipped without bash)', () => {
  const script = [
    'eval "$(bench completion bash)"',
    'complete -p bench | grep -q _bench_complete || echo unregistered',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the shell
    'press() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bench_complete; printf "%s\\n" "${COMPREPLY[*]}"; }',
    'press bench stat',
    'press bench run --protocol zen',
    'press bench run --algo = gda',
    'press bench retrain --class-weights ""',
  ]
  expect(typed('bash', ['--norc', '-c', script.join('\n')])).toEqual(['status', 'zen-paper', 'gdas', 'balanced none'])
})

test.runIf(full && has('fish'))('fish completes words by the script (skipped without fish)', () => {
  const script = 'bench completion fish | source; complete -C "bench stat"; complete -C "bench run --protocol zen"'
  expect(typed('fish', ['--no-config', '-c', script])).toEqual(['status', 'zen-paper'])
})

test.runIf(full && has('zsh'))('zsh completes words by the script (skipped without zsh)', () => {
  const script = [
    'compdef() { : }; compadd() { shift; print -l -- "$@" }; _files() { print files }',
    'eval "$(bench completion zsh)"',
    'press() { words=("$@"); CURRENT=$#words; _bench_complete }',
    'press bench stat',
    'press bench run --protocol zen',
    'press bench run --store ""',
  ]
  expect(typed('zsh', ['-f', '-c', script.join('\n')])).toEqual(['status', 'zen-paper', 'files'])
})
