import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, unreachable } from '../../base/failure.ts'
import { noChannel, noTunnel } from '../connect/channel-failures.ts'
import { OpenSessions } from '../connect/open-sessions.ts'
import { toExitCode } from '../session/attach.ts'
import { loginShellLine } from '../session/command-line.ts'
import { givenUp } from '../session/create-session.ts'
import type { Exit, ProcessSpec, RemoteProcess } from '../session/remote-process.ts'
import type { Attached } from '../session.ts'
import { answers, ending, hasBegun, isOpened } from './children.ts'
import { isFullIn, ownWords, refusalIn } from './failures.ts'
import type { Master } from './master.ts'
import { TunnelStream } from './tunnel-stream.ts'

/** The exit code by which ssh tells of a failure of its own; a command may end with it as well. */
const sshFailed = 255

/** What shares a master's connection: one `ssh` for each command and each tunnel. */
export class Clients {
  readonly #master: Master
  readonly #ssh: string
  readonly #sessions = new OpenSessions()
  readonly #alive = new Set<ChildProcess>()
  readonly #ending = new Set<Promise<unknown>>()
  #count = 0

  constructor(master: Master, ssh: string) {
    this.#master = master
    this.#ssh = ssh
  }

  /** Starts a command; where the server has no room for one more session, it waits for one of ours to end. */
  async start(command: ProcessSpec): Promise<RemoteProcess> {
    for (;;) {
      const opening = this.#open(command)
      try {
        return await this.#sessions.run(opening, command.lasts === 'yes')
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error
        if ((await this.#sessions.room()) === 'no')
          throw noChannel(
            this.#master.where,
            Object.assign(new Error(error.message), { reason: 2 }),
            this.#sessions.count,
          )
        if (command.isGivenUp?.()) throw givenUp(command.what)
      }
    }
  }

  /** The operator's own terminal is handed over as it is, so that its size is followed. */
  inherit(line: string, { stdin, stdout, stderr, tty, first }: Attached): Promise<number> | undefined {
    const fds = [stdin, stdout, stderr].map((stream) => (stream as { fd?: number }).fd)
    if (!tty || first || fds.some((fd) => typeof fd !== 'number')) return undefined
    const { child, log } = this.#spawn(['-tt', '-q'], loginShellLine({ line }), fds as number[], tty.term)
    const what = `a program of the host (on ${this.#master.where})`
    return this.#toEnd(child, log, what).then(toExitCode)
  }

  /** A connection from the host to a port of its own loopback. */
  async tunnel(port: number): Promise<Duplex> {
    const master = this.#master
    const before = (await master.log()).length
    const child = this.#share(['-o', 'LogLevel=DEBUG2', '-W', `127.0.0.1:${port}`, '--', master.host], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const opened = await isOpened(child)
    if (opened === 'no') {
      const lost = await this.#lost()
      if (lost) throw lost
      throw noTunnel(refusalIn((await master.log()).slice(before)), port, master.where)
    }
    return new TunnelStream(child, () => this.#lost())
  }

  async dispose(): Promise<void> {
    await Promise.race([Promise.allSettled(this.#ending), sleep(2000, undefined, { ref: false })])
    for (const child of this.#alive) child.kill()
  }

  async #open({ line, mark, what, tty, isGivenUp }: ProcessSpec): Promise<Opened> {
    const lost = this.#master.lost()
    if (lost) throw lost
    const sized = tty ? `stty rows ${tty.rows} cols ${tty.columns} 2>/dev/null; ${line}` : line
    const words = tty ? ['-tt'] : ['-T']
    const { child, log } = this.#spawn(
      words,
      loginShellLine({ line: sized, mark }),
      ['pipe', 'pipe', 'pipe'],
      tty?.term,
    )
    const [stdin, stdout, stderr] = [child.stdin, child.stdout, child.stderr]
    if (!stdin || !stdout || !stderr) throw new TypeError('no pipes')
    stdin.on('error', () => {})
    const stopped = Promise.withResolvers<Exit>()
    const ended = this.#toEnd(child, log, what)
    const stop = () => {
      stopped.resolve({ kind: 'lost', failure: givenUp(what) })
      if (mark !== undefined) this.#terminate(mark)
      child.kill()
      for (const stream of [stdin, stdout, stderr]) stream.destroy()
    }
    const begun = await hasBegun([stdout, stderr], ended, isGivenUp)
    if (begun === 'given up') {
      stop()
      throw givenUp(what)
    }
    if (begun === 'ended') await this.#throwRefusal(await ended, log)
    return {
      stdin,
      stdout,
      stderr,
      ended: Promise.race([ended, stopped.promise]),
      closed: ended,
      stop,
      resize() {},
    }
  }

  /** Throws where the server gave us no session at all. */
  async #throwRefusal(exit: Exit, log: string): Promise<void> {
    if (exit.kind === 'lost') throw exit.failure
    if (exit.kind !== 'code' || exit.code !== sshFailed) return
    const said = await readFile(log, 'utf8').catch(() => '')
    if (isFullIn(said)) throw new NoRoom(ownWords(said))
  }

  async #toEnd(child: ChildProcess, log: string, what: string): Promise<Exit> {
    const [code, signal] = await ending(child)
    if (code === sshFailed) {
      // A command may end with this code too: then the connection still stands.
      const failure = await this.#lost()
      if (failure) return { kind: 'lost', failure }
    }
    if (code !== sshFailed) await rm(log, { force: true }).catch(() => {})
    if (code !== null) return { kind: 'code', code }
    return { kind: 'lost', failure: (await this.#lost()) ?? noExit(what, `ssh ended by ${signal}`) }
  }

  /** Why the connection is gone, if it is: its socket closes with it, a moment before its process is known to have ended. */
  async #lost(): Promise<Failure | undefined> {
    const { socket, ended, lost } = this.#master
    if (lost() === undefined && (await answers(socket)) === 'yes') return undefined
    await Promise.race([ended, sleep(2000, undefined, { ref: false })])
    return lost()
  }

  /** Ends what a command has started there, which outlives its session: all that is in the process group of its mark. */
  #terminate(mark: string): void {
    if (this.#master.lost()) return
    const child = this.#share(['-T', '--', this.#master.host, loginShellLine({ line: killMarked })], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(`${mark}\n`)
    const over = ending(child).finally(() => this.#ending.delete(over))
    this.#ending.add(over)
  }

  #spawn(
    words: readonly string[],
    command: string,
    stdio: readonly ('pipe' | number)[],
    term?: string | undefined,
  ) {
    const log = join(this.#master.dir, `c${this.#count++}`)
    const child = this.#share([...words, '-E', log, '--', this.#master.host, command], {
      stdio: [...stdio],
      ...(term !== undefined && { env: { ...process.env, TERM: term } }),
    })
    return { child, log }
  }

  /** No configuration counts twice, and without its master a client must not connect by itself. */
  #share(words: readonly string[], options: Parameters<typeof spawn>[2]): ChildProcess {
    const shared = ['-F', 'none', '-S', this.#master.socket, '-o', 'ProxyCommand=false']
    // Out of the terminal's process group, as a remote command is, unless it is to have the terminal.
    const own = Array.isArray(options.stdio) && options.stdio[0] === 'pipe'
    const child = spawn(this.#ssh, [...shared, ...words], { ...options, detached: own })
    this.#alive.add(child)
    child.on('error', () => {})
    child.once('close', () => this.#alive.delete(child))
    return child
  }
}

interface Opened extends RemoteProcess {
  readonly closed: Promise<unknown>
}

/** The server opens no session beside those that are open. */
class NoRoom extends Error {}

/** Its own arguments do not hold the mark, which comes by standard input. */
const killMarked = `read -r mark; ps -eo pgid=,args= | while read -r group args; do
case $args in *"$mark"*) kill -s TERM -- "-$group";; esac
done`

const noExit = (what: string, why: string): Failure =>
  unreachable('link-lost', `its channel was closed without a word on how it ended: ${what}: ${why}`)
