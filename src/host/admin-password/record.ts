import { unreachable } from '../../base/failure.ts'
import type { Secret } from '../../base/secret.ts'
import { act, ask, type Shell } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import { readPdsEnv } from '../access/settings.ts'
import { changesDir } from '../change/pending.ts'
import { remoteScript } from '../change/remote/load.ts'
import type { ShellStep } from '../change/step.ts'

/** What is written down on the host of the last rotation of the admin password; nothing in it comes from a password. */
export interface PasswordRecord {
  /** ISO 8601 UTC. */
  readonly rotatedAt: string
  /** `user@machine` of the operator. */
  readonly by: string
  readonly command: string
  /** Version of kimbia-ops. */
  readonly version: string
  /** What the store was called. */
  readonly store: string
  readonly id: string
}

/** The record as it stands: its text too, to be put back by an undo. A text without a record is one that cannot be read. */
export interface StandingRecord {
  readonly path: string
  readonly text: string | undefined
  readonly record: PasswordRecord | undefined
}

type Sight = Pick<HostView, 'ask' | 'config' | 'where'>

const fileName = 'admin-password.json'

/** Where the record of a host is. */
export const recordPath = async (host: Pick<HostView, 'config'>): Promise<string> =>
  `${changesDir(await host.config())}/${fileName}`

/** Reads the record of the last rotation. */
export async function readRecord(host: Sight): Promise<StandingRecord> {
  const path = await recordPath(host)
  const { code, stdout, stderr } = await host.ask(ask`# read the record of the admin password
set -- ${path}
[ ! -d "\${1%/*}" ] || cd "\${1%/*}" || exit
[ -e "$1" ] || { echo none; exit 0; }
echo record
cat -- "$1"`)
  if (code === 0 && stdout === 'none\n') return { path, text: undefined, record: undefined }
  const [, text] = /^record\n([\s\S]*)$/.exec(stdout) ?? []
  if (code !== 0 || text === undefined) throw unreadable(await host.where(), path, stderr)
  return { path, text, record: parseRecord(text) }
}

function parseRecord(text: string): PasswordRecord | undefined {
  try {
    const value = JSON.parse(text) as Record<keyof PasswordRecord, unknown> | null
    const { rotatedAt, by, command, version, store, id } = value ?? {}
    const texts = [rotatedAt, by, command, version, store, id]
    if (!texts.every((it) => typeof it === 'string') || Number.isNaN(Date.parse(String(rotatedAt))))
      return undefined
    return value as PasswordRecord
  } catch {
    return undefined
  }
}

/** What is wrong with a record that is there and cannot be read; undefined where there is none, or nothing is wrong. */
export const brokenRecord = ({ path, text, record }: StandingRecord): string | undefined =>
  text === undefined || record ? undefined : `the record of its last rotation cannot be read: ${path}`

/** Replaces the record; its undo puts the former one back, or takes it away where there was none. */
export function recordStep(path: string, next: PasswordRecord, { text }: StandingRecord): ShellStep {
  const undo = text === undefined ? act`rm -f -- ${path}` : put(path, text)
  return {
    kind: 'shell',
    why: 'Write down when the password was rotated, and by whom',
    run: put(path, `${JSON.stringify(next)}\n`),
    undo: [{ kind: 'shell', why: 'Put the former record of the rotation back', run: undo }],
  }
}

/** Beside it, flushed, then renamed. */
const put = (path: string, text: string): Shell<'act'> => act`# write the record of the rotation
set -- ${path} ${text}
umask 077
new=\${1%/*}/.\${1##*/}.new
rm -f -- "$new" && printf %s "$2" >"$new" && { sync "$new" 2>/dev/null || sync; } && mv -f -- "$new" "$1" ||
  { rm -f -- "$new"; exit 1; }`

/** The admin password that pds.env holds at this moment. */
export async function readAdminPassword(host: Sight): Promise<Secret> {
  const { dir } = await host.config()
  return await passwordIn(host, `${dir}/pds.env`, ask`cat -- ${`${dir}/pds.env`}`)
}

/** The admin password of the pds.env that the change under way has replaced. */
export async function readFormerPassword(host: Sight): Promise<Secret> {
  const dir = changesDir(await host.config())
  const read = ask`# read what pds.env held before
state_dir=${dir}
eval ${remoteScript('change-place.sh')}
cat -- "$change_dir"/files/*.old`
  return await passwordIn(host, `${dir}/change`, read)
}

async function passwordIn(host: Sight, what: string, read: Shell<'ask'>): Promise<Secret> {
  const [config, where] = [await host.config(), await host.where()]
  const { code, stdout, stderr } = await host.ask(read)
  if (code !== 0) throw unreadable(where, what, stderr)
  return readPdsEnv(stdout, config, where).adminPassword
}

const unreadable = (where: string, path: string, stderr: string) =>
  unreachable(
    'password-not-readable',
    `${where}:${path} cannot be read: ${stderr.trim().slice(-300) || 'no reason given'}`,
    'see it on the host, and the room on its disk',
  )
