import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { scratch } from './scratch.ts'

const run = promisify(execFile)

/** A key made by the real ssh-keygen. */
export interface MadeKey {
  readonly file: string
  /** `type base64`, without a comment. */
  readonly line: string
  readonly blob: Buffer
  readonly fingerprint: string
}

export interface KeyOptions {
  readonly type?: 'ed25519' | 'ecdsa' | 'rsa' | undefined
  readonly passphrase?: string
  /** The form of the file: OpenSSH's own unless told otherwise. */
  readonly form?: 'PEM' | 'PKCS8'
}

/** Makes a key pair at `file` and `file.pub`. */
export async function makeKey(
  file: string,
  { type = 'ed25519', passphrase = '', form }: KeyOptions = {},
): Promise<MadeKey> {
  // Few rounds: the tests are not about being slow to guess at.
  const args = [
    '-q',
    '-t',
    type,
    '-N',
    passphrase,
    '-C',
    'test key',
    '-f',
    file,
    ...(form ? ['-m', form] : ['-a', '1']),
  ]
  await run('ssh-keygen', args)
  const line = (await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ')
  const listed = await run('ssh-keygen', ['-l', '-f', `${file}.pub`])
  return {
    file,
    line,
    blob: Buffer.from(line.split(' ')[1] ?? '', 'base64'),
    fingerprint: listed.stdout.split(' ')[1] ?? '',
  }
}

/** A key pair as text. ssh2's own generator is not used: about one of a thousand keys it makes is malformed. */
export async function freshKey(
  type: KeyOptions['type'] = 'ed25519',
): Promise<{ privateKey: string; line: string }> {
  await using place = await scratch()
  const { file, line } = await makeKey(place.file('key'), { type })
  return { privateKey: await readFile(file, 'utf8'), line }
}

/** Hashes the host names of a known_hosts file in place, as `HashKnownHosts yes` would. */
export async function hashHosts(file: string): Promise<void> {
  await run('ssh-keygen', ['-H', '-f', file])
}

/** A FIDO key as its file looks; no device stands behind it. */
export function securityKeyFile(): { text: string; blob: Buffer } {
  const type = 'sk-ssh-ed25519@openssh.com'
  const blob = Buffer.concat([str(type), str(Buffer.alloc(32, 7)), str('ssh:')])
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    str('none'),
    str('none'),
    str(''),
    Buffer.of(0, 0, 0, 1),
    str(blob),
    str(Buffer.alloc(128)),
  ])
  const body = bytes.toString('base64').replaceAll(/.{70}/g, '$&\n')
  const dashes = '-----'
  const label = 'OPENSSH PRIVATE KEY'
  return { text: `${dashes}BEGIN ${label}${dashes}\n${body}\n${dashes}END ${label}${dashes}\n`, blob }
}

function str(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
