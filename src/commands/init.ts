import { posix } from 'node:path'
import { attempt } from '../base/attempt.ts'
import { Failure, usage } from '../base/failure.ts'
import { type Config, fullPath, type HostConfig, hostDefaults } from '../config/host-config.ts'
import { saveHost } from '../config/load.ts'
import { censusOf } from '../health/parts.ts'
import { publicName } from '../health/public-name.ts'
import type { HostView } from '../host/access/host.ts'
import { dockerVersions } from '../host/docker/versions.ts'
import type { PdsView } from '../pds/xrpc/client.ts'
import { versionOf } from '../pds/xrpc/health-answer.ts'
import { type SaveStep, saveStep } from '../plan/steps/save.ts'
import { column } from '../runner/command/columns.ts'
import { procedure } from '../runner/command/command.ts'
import { composeFile, directory, hostName, projectName, target } from '../runner/command/host-types.ts'
import { flag, option, optionalArgument } from '../runner/command/parameters.ts'
import { choice, count, integer, optional, path, text, yesNo } from '../runner/command/types.ts'
import type { Views } from '../runner/command/views.ts'

/** Looks at the host before it is saved, so that a wrong entry is noticed now and not at night. */
export default procedure({
  name: 'init',
  summary: 'Add a host to the config',
  about:
    'Connects to the host, shows what it found there, and saves an entry in the config file. Nothing on the host is changed. The first host becomes the default one.',
  examples: [
    'kimbia-ops init --ssh ops@kimbia.social',
    'kimbia-ops init kimbia --ssh kimbia --sudo always --default',
    'kimbia-ops init --ssh local',
  ],
  risk: 'routine',
  on: 'machine',
  input: {
    name: optionalArgument(hostName, 'what to call it; the first part of its public name if left out'),
    ssh: option(target, '[user@]host[:port], an alias of the ssh config, or local'),
    sshConfig: option(path, 'another file for “ssh -F”'),
    identity: option(path, 'private key to log in with'),
    knownHosts: option(path, 'file with the host keys'),
    transport: option(
      choice('transport', ['ssh2', 'openssh']),
      'openssh: connect by the system’s ssh, for FIDO keys, certificates and GSSAPI',
    ),
    sudo: option(choice('sudo', ['auto', 'always', 'never']), 'how to become root'),
    dir: option(directory, 'where pds.env is on the host'),
    service: option(hostName, 'compose service of the PDS'),
    composeFile: option(composeFile, 'compose file, where it has none of the usual names'),
    project: option(projectName, 'compose project, where the containers do not tell it'),
    hostname: option(text, 'public name, when PDS_HOSTNAME is not it'),
    port: option(integer(1, 65_535), 'port of the PDS on the host, when PDS_PORT is not it'),
    default: flag('make it the host that is meant when none is named'),
    replace: flag('replace the entry of that name'),
  },
  output: {
    name: column(text, 'what -H takes'),
    where: column(text, 'user, host and port it connected to'),
    hostname: column(optional(text), 'public name of the PDS'),
    version: column(optional(text), 'of the PDS'),
    accounts: column(optional(count), 'all accounts'),
    active: column(optional(count), 'accounts that are active'),
    root: column(text, 'how root is reached'),
    docker: column(optional(text), 'version of the Docker engine'),
    compose: column(optional(text), 'version of docker compose'),
    default: column(yesNo, 'whether it is meant when no host is named'),
    file: column(text, 'the config file'),
  },
  async plan(input, views) {
    const config = await views.config()
    refuseTaken(config, input.name, input.replace)
    const ssh =
      input.ssh ?? target.parse(await views.askFor('Where is the host? [user@]host[:port] or local', '--ssh'))
    const { draft, accepted, row, warnings } = await inspectAsking(draftOf({ ...input, ssh }), views)

    const name = input.name ?? nameFor(row.hostname, ssh)
    refuseTaken(config, name, input.replace)
    const { adminPassword } = config.hosts.find((host) => host.name === name) ?? hostDefaults
    const isDefault = input.default || config.hosts.length === 0
    const before = config.exists ? await views.reader.text(config.file) : ''
    const content = await saveHost(before, { ...draft, name, adminPassword }, isDefault)
    return {
      title: `save ${name} in ${config.file}`,
      confirm: name,
      warnings,
      afterwards: ['next: kimbia-ops status, then kimbia-ops health'],
      on: 'machine',
      items: [
        {
          subject: name,
          steps: [
            ...(accepted ? [await keepHostKey(accepted, views)] : []),
            ...(content === before ? [] : [saveStep(`Save ${name}`, config.file, content)]),
          ],
          rows: [{ name, ...row, default: isDefault || config.default === name, file: config.file }],
        },
      ],
    }
  },
})

function refuseTaken({ hosts, file }: Config, name: string | undefined, replace: boolean): void {
  if (name === undefined || replace || !hosts.some((host) => host.name === name)) return
  throw usage(
    `there is already a host “${name}” in ${file}`,
    'add --replace to replace it, or choose another name',
  )
}

type Flags = {
  readonly [K in Exclude<keyof HostConfig, 'name' | 'ssh' | 'adminPassword'>]?: HostConfig[K] | undefined
}

