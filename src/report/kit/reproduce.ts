/** Writes `reproduce.sh`: the commands that repeat the runs of a report and compare the new report with the old one. */
import { classWeightsText } from '../../core/classWeights.ts'
import { BenchError } from '../../core/errors.ts'
import { benchCommand, shellWord } from '../../core/plainText.ts'
import type { Job } from '../../core/result.ts'
import { groupBy } from '../../system/groupBy.ts'
import { contentName } from '../../system/json.ts'
import { flatten } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

/**
 * Returns the shell script that repeats the runs. The script's first argument is the folder with the image folders of
 * the datasets.
 */
export function reproduceScript(runs: readonly RunRecord[]): string {
  const versions = [...new Set(runs.map(({ manifest }) => manifest.environment.version))]
  const commands = runCommands(runs)
  return [
    '#!/usr/bin/env bash',
    '# Repeats the runs of this report, then writes the report again from them. On the deterministic backend every number',
    '# is the same to the last bit; only times and machines differ.',
    `# Computed by nas-bench-harness ${versions.join(' and ')}; package-lock.json beside this file has its dependencies.`,
    `# bash reproduce.sh IMAGES: IMAGES/NAME is the folder of the images of each dataset NAME that is not built in.`,
    'set -euo pipefail',
    ...(commands.some((command) => command.includes('$IMAGES')) ? ['IMAGES=$1'] : []),
    'bench() { npx nas-bench-harness "$@"; }',
    ...commands,
    `${benchCommand('report', 'reproduced', '--folder', 'reproduced-report', '--compact')}`,
    '',
  ].join('\n')
}

/**
 * Returns one `bench run` command for each group of runs that differ only in their seeds. The commands name every
 * setting that is part of a run's identity, so that they make runs with the same ids.
 */
export function runCommands(runs: readonly RunRecord[]): readonly string[] {
  const jobs = [...new Map(runs.map(({ manifest }) => [manifest.id, manifest.job])).values()]
  const groups = groupBy(jobs, ({ seed: _, imported: __, ...job }) => contentName(job))
  return [...groups.values()].map((same) => commandOf(same))
}

/** Names of the datasets that are built into the program, whose runs need no image folder. */
const BUILT_IN: ReadonlySet<string> = new Set(['shapes'])

function commandOf(jobs: readonly Job[]): string {
  const [job] = jobs
  const { algorithm, space, dataset, table, protocol, budgetSeconds, probes, retraining, executor, arithmetic } = job
  if (job.imported !== undefined) {
    return `# ${algorithm.name}, seed ${jobs.map(({ seed }) => seed).join(', ')}, was imported from another program; its runs are not repeated here`
  }
  if (algorithm.plugin !== undefined || job.spacePlugin !== undefined) {
    return `# ${algorithm.name} is of a plugin, which must be named with --plugin; its runs are not repeated here`
  }
  if (retraining?.seeds !== undefined) {
    return `# ${algorithm.name} was trained in full with the seeds ${retraining.seeds.join(', ')}, which only an experiment file can name`
  }
  const options = [...flatten(algorithm.options)].flatMap(([key, value]) =>
    value === 'null' ? [] : ['--option', `${algorithm.name}.${key}=${value}`],
  )
  const seeds = jobs.map(({ seed }) => seed).sort((a, b) => a - b)
  const words = [
    ...['run', '--algo', algorithm.name, '--space', space, '--dataset', dataset.name],
    ...(table ? ['--table', table.name] : []),
    ...(retraining ? ['--evaluate', evaluateText(retraining)] : []),
    ...['--protocol', protocol.name, '--seeds', seeds.length === 1 ? `${seeds[0]},` : seeds.join(',')],
    ...(budgetSeconds === undefined ? [] : ['--budget', String(budgetSeconds)]),
    ...options,
    ...(protocol.metric === undefined || retraining !== undefined ? [] : ['--metric', protocol.metric]),
    ...probes.flatMap((probe) => ['--probe', probe]),
    ...(executor === undefined ? [] : ['--backend', backendOf(executor)]),
    ...(arithmetic === 'fused' ? ['--fast-math'] : []),
    ...['--store', 'reproduced'],
  ]
  const readsImages = dataset.contentHash !== undefined && !BUILT_IN.has(dataset.name)
  return `${benchCommand(...words)}${readsImages ? ` --data "$IMAGES"/${shellWord(dataset.name)}` : ''}`
}

function backendOf(executor: string): string {
  const backend = executor.split('/').at(-1)
  if (backend !== undefined) return backend
  throw new BenchError('corrupt', `the executor ${executor} names no backend`)
}

function evaluateText({ settings }: NonNullable<Job['retraining']>): string {
  const { preset, epochs, batchSize, network, data, metric } = settings
  const values = {
    ...{ preset, epochs, batchSize, channels: network.channels, layers: network.layers, family: network.family },
    ...(data.limit !== null && { limit: data.limit }),
    ...(data.imageSize !== null && { imageSize: data.imageSize }),
    ...(!network.auxiliary && { auxiliary: false }),
    ...(network.head !== undefined && { head: network.head }),
    ...(data.sampling !== undefined && { sampling: data.sampling }),
    ...(data.classWeights !== undefined && { classWeights: classWeightsText(data.classWeights) }),
    ...(metric !== undefined && { metric }),
    ...(data.brokenImages !== 'fail' && { brokenImages: data.brokenImages }),
  }
  return `retrain:${Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')}`
}
