/** Runs `reproduce.sh` as a reader of a report does, with the built program. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { MAIN, Workplace } from '../../support/command.ts'

const place = new Workplace()
afterAll(() => place.remove())

test('reproduce.sh repeats the runs and the report, and names the tables that differ', async () => {
  const title = 'A "title" of $HOME & its `reader`’s'
  const claims = {
    rulesWritten: 'for this test',
    claims: [{ claim: "it's", source: 'x', rule: { measure: 'accuracy', of: 'random', above: 1, seeds: 2 } }],
  }
  writeFileSync(join(place.folder, 'claims.yaml'), JSON.stringify(claims))
  const bench = async (...args: string[]) => expect(await place.bench(...args)).toMatchObject({ code: 0 })
  await bench(
    ...'run --algo random --option evaluations=3 --dataset shapes --table nb201-micro --seeds 2 --quiet'.split(' '),
  )
  await bench('report', '--folder', 'report', '--compact', '--kit', '--title', title, '--claims', 'claims.yaml')
  const report = join(place.folder, 'report')
  appendFileSync(join(report, 'median.csv'), 'changed\n')

  const cwd = join(place.folder, 'again')
  mkdirSync(cwd)
  const env = { ...process.env, NAS_BENCH_HOME: place.home, NO_COLOR: '1', BENCH: `${process.execPath} ${MAIN}` }
  const script = ['bash', join(report, 'reproduce.sh')] as const
  const { status, stdout, stderr } = spawnSync(script[0], script.slice(1), { cwd, env, encoding: 'utf8' })
  expect({ status, stderr, stdout }).toMatchObject({ status: 1 })
  expect(stdout).toContain('table.csv: the same')
  expect(stdout).toContain('claims.csv: the same')
  expect(stdout).toContain('< changed\nmedian.csv: differs')
  expect(stdout.match(/: differs/g)).toHaveLength(1)
  expect(stdout).not.toContain('missing:')
  expect(stderr).not.toContain('warning')
  const recipe = (folder: string) => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
  expect(recipe(join(cwd, 'reproduced-report'))).toEqual(recipe(report))
})
