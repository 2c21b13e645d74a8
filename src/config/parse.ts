import { showAge } from '../base/duration.ts'
import { type Failure, usage } from '../base/failure.ts'
import { nearest } from '../base/suggest.ts'
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
} from '../base/yaml.ts'
import { type AdminPasswordConfig, type Config, type HostConfig, hostDefaults } from './host-config.ts'
import { age, destination, directory, localPath, matching, oneOf, port, type Spot, string } from './values.ts'

/** Reads the text of a config file; what is not valid is a `usage` Failure that names the line. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: false })
  const at = (offset: number) => `${file}:${lines.linePos(offset).line}`
  const [problem] = [...document.errors, ...document.warnings]
  if (problem) throw wrong(at(problem.pos[0]), sentence(problem.message))

  const spot = (path: string, node: Node | null | undefined, offset: number): Place => {
    const found = isAlias(node) ? node.resolve(document) : node
    const where = at((node as ParsedNode | null)?.range?.[0] ?? offset)
    const value = isScalar(found) ? found.value : (found ?? null)
    return { path, value, node: found ?? null, wrong: (message, hint) => wrong(where, message, hint) }
  }
  const fieldsOf: FieldsOf = (whole, known) => {
    if (!isMap(whole.node))
      throw whole.wrong(
        `${whole.path === '' ? 'the file' : `“${whole.path}”`} must be a list of “key: value” lines`,
      )
    const fields = new Map<string, Place>()
    for (const { key, value } of whole.node.items as YAMLMap.Parsed['items']) {
      const name = String(isScalar(key) ? key.value : key)
      const path = whole.path === '' ? name : `${whole.path}.${name}`
      const field = spot(path, value, key.range[0])
      if (known && !known.includes(name)) throw unknownKey(field, name, known)
      fields.set(name, field)
    }
    return fields
  }
  return readConfig(spot('', document.contents, 0), file, fieldsOf)
}

/** A value with its node, for looking into it. */
interface Place extends Spot {
  readonly node: Node | null
}

/** The values of a map by key, none of which may be unknown when `known` is given. */
type FieldsOf = (whole: Place, known: readonly string[] | undefined) => Map<string, Place>

function readConfig(top: Place, file: string, fieldsOf: FieldsOf): Config {
  const empty = top.value === null
  const fields = empty ? new Map<string, Place>() : fieldsOf(top, ['default', 'hosts'])
  const hosts: HostConfig[] = []
  const listed = fields.get('hosts')
  if (listed)
    for (const [name, host] of fieldsOf(listed, undefined)) hosts.push(readHost(name, host, file, fieldsOf))

  const preset = fields.get('default')
  const name = preset && string(preset)
  if (preset && name && name !== 'local' && !hosts.some((host) => host.name === name)) {
    const near = nearest(
      name,
      hosts.map((host) => host.name),
    )
    throw preset.wrong(
      `“default” names “${name}”, which is not under “hosts”`,
      near && `did you mean “${near}”?`,
    )
  }
  return { file, exists: true, default: name, hosts }
}

