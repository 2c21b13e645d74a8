import { readFile } from 'node:fs/promises'
import { type Failure, unreachable } from '../../base/failure.ts'
import { quote } from '../../base/shell-words.ts'
import { keyType } from './known-hosts.ts'

/** One key of a RevokedHostKeys file (ssh_config(5)). */
export interface RevokedKey {
  readonly file: string
  readonly line: number
  readonly key: Buffer
}

/** Reads the RevokedHostKeys files; as with OpenSSH, one that cannot be read leaves no host key to be trusted. */
export async function readRevokedKeys(files: readonly string[]): Promise<RevokedKey[]> {
  return (await Promise.all(files.map(readOne))).flat()
}

async function readOne(file: string): Promise<RevokedKey[]> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error)
  })
  if (bytes.subarray(0, krlMagic.length).equals(krlMagic)) throw isKrl(file)
  return bytes
    .toString('utf8')
    .split('\n')
    .flatMap((text, i) => parseLine(text, file, i + 1) ?? [])
}

/** How a key revocation list starts (PROTOCOL.krl of OpenSSH). */
const krlMagic = Buffer.from('SSHKRL\n\0', 'latin1')

/** A public key as in a `.pub` file; OpenSSH too refuses every host over a line that is none. */
function parseLine(text: string, file: string, line: number): RevokedKey | undefined {
  const words = text.trim()
  if (words === '' || words.startsWith('#')) return undefined
  const [type = '', base64 = ''] = words.split(/[ \t]+/)
  const key = Buffer.from(base64, 'base64')
  if (keyType(key) !== type) throw noKey(file, line)
  return { file, line, key }
}

const unreadable = (file: string, error: NodeJS.ErrnoException): Failure =>
  unreachable(
    'revoked-keys-unreadable',
    `cannot read ${file} (${error.code ?? error}), the RevokedHostKeys of your ssh_config, so no host key can be trusted`,
    `make it readable for you (ls -l ${quote(file)}), or take RevokedHostKeys out of the ssh_config`,
    error,
  )

const isKrl = (file: string): Failure =>
  unreachable(
    'revoked-keys-unsupported',
    `${file}, the RevokedHostKeys of your ssh_config, is a binary key revocation list, which kimbia-ops cannot read, so no host key can be trusted`,
    'list the revoked keys as text, one public key per line, or as @revoked lines in known_hosts; or use ssh itself',
  )

const noKey = (file: string, line: number): Failure =>
  unreachable(
    'revoked-keys-unreadable',
    `${file}:${line}, in the RevokedHostKeys of your ssh_config, is not a public key, so no host key can be trusted`,
    'each line is a public key as in a .pub file, or a # comment',
  )
