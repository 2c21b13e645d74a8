import { writeSync } from 'node:fs'
import { constants, hostname, userInfo } from 'node:os'
import packageJson from '../package.json' with { type: 'json' }
import { Failure } from './base/failure.ts'
import { Secret } from './base/secret.ts'
import { commands } from './commands/index.ts'
import type { HostConfig } from './config/host-config.ts'
import { chooseHost, configFile, loadConfig } from './config/load.ts'
import type { Host } from './host/access/host.ts'
import { openPdsChannel } from './host/docker/pds-port.ts'
import { openHost as lazyHost } from './host/open-host.ts'
import { openTrail } from './host/trail/append.ts'
import type { Pds } from './pds/xrpc/client.ts'
import { main } from './runner/invoke/main.ts'
import { newOperationId } from './runner/invoke/operation.ts'
import type { Opening, World } from './runner/invoke/world.ts'
import { showFailure } from './runner/output/report.ts'
import { peekOutputFlags } from './runner/parse/parse.ts'
import { openTerminal } from './runner/terminal/open-terminal.ts'
import { openTty } from './runner/terminal/open-tty.ts'
import type { Terminal, TerminalParts } from './runner/terminal/terminal.ts'
import type { Session } from './ssh/session.ts'

const { version } = packageJson

/** Put in by the build. */
declare const COMMIT: string | undefined
const commit = typeof COMMIT === 'undefined' ? undefined : COMMIT

/** Runs the command line of this process and resolves to its exit code; nothing else ends it but a second Ctrl-C. */
export async function run(argv: readonly string[] = process.argv.slice(2)): Promise<number> {
  const { json, noColor } = peekOutputFlags(argv, process.env)
  // What colours by itself, such as a prompt, looks at the environment alone, where Node lets FORCE_COLOR win.
  if (noColor || process.env.NO_COLOR) {
    process.env.NO_COLOR = '1'
    delete process.env.FORCE_COLOR
  }
  return await main(argv, world(json ? 'json' : 'text'), commands)
}

type Wishes = Pick<TerminalParts, 'noInput' | 'color' | 'quiet' | 'pager' | 'signal'>

const terminal = (wishes: Wishes): Terminal =>
  openTerminal({
    // Node opens standard input at the first look at it.
    get stdin() {
      return process.stdin
    },
    openTty,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    ...wishes,
  })

/** The real world; heavy libraries are loaded when a command first needs them. */
const world = (mode: 'json' | 'text'): World => ({
  env: process.env,
  version,
  commit,
  terminal,
  clock: () => new Date(),
  newOperationId: () => newOperationId(new Date()),
  operator,
  loadConfig: (file) => loadConfig(file ?? configFile(process.env)),
  chooseHost: async (config, wanted) =>
    chooseHost(config, { host: wanted, env: process.env }, await exists('/pds/pds.env')),
  openHost,
  openPds,
  openTrail,
  async openChanges(host) {
    const { openChanges } = await import('./host/change/changes.ts')
    return openChanges(host)
  },
  async readPending(host) {
    const { readPending } = await import('./host/change/pending.ts')
    return readPending(host)
  },
  async openStore(name, options) {
    const { openStore } = await import('./store/open-store.ts')
    return openStore(name, options)
  },
  async runProgram(program) {
    const { runProgram } = await import('./base/local-program.ts')
    return runProgram(program)
  },
  self: [process.execPath, process.argv[1] ?? 'kimbia-ops'],
  async readFile(path) {
    const { readFile } = await import('node:fs/promises')
    return readFile(path, 'utf8')
  },
  async modifiedAt(path) {
    const { stat } = await import('node:fs/promises')
    const found = await stat(path).catch(() => undefined)
    return found?.isFile() ? found.mtime : undefined
  },
  async fetchPublic(url, signal) {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      redirect: 'manual',
    })
    return { status: response.status, text: await beginning(response) }
  },
  streams() {
    const { stdin, stdout, stderr } = process
    const tty =
      stdin.isTTY && stdout.isTTY
        ? { rows: stdout.rows, columns: stdout.columns, term: process.env.TERM ?? 'xterm' }
        : undefined
    return { stdin, stdout, stderr, tty }
  },
  stop: stopOnSignals(mode),
  lastWords(say) {
    lastWords = say
  },
  async sleep(ms, signal) {
    const { setTimeout: pause } = await import('node:timers/promises')
    await pause(ms, undefined, { signal })
  },
})

let lastWords = (): string => 'ended at once\n'

/** What a public answer is read of at most: the health of a PDS is a few dozen bytes. */
const publicLimit = 64 * 1024

