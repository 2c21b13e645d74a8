import { writeSync } from 'node:fs'
import { constants, hostname, userInfo } from 'node:os'
import packageJson from '../package.json' with { type: 'json' }
import { commands } from './commands/index.ts'
import type { HostConfig } from './config.ts'
import { Failure, outcomes } from './failure.ts'
import { type Host, openHost as lazyHost } from './host/host.ts'
import { openTrail } from './host/trail.ts'
import type { Pds } from './pds/client.ts'
import { newOperationId } from './runner/operation.ts'
import { glance, parse } from './runner/program.ts'
import { showFailure } from './runner/report.ts'
import { openTerminal, type Terminal, type TerminalParts } from './runner/terminal.ts'
import type { Opening, World } from './runner/world.ts'
import { Secret } from './secret.ts'
import type { Session } from './ssh/session.ts'

const { version } = packageJson

/** The commands that there are. */
export const names: readonly string[] = commands.map(({ name }) => name)

/** Runs one command line and resolves to its exit code; nothing else ends the process but a second Ctrl-C. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<number> {
  const { json, noColor } = glance(argv, process.env)
  // What colours by itself, such as a prompt, looks at the environment alone, where Node lets FORCE_COLOR win.
  if (noColor || process.env.NO_COLOR) {
    process.env.NO_COLOR = '1'
    delete process.env.FORCE_COLOR
  }
  const plain = terminal({ noInput: true, color: !noColor, quiet: true })
  try {
    const { columns, color } = plain.stdout
    const parsed = await parse(argv, commands, { env: process.env, version, columns, color })
    if (parsed.kind === 'text') {
      await plain.stdout.write(parsed.text)
      return outcomes.ok.code
    }
    const { live } = await import('./runner/run.ts')
    const { outcome, code } = await live(parsed, world(), commands)
    return code ?? outcomes[outcome].code
  } catch (cause) {
    if (cause instanceof Failure) {
      await plain.stderr.write(showFailure(cause, json ? 'json' : 'text', plain.stderr))
      return outcomes[cause.outcome].code
    }
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    await plain.stderr.write(
      `error: this is a bug in kimbia-ops ${version}; please report it with these lines\n${stack}\n`,
    )
    return outcomes.failed.code
  }
}

type Wishes = Pick<TerminalParts, 'noInput' | 'color' | 'quiet' | 'signal'>

const terminal = (wishes: Wishes): Terminal =>
  openTerminal({
    // Node opens standard input at the first look at it.
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    ...wishes,
  })

/** The real world; heavy libraries are loaded when a command first needs them. */
const world = (): World => ({
  env: process.env,
  version,
  terminal,
  clock: () => new Date(),
  newOperationId: () => newOperationId(new Date()),
  operator,
  async loadConfig(file) {
    const { configFile, loadConfig } = await import('./config.ts')
    return loadConfig(file ?? configFile(process.env))
  },
  async chooseHost(config, wanted) {
    const { chooseHost } = await import('./config.ts')
    return chooseHost(config, { host: wanted, env: process.env }, await exists('/pds/pds.env'))
  },
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
    const { openStore } = await import('./store/store.ts')
    return openStore(name, options)
  },
  async runProgram(program) {
    const { runProgram } = await import('./process.ts')
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
  stop: stopOnSignals(),
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
  const connect = (): Promise<Session> =>
    config.ssh === 'local' ? connectLocal(opening) : connectSsh(config, opening)
  const askSudoPassword = interactive ? asker(opening.terminal, `sudo password on ${config.ssh}`) : undefined
  return lazyHost(connect, config, { note: opening.note, askSudoPassword, signal: opening.signal })
}

const asker = (terminal: Terminal, question: string) => async (): Promise<Secret> =>
  new Secret(await terminal.askSecret(question))

async function connectLocal({ note }: Opening): Promise<Session> {
  const { openLocal } = await import('./ssh/local.ts')
  return openLocal({ note })
}

async function connectSsh(config: HostConfig, { note, signal, terminal }: Opening): Promise<Session> {
  const { resolveTarget } = await import('./ssh/target.ts')
  const { sshConfig, identity, knownHosts } = config
  const resolving = resolveTarget(config.ssh, { sshConfig, identity, knownHosts })
  // Loaded while ssh tells where to go, which must have been asked first: loading leaves nothing else a turn.
  // Of Node's own, ssh2 needs node:crypto, which takes about as long to load as ssh to answer.
  const [target, { approach }] = await Promise.all([
    resolving,
    import('./ssh/transport.ts'),
    import('node:crypto'),
  ])
  const askPassphrase = terminal.interactive
    ? (file: string) => asker(terminal, `passphrase of ${file}`)()
    : undefined
  const way = approach(target, { person: askPassphrase ? 'yes' : 'no', signal })
  await way.called
  // What takes longest to load: sshd meanwhile gets ready to talk.
  const { openSsh } = await import('./ssh/node-ssh.ts').catch((error: unknown) => {
    way.abandon()
    throw error
  })
  return openSsh(target, { note, signal, askPassphrase, approach: way })
}

async function openPds(host: Host, { note, waiting, signal }: Opening): Promise<Pds> {
  const { openPdsChannel } = await import('./host/pds-port.ts')
  const [{ adminPassword, bypassKey }, { port, connect, prepare }] = await Promise.all([
    host.settings(),
    openPdsChannel(host),
  ])
  // The lexicons take their time to load: that is for when the host has been asked all it can be asked by now.
  const [{ openPds }, { tunnelFetch }] = await Promise.all([
    import('./pds/atproto.ts'),
    import('./ssh/tunnel.ts'),
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

/** The first Ctrl-C stops what has not begun; the second ends the process. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController()
  const on = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      // What is written to a stream might not get out any more.
      writeSync(2, `\n${lastWords()}`)
      process.exit(128 + constants.signals[signal])
    }
    if (process.stderr.isTTY)
      process.stderr.write('\nstopping after what is under way; Ctrl-C again ends at once\n')
    stop.abort()
  }
  process.on('SIGINT', on).on('SIGTERM', on).on('SIGHUP', on)
  return stop.signal
}
