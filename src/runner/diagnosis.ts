/**
 * Runs the checks of `bench doctor`: Node's version, machine, data folder, backends, Slurm, datasets and lookup tables.
 */
import { accessSync, constants } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { DATASETS, datasetFolder, howToGet } from '../data/datasetNames.ts'
import { backendReports, chooseExecutor } from '../engine/index.ts'
import { makeFolder } from '../system/atomicFile.ts'
import { cores } from '../system/cores.ts'
import { isThere } from '../system/readable.ts'
import { userFolder } from '../system/userFolder.ts'
import { listTables, openManifest } from '../tables/openTable.ts'
import { slurm } from './slurm/arrays.ts'

/** The result of one check of `bench doctor`. */
export interface Finding {
  readonly subject: string
  /** Whether what was checked is usable. `ok`: usable. `missing`: optional and absent. `broken`: prevents all work. */
  readonly state: 'ok' | 'missing' | 'broken'
  /** What the check found, or what the user should do. */
  readonly detail: string
}

/** Runs all checks of `bench doctor` on this machine and returns their results. */
export async function diagnose(): Promise<readonly Finding[]> {
  return [
    nodeFinding(),
    machineFinding(),
    folderFinding(),
    ...(await backendFindings()),
    slurmFinding(),
    ...datasetFindings(),
    ...(await tableFindings()),
  ]
}

function nodeFinding(): Finding {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= 20) return { subject: 'node', state: 'ok', detail: process.version }
  return { subject: 'node', state: 'broken', detail: `${process.version}; version 20 or newer is needed` }
}

function machineFinding(): Finding {
  const memory = (totalmem() / 2 ** 30).toFixed(1)
  const [own, all] = [cores(), availableParallelism()]
  const share = own < all ? `${own} of ${all} cores, the share of its container or job` : pluralize(all, 'core')
  return { subject: 'machine', state: 'ok', detail: `${share}; ${memory} GiB of memory` }
}

function folderFinding(): Finding {
  const subject = 'data folder'
  try {
    const folder = userFolder()
    requireWritable(folder)
    return { subject, state: 'ok', detail: folder }
  } catch (error) {
    return { subject, state: 'broken', detail: (error as Error).message }
  }
}

/** Creates a folder if it is absent. @throws BenchError `bad-input` if it cannot be created or written to */
function requireWritable(folder: string): void {
  try {
    makeFolder(folder)
    accessSync(folder, constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new BenchError('bad-input', `${folder} cannot be written (${code}); set NAS_BENCH_HOME`)
  }
}

async function backendFindings(): Promise<Finding[]> {
  const reports = await backendReports()
  const { kind, backend, reason } = await chooseExecutor({ backend: 'auto' })
  return [
    ...reports.map(
      ({ backend: name, available, detail }): Finding => ({
        subject: `backend ${name}`,
        state: available ? 'ok' : 'missing',
        detail,
      }),
    ),
    { subject: '--backend auto', state: 'ok', detail: `${kind}/${backend}: ${reason}` },
  ]
}

function slurmFinding(): Finding {
  const subject = '--slurm'
  try {
    const version = slurm('sbatch', ['--version'])
    if (version !== undefined) return { subject, state: 'ok', detail: version }
    return { subject, state: 'missing', detail: 'no sbatch on this machine (docs/clusters.md)' }
  } catch (error) {
    return { subject, state: 'missing', detail: `sbatch does not reach a cluster: ${(error as Error).message}` }
  }
}

function datasetFindings(): Finding[] {
  return DATASETS.map(({ name }): Finding => {
    if (name === 'shapes') return { subject: 'dataset shapes', state: 'ok', detail: 'built in' }
    const folder = datasetFolder(name)
    const subject = `dataset ${name}`
    try {
      if (isThere(folder)) return { subject, state: 'ok', detail: folder }
    } catch (error) {
      return { subject, state: 'broken', detail: (error as Error).message }
    }
    return { subject, state: 'missing', detail: howToGet(name) }
  })
}

async function tableFindings(): Promise<Finding[]> {
  const manifests = await Promise.all((await listTables()).map((name) => openManifest(name)))
  const found = manifests.map(
    ({ name, rows, space }): Finding => ({
      subject: `table ${name}`,
      state: 'ok',
      detail: `${pluralize(rows, 'row')} of ${space}`,
    }),
  )
  if (manifests.some(({ name }) => name === 'nb201')) return found
  return [...found, { subject: 'table nb201', state: 'missing', detail: '`bench tables fetch nb201` gets it' }]
}
