/** A Slurm of one node, for one test file: real daemons in a folder of their own, without authentication. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './command.ts'

/** Without a configuration they are there and refuse everything. */
const has = (command: string) => spawnSync(command, ['--version']).error === undefined

/** The node's daemon wants root. */
export const hasSlurm = process.getuid?.() === 0 && ['slurmctld', 'slurmd', 'sbatch'].every(has)

export class SlurmCluster {
  readonly #folder: string
  readonly #daemons: readonly ChildProcess[]

  private constructor(folder: string, daemons: readonly ChildProcess[]) {
    this.#folder = folder
    this.#daemons = daemons
  }

  /** Sets SLURM_CONF for this process and what it starts. */
  static async start(): Promise<SlurmCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-slurm-'))
    const conf = join(folder, 'slurm.conf')
    for (const name of ['state', 'spool']) mkdirSync(join(folder, name))
    writeFileSync(conf, configuration(folder, await freePort(), await freePort()))
    process.env.SLURM_CONF = conf
    const daemons = ['slurmctld', 'slurmd'].map((daemon) => spawn(daemon, ['-D'], { stdio: 'ignore' }))
    const cluster = new SlurmCluster(folder, daemons)
    await until(() => cluster.ask('sinfo', '--noheader', '--format=%t') === 'idle', 'a node that waits for work')
    return cluster
  }

  /** What one of Slurm's commands prints. */
  ask(command: string, ...given: readonly string[]): string {
    return spawnSync(command, given, { encoding: 'utf8' }).stdout.trim()
  }

  /** A task that was queued again would wait two minutes; at once, its node may still take the killed one for it. */
  startSoon(task: string): void {
    this.ask('scontrol', 'update', `JobId=${task}`, 'StartTime=now+4')
  }

  async stop(): Promise<void> {
    this.ask('scancel', '--user=root')
    const ended = this.#daemons.map((daemon) => new Promise((resolve) => daemon.once('close', resolve)))
    for (const daemon of this.#daemons) daemon.kill()
    await Promise.all(ended)
    rmSync(this.#folder, { recursive: true, force: true })
    delete process.env.SLURM_CONF
  }
}

function configuration(folder: string, controllerPort: number, nodePort: number): string {
  const host = hostname().split('.')[0]
  return `ClusterName=bench
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controllerPort}
SlurmdPort=${nodePort}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1
KillWait=2
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=${host} Default=YES State=UP
`
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
