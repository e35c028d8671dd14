/** Kills the command, its worker or the program at random moments: the end is the same, and no process is left over. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { random } from '../../../src/core/random.ts'
import { until, Workplace } from '../../support/command.ts'
import { full, someOf } from '../../support/full.ts'
import { hasPython, runningPrograms, written } from './runProgram.ts'

vi.setConfig({ testTimeout: 600_000 })

const place = new Workplace()
afterAll(() => place.remove())

const STEPPER = `import json, time
import nas_bench_client as bench

def search(task):
    if task.restored:
        task.random.setstate(eval((task.restored / "random.txt").read_text()))
    best = None
    for epoch in range(task.first_epoch, task.epochs):
        time.sleep(0.25)
        best = task.space.sample(task.random)
        task.ask(best)
        save = lambda folder: (folder / "random.txt").write_text(repr(task.random.getstate()))
        task.report(epoch, best, train_loss=task.random.random(), save=save if task.options.saves else None)
    return best

bench.run(search, name="stepper", version=1, epochs=8, saves=SAVES, options={"saves": SAVES}, files=[])
`
const stepper = (saves: boolean) =>
  written(
    place.folder,
    `${saves ? 'saves' : 'starts'}/stepper.py`,
    STEPPER.replaceAll('SAVES', saves ? 'True' : 'False'),
  )

const command = (program: string, store: string) =>
  [
    'run',
    '--algo',
    program,
    '--dataset',
    'cifar10',
    '--seeds',
    '0,',
    '--jobs',
    '1',
    '--quiet',
    '--store',
    store,
  ] as const

/** Ids of the processes that a process has started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

const kill = (pid: number | undefined) => {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  } catch {}
}

const VICTIMS = ['command', 'worker', 'program', 'command and worker'] as const

/** Runs a command, kills a part of it after some time, and waits until nothing of it runs any more. */
async function runAndKill(args: readonly string[], victim: (typeof VICTIMS)[number], milliseconds: number) {
  const { child, ended } = place.start(args)
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  if (child.exitCode === null && child.pid !== undefined) {
    const workers = childrenOf(child.pid)
    if (victim.includes('command')) kill(child.pid)
    if (victim.includes('worker')) for (const worker of workers) kill(worker)
    if (victim === 'program') for (const program of runningPrograms()) kill(program)
  }
  await ended
  await until(() => runningPrograms().length === 0, 'the end of the program', 10_000)
}

describe.skipIf(!hasPython || process.platform !== 'linux')('a search by a Python program (needs Linux)', () => {
  test.each(someOf([true, false], 2))(
    'ends the same after kills at random moments; it saves itself: %s',
    async (saves) => {
      const kills = full ? 12 : 1
      const program = stepper(saves)
      const whole = await place.bench(...command(program, `whole-${saves}`))
      expect(whole).toMatchObject({ code: 0 })
      const moments = random(0, 'kills', String(saves))
      for (let killed = 0, store = 0; killed < kills; store++) {
        const args = command(program, `killed-${saves}-${store}`)
        for (let life = 0; life < 4 && killed < kills; life++, killed++) {
          await runAndKill(args, VICTIMS[killed % VICTIMS.length], 300 + 2500 * moments.uniform())
        }
        expect(await place.bench(...args)).toMatchObject({ code: 0 })
        expect(place.results(`killed-${saves}-${store}`)).toEqual(place.results(`whole-${saves}`))
        expect(place.epochs(`killed-${saves}-${store}`)).toEqual(place.epochs(`whole-${saves}`))
      }
      expect(runningPrograms()).toEqual([])
    },
  )

  test.runIf(full)('goes on from its last save, not from the beginning', async () => {
    const args = command(stepper(true), 'resumed')
    const { child, ended } = place.start(args)
    const [run] = await until(() => place.runs('resumed'), 'the run')
    await until(() => execFileSync('ls', [run]).includes('checkpoint\n'), 'a checkpoint')
    kill(child.pid)
    await ended
    const again = await place.bench(
      'run',
      '--algo',
      stepper(true),
      '--dataset',
      'cifar10',
      '--seeds',
      '0,',
      '--store',
      'resumed',
    )
    expect(again.code).toBe(0)
    expect(again.stderr).not.toMatch(/epoch 1\/8/)
  })

  test('leaves a program behind that does not notice the end of its input; the next command ends it', async () => {
    const architecture = '|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|'
    const script = `#!/bin/sh
read -r start
if [ -e again ]; then
  echo '{"type":"ready","protocol":1}'; read -r begin
  echo '{"type":"answer","architecture":"${architecture}"}'; read -r end; exit 0
fi
touch again
sleep 1000 < /dev/null
`
    written(place.folder, 'deaf/deaf.sh', script)
    const yaml = 'name: deaf\nversion: 1\noptions: {}\nfiles: []\nprogram: deaf.sh\n'
    const args = command(written(place.folder, 'deaf/deaf.yaml', yaml), 'deaf')
    const { child, ended } = place.start(args)
    await until(() => runningPrograms().length >= 2, 'the program and its child')
    const workers = childrenOf(child.pid ?? 0)
    // A worker that sees its command die ends its program, so the command must neither die nor react before it.
    process.kill(child.pid ?? 0, 'SIGSTOP')
    for (const pid of [...workers, child.pid]) kill(pid)
    await ended
    const left = runningPrograms()
    expect(left.length).toBeGreaterThan(0)
    expect(await place.bench(...args)).toMatchObject({ code: 0 })
    expect(runningPrograms()).toEqual([])
  })

  test('is ended with its child processes when the user interrupts the command', async () => {
    const { child, ended } = place.start(command(stepper(true), 'interrupted'))
    // Before the run begins, the program is started only to describe itself.
    await until(() => place.runs('interrupted').flatMap(() => runningPrograms()), 'the program of the run')
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 130 })
    await until(() => runningPrograms().length === 0, 'the end of the program', 5_000)
  })
})
