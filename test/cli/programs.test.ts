/** Methods that are programs, on the command line: --algo with a path, experiment files, --dry-run. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hasPython, written } from '../algorithms/external/runProgram.ts'
import { until, Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const place = new Workplace()
afterAll(() => place.remove())

const METHOD = `import nas_bench_client as bench
def search(task):
    for i in range(9):
        task.ask(task.space.sample(task.random))
    if task.options.fails:
        raise ValueError("no luck")
bench.run(search, name="nine", version=1, options={"fails": False})
`
beforeAll(() => {
  written(place.folder, 'methods/nine.py', METHOD)
  writeFileSync(
    join(place.folder, 'methods/nine.yaml'),
    'algorithms: [./nine.py, random]\ndatasets: cifar10\nseeds: 1\n',
  )
})

describe.skipIf(!hasPython)('bench run with a Python method (needs Python 3.9 as python3)', () => {
  test('takes its path from the current folder, and in an experiment file from the folder of that file', async () => {
    const typed = await place.bench(
      'run',
      '--algo',
      'methods/nine.py',
      '--dataset',
      'cifar10',
      '--seeds',
      '1',
      '--json',
    )
    expect(typed).toMatchObject({ code: 0, stderr: '' })
    const [run] = readdirSync(join(place.folder, 'runs'))
    expect(run).toMatch(/^nine-cifar10-seed0-/)
    const filed = await place.bench('run', 'methods/nine.yaml', '--quiet')
    expect(filed).toMatchObject({ code: 0 })
    expect(filed.stdout).toMatch(/nine +1 .*\nrandom +1 /)
    expect(readdirSync(join(place.folder, 'runs')).filter((name) => name.startsWith('nine-'))).toEqual([run])
    expect((await place.bench('table', 'methods/nine.yaml')).stdout).toContain('nine')
  })

  test('--dry-run shows the messages of one search in order, counts the repeated ones, and keeps nothing', async () => {
    const args = ['run', '--algo', 'methods/nine.py', '--dataset', 'cifar10', '--dry-run', '--store', 'dry'] as const
    const { code, stdout } = await place.bench(...args)
    expect(code).toBe(0)
    const types = stdout.split('\n').map((line) => /^[→←] \{"type":\s*"(\w+)"/.exec(line)?.[1] ?? line.trim())
    const asks = Array.from({ length: 3 }, () => ['ask', 'told']).flat()
    expect(types.slice(1, -1)).toEqual(['start', 'ready', 'begin', ...asks, '… 12 more messages', 'answer', 'end'])
    expect(existsSync(join(place.folder, 'dry'))).toBe(false)
    const messages = JSON.parse((await place.bench(...args, '--json')).stdout)
    expect(messages).toHaveLength(3 + 18 + 2)
    expect(messages[3]).toEqual({ direction: 'from', message: { type: 'ask', architecture: expect.any(Array) } })
  })

  test('--dry-run that is left by Ctrl-C does not promise to go on', async () => {
    written(
      place.folder,
      'methods/slow.py',
      METHOD.replace('    for i', '    import time\n    time.sleep(60)\n    for i'),
    )
    const { child, ended } = place.start(['run', '--algo', 'methods/slow.py', '--dataset', 'cifar10', '--dry-run'])
    let shown = ''
    child.stdout?.on('data', (text) => (shown += text))
    await until(() => shown.includes('"begin"'), 'the begin of the search')
    child.kill('SIGINT')
    const { code, stderr } = await ended
    expect(code).toBe(130)
    expect(stderr).toContain('bench: interrupted; a dry run keeps nothing')
    expect(stderr).not.toContain('checkpoint')
  })

  test.runIf(full && process.platform !== 'win32')(
    'starts searches past a script that stands for python3',
    async () => {
      const starts = join(place.folder, 'starts')
      const real = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
      const shim = written(place.folder, 'shims/python3', `#!/bin/sh\necho "$@" >> '${starts}'\nexec '${real}' "$@"\n`)
      chmodSync(shim, 0o755)
      const { PATH } = process.env
      const startsOf = async (seeds: string) => {
        writeFileSync(starts, '')
        process.env.PATH = `${join(place.folder, 'shims')}:${PATH}`
        const args = ['--dataset', 'cifar10', '--seeds', seeds, '--jobs', '1', '--store', `shim${seeds}`, '--quiet']
        const ended = await place.bench('run', '--algo', 'methods/nine.py', ...args)
        process.env.PATH = PATH
        expect(ended).toMatchObject({ code: 0 })
        return readFileSync(starts, 'utf8').trim().split('\n').length
      }
      // Only to ask for the declaration, whatever the number of seeds.
      expect(await startsOf('5')).toBe(await startsOf('1'))
    },
  )

  test('--dry-run of a method that fails ends with its line and status 1', async () => {
    const args = ['run', '--algo', 'methods/nine.py', '--dataset', 'cifar10', '--dry-run', '--option', 'fails=true']
    const { code, stderr } = await place.bench(...args)
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'bench: nine: ValueError: no luck (nine.py, line 6)\n' })
  })
})