async function beginning({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop ends the download.
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    length += chunk.byteLength
    if (length > publicLimit) break
  }
  return Buffer.concat(chunks).subarray(0, publicLimit).toString('utf8')
}

async function exists(path: string): Promise<boolean> {
  const { access } = await import('node:fs/promises')
  return access(path).then(
    () => true,
    () => false,
  )
}

function operator(): { user: string; machine: string } {
  try {
    return { user: userInfo().username, machine: hostname() }
  } catch {
    return { user: String(process.getuid?.() ?? 'unknown'), machine: hostname() }
  }
}

function openHost(config: HostConfig, opening: Opening): Host {
  const { interactive } = opening.terminal
  const connect = async (): Promise<Session> => {
    const session = await (config.ssh === 'local' ? connectLocal(opening) : connectSsh(config, opening))
    opening.waitFor(`asking ${config.name}`)
    return session
  }
  const askSudoPassword = interactive ? asker(opening.terminal, `sudo password on ${config.ssh}`) : undefined
  return lazyHost(connect, config, { note: opening.note, askSudoPassword, signal: opening.signal })
}

const asker = (terminal: Terminal, question: string) => async (): Promise<Secret> =>
  new Secret(await terminal.askSecret(question))

async function connectLocal({ note }: Opening): Promise<Session> {
  const { openLocal } = await import('./ssh/connect/local.ts')
  return openLocal({ note })
}

async function connectSsh(config: HostConfig, { note, signal, terminal }: Opening): Promise<Session> {
  const { sshConfig, identity, knownHosts, acceptedHostKey } = config
  const { resolveTarget } = await import('./ssh/target/resolve-target.ts')
  const resolving = resolveTarget(config.ssh, { sshConfig, identity, knownHosts, acceptedHostKey })
  if (config.transport === 'openssh') {
    const { openBySsh } = await import('./ssh/openssh/open.ts')
    const person = terminal.interactive ? 'yes' : 'no'
    return openBySsh(await resolving, { asked: config, person, note, signal })
  }
  // Loaded while ssh tells where to go, which must have been asked first: loading leaves nothing else a turn.
  // Of Node's own, ssh2 needs node:crypto, which takes about as long to load as ssh to answer.
  const [target, { dial }] = await Promise.all([
    resolving,
    import('./ssh/connect/dial.ts'),
    import('node:crypto'),
  ])
  const askPassphrase = terminal.interactive
    ? (file: string) => asker(terminal, `passphrase of ${file}`)()
    : undefined
  const dialing = dial(target, { person: askPassphrase ? 'yes' : 'no', signal })
  await dialing.dialed
  // What takes longest to load: sshd meanwhile gets ready to talk.
  const { openSsh } = await import('./ssh/connect/node-ssh.ts').catch((error: unknown) => {
    dialing.cancel()
    throw error
  })
  return openSsh(target, { note, signal, askPassphrase, dialing })
}

async function openPds(host: Host, { note, waiting, signal }: Opening): Promise<Pds> {
  const [{ adminPassword, bypassKey }, { port, connect, prepare }] = await Promise.all([
    host.settings(),
    openPdsChannel(host),
  ])
  // The lexicons take their time to load: that is for when the host has been asked all it can be asked by now.
  const [{ openPds }, { tunnelFetch }] = await Promise.all([
    import('./pds/xrpc/atproto-client.ts'),
    import('./ssh/http-tunnel.ts'),
  ])
  const where = `the PDS on ${await host.where()}, port ${port}`
  return openPds({
    fetch: tunnelFetch(connect, { prepare }),
    adminPassword,
    bypassKey,
    where,
    note,
    waiting,
    signal,
  })
}

/** The first Ctrl-C stops what has not begun; the second ends the process, with its last words. */
function stopOnSignals(mode: 'json' | 'text'): AbortSignal {
  const stop = new AbortController()
  const on = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      try {
        // What is written to a stream might not get out any more.
        writeSync(2, mode === 'json' ? asFailure(lastWords()) : `\n${lastWords()}`)
      } catch {
        // Nobody reads standard error any more.
      }
      process.exit(128 + constants.signals[signal])
    }
    if (process.stderr.isTTY)
      process.stderr.write('\nstopping after what is under way; Ctrl-C again ends at once\n')
    stop.abort()
  }
  process.on('SIGINT', on).on('SIGTERM', on).on('SIGHUP', on)
  return stop.signal
}

function asFailure(text: string): string {
  const failure = new Failure({ outcome: 'interrupted', code: 'ended-at-once', message: text.trim() })
  return showFailure(failure, 'json', { color: false })
}