function draftOf({ ssh, ...flags }: Flags & { readonly ssh: string }): HostConfig {
  const absolute = (file: string | undefined): string | undefined => file && fullPath(file, process.cwd())
  return {
    name: ssh,
    ssh,
    sshConfig: absolute(flags.sshConfig),
    identity: absolute(flags.identity),
    knownHosts: absolute(flags.knownHosts),
    transport: flags.transport ?? hostDefaults.transport,
    sudo: flags.sudo ?? hostDefaults.sudo,
    dir: flags.dir ? posix.resolve(flags.dir) : hostDefaults.dir,
    service: flags.service ?? hostDefaults.service,
    composeFile: flags.composeFile,
    project: flags.project,
    hostname: flags.hostname,
    port: flags.port,
    adminPassword: undefined,
  }
}

/** The first part of the public name, or of the host it connects to. */
function nameFor(hostname: string | null, ssh: string): string {
  if (ssh === 'local') return 'local'
  const address = ssh.replace(/^.*@/, '').replace(/:\d+$/, '')
  const name = hostname === null || hostname === 'localhost' ? address : hostname
  const [label = ''] = /^[\d.]+$/.test(name) ? [name] : name.split('.')
  return label.replace(/[^A-Za-z0-9._-]/g, '') || 'pds'
}

/** Looks at the host. What is missing for that is asked of a person, where one is there; Enter alone gives up. */
async function inspectAsking(
  draft: HostConfig,
  views: Views,
  accepted?: HostKey,
): Promise<{ draft: HostConfig; accepted: HostKey | undefined } & Inspected> {
  views.progress(`looking at ${draft.ssh}`)
  try {
    return { draft, accepted, ...(await inspect(views.look(draft))) }
  } catch (cause) {
    const key = cause instanceof Failure ? await askHostKey(cause, views) : undefined
    if (key) return await inspectAsking({ ...draft, acceptedHostKey: key.line }, views, key)
    const more = cause instanceof Failure ? await askMissing(cause, views) : undefined
    if (!more) throw cause
    return await inspectAsking({ ...draft, ...more }, views, accepted)
  }
}

/** A line of known_hosts, and the file it belongs in. */
interface HostKey {
  readonly file: string
  readonly line: string
}

/** The key of a host that nobody knows yet, once a person has compared it; as with ssh, the word is yes. */
async function askHostKey(cause: Failure, { askFor }: Views): Promise<HostKey | undefined> {
  const key =
    cause.code === 'host-key-unknown' ? (cause.details.knownHosts as HostKey | undefined) : undefined
  if (!key) return undefined
  const question = `${cause.message}. Compare it with what the host itself shows. Keep it in ${key.file}? (yes, or Enter)`
  const answer = await attempt(() => askFor(question, '--known-hosts'))
  if (answer instanceof Failure && answer.outcome !== 'usage') throw answer
  return answer === 'yes' ? key : undefined
}

/** The step that adds it to what the file has. */
async function keepHostKey({ file, line }: HostKey, { reader }: Views): Promise<SaveStep> {
  const before = await attempt(() => reader.text(file))
  const lines = before instanceof Failure ? '' : before.replace(/(?<=[^\n])$/, '\n')
  return saveStep('Keep the host key', file, `${lines}${line}\n`)
}

async function askMissing(cause: Failure, views: Views): Promise<Partial<HostConfig> | undefined> {
  const ask = async (question: string, flag: string): Promise<string | undefined> => {
    const answer = await attempt(() => views.askFor(`${cause.message}. ${question}`, flag))
    if (answer instanceof Failure && answer.outcome !== 'usage') throw answer
    return answer instanceof Failure ? undefined : answer || undefined
  }
  switch (cause.code) {
    case 'pds-dir-missing':
    case 'pds-env-missing': {
      const dir = await ask('In which directory is pds.env?', '--dir')
      if (dir === undefined || dir.startsWith('/'))
        return dir === undefined ? dir : { dir: posix.resolve(dir) }
      views.say('a directory of the host begins with /')
      return await askMissing(cause, views)
    }
    case 'auth-refused': {
      const file = await ask('Which private key is right?', '--identity')
      return file === undefined ? file : { identity: fullPath(file, process.cwd()) }
    }
    default:
      return undefined
  }
}

type Inspected = Awaited<ReturnType<typeof inspect>>

interface Seen {
  readonly pds: PdsView
  readonly host: HostView
}

async function inspect({ pds, host }: Seen) {
  const { elevation } = await host.settings()
  const [where, name, [docker, compose], health, accounts] = await Promise.all([
    host.where(),
    attempt(() => publicName({ pds, host })),
    dockerVersions(host),
    attempt(async () => versionOf(await pds.get('_health', {}))),
    attempt(() => censusOf(pds)),
  ])
  const warnings: string[] = []
  if (health instanceof Failure) warnings.push(`the PDS does not answer: ${health.message}`)
  else if (accounts instanceof Failure)
    warnings.push(`the accounts could not be counted: ${accounts.message}`)
  if (!docker) warnings.push('docker does not answer on this host; commands for containers will not work')
  else if (!compose)
    warnings.push('docker has no compose on this host; commands for containers will not work')
  const { total, active } = accounts instanceof Failure ? { total: null, active: null } : accounts
  const version = health instanceof Failure ? null : health
  const hostname = name instanceof Failure ? null : name
  return {
    row: { where, hostname, version, accounts: total, active, root: elevation, docker, compose },
    warnings,
  }
}
