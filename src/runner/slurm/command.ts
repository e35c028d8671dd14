/** Slurm's own commands. */
import { spawnSync } from 'node:child_process'
import { BenchError } from '../../core/errors.ts'

/**
 * @param input of its standard input
 * @returns what it printed, or undefined where this machine has no such command
 * @throws BenchError `failed` with what it complained about
 */
export function slurm(command: string, given: readonly string[], input = ''): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(command, given, {
    input,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined
  if (error === undefined && status === 0) return stdout.trim()
  const [complaint = `exit status ${status}`] = (error?.message ?? stderr).split('\n').filter((line) => line !== '')
  throw new BenchError('failed', `${command} refused: ${complaint.replace(`${command}: error: `, '')}`)
}
