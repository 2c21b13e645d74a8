import { type Failure, unreachable } from '../../base/failure.ts'
import type { KeyRing } from '../keys/key-ring.ts'

/** An error event of ssh2's client: `level` says where it arose, a numeric `code` is the server's reason to hang up. */
export interface Trouble {
  readonly message: string
  readonly level?: string
  readonly code?: string | number
}

/** How far a login had come: nothing is secured until the host key is verified and keys are exchanged. */
export interface Progress {
  readonly where: string
  readonly secured: 'yes' | 'no'
  readonly timeout: number
  readonly ring: KeyRing
  /** What a proxy command had to say. */
  readonly said: string
}

/** Why there is no connection. */
export function whyNotConnected(
  trouble: Trouble,
  { where, secured, timeout, ring, said }: Progress,
): Failure {
  if (trouble.level === 'client-timeout') {
    const what = secured === 'yes' ? 'did not let us in' : 'accepts connections but speaks no SSH'
    return unreachable(
      'ssh-timeout',
      `${where} ${what} within ${timeout / 1000} s${after(said)}`,
      'is this the port of sshd, and is the host well?',
      trouble,
    )
  }
  if (trouble.level === 'client-authentication') return ring.refusal(where, '')
  if (secured === 'yes') return ring.refusal(where, `; the server ended it: ${trouble.message}`)
  if (said !== '') {
    return unreachable(
      'proxy-failed',
      `the way to ${where} is closed${after(said)}`,
      'try the same with ssh -v',
      trouble,
    )
  }
  return noHandshake(where, trouble.message, trouble)
}

/** What listens there ended it before anything was secured. */
export const noHandshake = (where: string, why: string, cause: unknown): Failure =>
  unreachable(
    'ssh-handshake',
    `${where} did not complete an SSH handshake: ${why}`,
    'is this the port of sshd? see what it says: ssh -v',
    cause,
  )

/** What a dropped connection means for whoever still wants something of it. */
export const lostLink = (where: string, trouble?: Trouble): Failure =>
  unreachable(
    'link-lost',
    `the connection to ${where} is lost${trouble ? `: ${trouble.message}` : ''}`,
    'what was running there may have gone on; look before you repeat it',
    trouble,
  )

const after = (said: string) => (said === '' ? '' : `: ${said}`)
