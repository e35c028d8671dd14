/** Options of Slurm's sbatch, as typed: `partition=gpu,gres=gpu:1,time=8:00:00`. */
import { BenchError } from '../../core/errors.ts'

/** Without the leading dashes; the empty text for an option without a value. */
export type SbatchOptions = Readonly<Record<string, string>>

/** What a submission sets by itself. */
const OWN = ['array', 'chdir', 'error', 'job-name', 'open-mode', 'output', 'parsable', 'requeue', 'signal', 'wrap']

/** A comma that `name=` follows; others belong to a value, as in `partition=short,long`. */
const BETWEEN = /,(?=[a-z][a-z-]*=)/

/** @throws BenchError `bad-input` */
export function parseSbatchOptions(text: string): SbatchOptions {
  return Object.fromEntries(text.split(BETWEEN).map(parseOption))
}

function parseOption(text: string): readonly [name: string, value: string] {
  const [, name, value = ''] = /^([a-z][a-z-]*)(?:=(.+))?$/s.exec(text) ?? []
  if (name === undefined) {
    const wanted = 'options of sbatch without their dashes, as partition=gpu,gres=gpu:1,time=8:00:00'
    throw new BenchError('bad-input', `--slurm "${text}": expected ${wanted}`)
  }
  if (OWN.includes(name)) throw new BenchError('bad-input', `--slurm ${name}: bench sets this by itself; leave it out`)
  return [name, value]
}

/** → `--partition=gpu`, … */
export const sbatchArguments = (options: SbatchOptions): readonly string[] =>
  Object.entries(options).map(([name, value]) => (value === '' ? `--${name}` : `--${name}=${value}`))
