import { expect, test } from 'vitest'
import { parseSbatchOptions, sbatchArguments } from '../../../src/runner/slurm/submit.ts'

test('options of sbatch are written without their dashes', () => {
  const options = parseSbatchOptions('partition=gpu,gres=gpu:a100:1,time=1-08:00:00')
  expect(options).toEqual({ partition: 'gpu', gres: 'gpu:a100:1', time: '1-08:00:00' })
  expect(sbatchArguments(options)).toEqual(['--partition=gpu', '--gres=gpu:a100:1', '--time=1-08:00:00'])
})

test('a comma without an option after it belongs to the value', () => {
  expect(parseSbatchOptions('partition=short,long,time=5')).toEqual({ partition: 'short,long', time: '5' })
  expect(parseSbatchOptions('constraint=a&b,mem-per-cpu=2G')).toEqual({ constraint: 'a&b', 'mem-per-cpu': '2G' })
})

test('an option may have no value', () => {
  expect(sbatchArguments(parseSbatchOptions('exclusive'))).toEqual(['--exclusive'])
})

test.each(['', '--time=5', 'time=', 'configs/table4.yaml', 'TIME=5'])('"%s" is refused', (text) => {
  expect(() => parseSbatchOptions(text)).toThrow(`--slurm "${text}": expected options of sbatch without their dashes`)
})

test('options that a submission sets itself are refused', () => {
  expect(() => parseSbatchOptions('time=5,array=0-3')).toThrow('--slurm array: bench sets this itself; leave it out')
})