function readHost(name: string, whole: Place, file: string, fieldsOf: FieldsOf): HostConfig {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw whole.wrong(`“${name}” is not a name for a host`, 'use letters, digits, “.”, “_” and “-”')
  const fields = fieldsOf(whole, Object.values(keys))
  const get = <T, D>(key: keyof typeof keys, read: (field: Place) => T, preset: D): T | D => {
    const field = fields.get(keys[key])
    return field ? read(field) : preset
  }
  const path = localPath(file)
  const host = {
    name,
    ssh: get('ssh', destination, undefined),
    sshConfig: get('sshConfig', path, hostDefaults.sshConfig),
    identity: get('identity', path, hostDefaults.identity),
    knownHosts: get('knownHosts', path, hostDefaults.knownHosts),
    transport: get('transport', oneOf(['ssh2', 'openssh']), hostDefaults.transport),
    sudo: get('sudo', oneOf(['auto', 'always', 'never']), hostDefaults.sudo),
    dir: get('dir', directory, hostDefaults.dir),
    service: get(
      'service',
      matching(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a compose service'),
      hostDefaults.service,
    ),
    composeFile: get('composeFile', string, hostDefaults.composeFile),
    project: get('project', matching(/^[a-z0-9][a-z0-9_-]*$/, 'a compose project'), hostDefaults.project),
    hostname: get(
      'hostname',
      matching(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'a host name'),
      hostDefaults.hostname,
    ),
    port: get('port', port, hostDefaults.port),
    adminPassword: get(
      'adminPassword',
      (spot) => readAdminPassword(spot, fieldsOf),
      hostDefaults.adminPassword,
    ),
  }
  const { ssh } = host
  if (!ssh)
    throw whole.wrong(`“${whole.path}” has no “ssh”`, 'such as “ssh: ops@kimbia.social”, or “ssh: local”')
  if (name === 'local' && ssh !== 'local')
    throw whole.wrong('“local” always means this very machine', 'give this host another name')
  return { ...host, ssh }
}

/** The fields of HostConfig and their keys in the file. */
const keys = {
  ssh: 'ssh',
  sshConfig: 'ssh_config',
  identity: 'identity',
  knownHosts: 'known_hosts',
  transport: 'transport',
  sudo: 'sudo',
  dir: 'dir',
  service: 'service',
  composeFile: 'compose_file',
  project: 'project',
  hostname: 'hostname',
  port: 'port',
  adminPassword: 'admin_password',
} as const satisfies Record<Exclude<keyof HostConfig, 'name' | 'acceptedHostKey'>, string>

function readAdminPassword(whole: Place, fieldsOf: FieldsOf): AdminPasswordConfig {
  const fields = fieldsOf(whole, ['rotate_every', 'store', 'read'])
  const [every, store, read] = ['rotate_every', 'store', 'read'].map((key) => fields.get(key))
  if (store?.value === 'stdout')
    throw store.wrong(
      `“${store.path}” cannot be stdout, which keeps nothing`,
      'ask for it on the command line',
    )
  const name = store && storeName(store)
  if (read && !/^(command|age):/.test(name ?? ''))
    throw read.wrong(`“${read.path}” is only for a store that is command:… or age:…`)
  return { rotateEvery: every && age(every), store: name, ...(read && { read: string(read) }) }
}

const storeName = matching(
  /^(op:\/\/([^/]+\/){2,3}[^/]+|file:.+|command:.+|age:[^-].*:[/~].*)$/,
  'a store: op://VAULT/ITEM/FIELD, file:PATH, command:LINE or age:RECIPIENT:PATH',
)

const wrong = (where: string, message: string, hint?: string): Failure =>
  usage(`${where}: ${message}`, hint, 'config-invalid')

const sentence = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function unknownKey(field: Spot, name: string, known: readonly string[]): Failure {
  const near = nearest(name, known)
  return field.wrong(
    `unknown key “${field.path}”`,
    near ? `did you mean “${near}”?` : `known here: ${known.join(', ')}`,
  )
}

/** The text with one host added or replaced, by editing the document that is there. */
export function withHost(text: string, host: HostConfig, makeDefault: boolean): string {
  const parsed = parseDocument(text)
  const document = isMap(parsed.contents) ? parsed : new Document({})
  if (document !== parsed) document.commentBefore = parsed.commentBefore ?? parsed.comment
  if (makeDefault) document.set('default', host.name)
  const written = entries(host)
  const place = ['hosts', host.name]
  if (!isMap(document.getIn(place))) document.setIn(place, document.createNode({}))
  for (const key of Object.values(keys)) {
    const value = written[key]
    // A plain value takes the place of the old one within its node, so that the comment beside it stays.
    if (value === undefined) document.deleteIn([...place, key])
    else document.setIn([...place, key], typeof value === 'object' ? document.createNode(value) : value)
  }
  return document.toString({ lineWidth: 0 })
}

/** The text with another default host; comments and order stay as they are. */
export function withDefault(text: string, name: string): string {
  const document = parseDocument(text)
  document.set('default', name)
  return document.toString({ lineWidth: 0 })
}

/** The text without a host; where it was the default, there is none. */
export function withoutHost(text: string, name: string): string {
  const document = parseDocument(text)
  document.deleteIn(['hosts', name])
  if (document.get('default') === name && isMap(document.contents)) {
    // What stands above the first line is about the whole file.
    const [first] = document.contents.items
    if (isScalar(first?.key) && first.key.value === 'default')
      document.commentBefore ??= first.key.commentBefore ?? null
    document.delete('default')
  }
  return document.toString({ lineWidth: 0 })
}

/** The keys worth writing: `ssh`, and what differs from the defaults. */
function entries(host: HostConfig): Record<string, unknown> {
  const { rotateEvery, store, read } = host.adminPassword ?? {}
  const values = {
    ...host,
    adminPassword: host.adminPassword && {
      ...(rotateEvery && { rotate_every: showAge(rotateEvery) }),
      ...(store && { store }),
      ...(read && { read }),
    },
  }
  const worth = Object.entries(keys).filter(
    ([field]) => field === 'ssh' || host[field as keyof HostConfig] !== hostDefaults[field as 'dir'],
  )
  return Object.fromEntries(worth.map(([field, key]) => [key, values[field as keyof typeof values]]))
}
