import type { DockerFacts, DockerOptions } from './docker/docker-host.ts'
import { Talker } from './process/child-lines.ts'
import type { Sudo } from './ssh/operator.ts'

/** What kind of host to put up; each has the default of the official installation. */
export interface RigOptions {
  /** Default true. */
  inviteRequired?: boolean
  /** Default true. */
  rateLimits?: boolean
  /** Requests with this value in the header x-ratelimit-bypass are not counted. */
  bypassKey?: string
  /** Default 'nopasswd'. */
  sudo?: Sudo
  /** More settings for pds.env, or other values for those that it has. */
  env?: Record<string, string>
  /** The PDS in a container, put up by docker compose as on an official host; see canDocker. */
  docker?: DockerOptions
}

/** What one needs to know to use a rig. */
export interface RigFacts {
  /** All of the rig lives here. */
  dir: string
  /** What /pds is on a real host: made by root it is root's alone, with pds.env and the databases. */
  pdsDir: string
  /** The JSON log of the PDS; with Docker it is the engine that has it. */
  pdsLog: string
  pdsPort: number
  pdsUrl: string
  plcUrl: string
  adminPassword: string
  ssh: {
    host: '127.0.0.1'
    port: number
    user: string
    /** The file of an ed25519 private key, mode 0600. */
    identity: string
    /** A known_hosts file with the host keys of the rig. */
    knownHosts: string
    sudoPassword?: string
  }
  /** An ssh_config with a host `rig-alias`. */
  sshConfig: string
  /** A kimbia-ops config whose default host is the rig. */
  configFile: string
  /** Only with Docker. */
  docker?: DockerFacts
  /** To be laid over process.env for whatever shall see the rig and nothing of the developer's own settings. */
  env: Record<string, string>
}

/** A running throw-away PDS host. */
export interface RigHost extends RigFacts, AsyncDisposable {
  /** The pid of the process that holds all of it. */
  supervisor: number
  stopPds(): Promise<void>
  /** Starts the PDS with what pds.env says now. */
  startPds(): Promise<void>
  restartPds(): Promise<void>
  /** Takes the rig down and returns when nothing of it is left. */
  stop(): Promise<void>
}

/** Puts up a PDS host on loopback: a PLC directory, a PDS and an sshd, which all end with this process at the latest. */
export async function startRig(options: RigOptions = {}): Promise<RigHost> {
  const supervisor = new Talker(new URL('./supervisor.ts', import.meta.url))
  const stop = async () => {
    await supervisor.close()
    if (supervisor.child.exitCode !== 0) throw new Error(`rig: the clean-up failed: ${supervisor.said()}`)
  }
  try {
    const facts = (await supervisor.ask(options)) as RigFacts
    const startPds = async () => void (await supervisor.ask('start'))
    const stopPds = async () => void (await supervisor.ask('stop'))
    return {
      ...facts,
      supervisor: supervisor.child.pid ?? 0,
      startPds,
      stopPds,
      restartPds: startPds,
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await supervisor.close()
    throw error
  }
}
