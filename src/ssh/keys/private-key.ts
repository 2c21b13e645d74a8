import { readFile, stat } from 'node:fs/promises'
import { quote } from '../../base/shell-words.ts'
import { WireReader } from './agent-client.ts'
import { keyType } from './known-hosts.ts'

/** Why a key file cannot be used, and what to do about it. */
export interface KeyProblem {
  readonly code:
    | 'key-permissions'
    | 'key-unsupported'
    | 'key-invalid'
    | 'key-unreadable'
    | 'key-encrypted'
    | 'key-passphrase'
    | 'agent-refused'
  readonly message: string
  readonly hint?: string
}

/** What a key file shows of itself before it is unlocked. */
export interface KeyFile {
  readonly file: string
  /** The public key in wire format, when it can be had without a passphrase. */
  readonly publicKey: Buffer | undefined
  /** The file's text, when its private key is of use. */
  readonly text: string | undefined
  readonly encrypted: 'yes' | 'no'
  readonly problem: KeyProblem | undefined
}

/** Reads a private key file without unlocking it; undefined when neither it nor its `.pub` is there. */
export async function readKeyFile(file: string): Promise<KeyFile | undefined> {
  const [text, openToAll, publicKey] = await Promise.all([read(file), isOpenToAll(file), readPublic(file)])
  if (text instanceof Error) {
    if (text.code !== 'ENOENT') return unusable(file, publicKey, unreadable(file, text))
    return publicKey === undefined ? undefined : unusable(file, publicKey, undefined)
  }
  const key = inspectKey(text, file)
  const problem = openToAll && key.text !== undefined ? permissions(file) : key.problem
  return { ...key, publicKey: key.publicKey ?? publicKey, problem }
}

/** Tells from its text what a key file holds. */
export function inspectKey(text: string, file: string): KeyFile {
  if (text.includes('-----BEGIN OPENSSH PRIVATE KEY-----')) return inspectOpenSsh(text, file)
  if (/-----BEGIN (RSA|EC|DSA) PRIVATE KEY-----/.test(text)) {
    const encrypted = /^Proc-Type:.*ENCRYPTED/m.test(text) ? 'yes' : 'no'
    return { file, publicKey: undefined, text, encrypted, problem: undefined }
  }
  const publicKey = parsePublic(text)
  if (publicKey !== undefined) return unusable(file, publicKey, undefined)
  if (text.startsWith('PuTTY-User-Key-File-')) return unusable(file, undefined, putty(file))
  if (/-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)) return unusable(file, undefined, pkcs8(file))
  return unusable(file, undefined, invalid(file))
}

/** The public half stands unencrypted in front of the private one (OpenSSH, PROTOCOL.key). */
function inspectOpenSsh(text: string, file: string): KeyFile {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(text)?.[1] ?? ''
  const bytes = Buffer.from(base64, 'base64')
  const magic = 'openssh-key-v1\0'
  try {
    if (bytes.toString('latin1', 0, magic.length) !== magic) throw new RangeError('no key inside')
    const reader = new WireReader(bytes.subarray(magic.length))
    const cipher = reader.string().toString('latin1')
    reader.string()
    reader.string()
    reader.uint32()
    const publicKey = reader.string()
    if (keyType(publicKey).startsWith('sk-')) return unusable(file, publicKey, securityKey(file))
    return { file, publicKey, text, encrypted: cipher === 'none' ? 'no' : 'yes', problem: undefined }
  } catch {
    return unusable(file, undefined, invalid(file))
  }
}

const unusable = (file: string, publicKey: Buffer | undefined, problem: KeyProblem | undefined): KeyFile => ({
  file,
  publicKey,
  text: undefined,
  encrypted: 'no',
  problem,
})

async function read(file: string): Promise<string | NodeJS.ErrnoException> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error)
}

async function readPublic(file: string): Promise<Buffer | undefined> {
  const text = await read(`${file}.pub`)
  return text instanceof Error ? undefined : parsePublic(text)
}

function parsePublic(text: string): Buffer | undefined {
  const [type, base64] = text.trim().split(/\s+/)
  if (type === undefined || base64 === undefined) return undefined
  const key = Buffer.from(base64, 'base64')
  return keyType(key) === type ? key : undefined
}

/** OpenSSH's rule: a private key of one's own that others may read is not used. */
async function isOpenToAll(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined)
  return found !== undefined && found.uid === process.getuid?.() && (found.mode & 0o077) !== 0
}

const permissions = (file: string): KeyProblem => ({
  code: 'key-permissions',
  message: `${file} is a private key that others may read, so it is not used`,
  hint: `chmod 600 ${quote(file)}`,
})

const unreadable = (file: string, error: NodeJS.ErrnoException): KeyProblem => ({
  code: 'key-unreadable',
  message: `${file} cannot be read (${error.code})`,
  hint: `see what it is: ls -l ${quote(file)}`,
})

const invalid = (file: string): KeyProblem => ({
  code: 'key-invalid',
  message: `${file} does not hold a private key`,
  hint: `see what it holds: ssh-keygen -l -f ${quote(file)}`,
})

const putty = (file: string): KeyProblem => ({
  code: 'key-unsupported',
  message: `${file} is a PuTTY key, which OpenSSH does not read either`,
  hint: `convert it: puttygen ${quote(file)} -O private-openssh -o NEW_FILE`,
})

const pkcs8 = (file: string): KeyProblem => ({
  code: 'key-unsupported',
  message: `${file} is a PKCS#8 key, which kimbia-ops does not read`,
  hint: `have it rewritten in OpenSSH's own form: ssh-keygen -p -f ${quote(file)}`,
})

const securityKey = (file: string): KeyProblem => ({
  code: 'key-unsupported',
  message: `${file} is a FIDO security key, which only the system’s ssh can use`,
  hint: `set “transport: openssh” for this host in the config, or add another key: ssh-keygen -t ed25519, then ssh-copy-id`,
})
