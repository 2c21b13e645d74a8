import { type Failure, unreachable, usage } from '../../base/failure.ts'
import type { Refusal } from '../connect/channel-failures.ts'
import { noHandshake } from '../connect/connect-failures.ts'
import { acceptance } from '../keys/host-key.ts'
import type { Target } from '../target/target.ts'

/** What ssh itself has to say, without what it notes for those who debug it. */
export const ownWords = (log: string): string =>
  log
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !/^debug\d: |^@+$|^OpenSSH_/.test(line))
    .map((line) => line.trim())
    .slice(-6)
    .join('; ')
    .slice(0, 600)

/** Whether the server has no room for one more session. */
export const isFullIn = (log: string): boolean => /session request failed: Session open refused/.test(log)

/** Why a tunnel was not opened, by the last word of the server (RFC 4254, section 5.1). */
export function refusalIn(log: string): Refusal {
  const [, kind, why] = [...log.matchAll(/open failed: ([a-z ]+): ?(.*)/g)].at(-1) ?? []
  const reason = kind === undefined ? undefined : reasons[kind]
  return Object.assign(new Error(why || kind || 'no reason given'), reason && { reason })
}

const reasons: Readonly<Record<string, number>> = { 'administratively prohibited': 1, 'connect failed': 2 }

export const noSshProgram = (ssh: string): Failure =>
  usage(
    `cannot run ${ssh}: there is no such program, and “transport: openssh” needs it`,
    'install the OpenSSH client, or leave “transport” out of the host entry',
    'no-ssh-client',
  )

/** Nobody was let in within the time there is. */
export function tooLate(log: string, where: string, timeout: number): Failure {
  const touch = /Server accepts key: .*-SK |Server accepts key: .*sk-/.test(log)
  return unreachable(
    'ssh-timeout',
    touch
      ? `${where}: the security key gave no signature within ${timeout / 1000} s`
      : `${where} did not let us in within ${timeout / 1000} s`,
    touch
      ? 'touch the key when it blinks; on a terminal ssh says when: ssh DESTINATION true'
      : 'is this the port of sshd, and is the host well? see what happens: ssh -v',
  )
}

/** Why ssh has no connection, told by what it said; the codes are those of the other way to connect. */
export function whyNoMaster(log: string, target: Target, where: string): Failure {
  const said = ownWords(log)
  const found = causes.find(([pattern]) => pattern.test(log))
  if (found) return found[1]({ said, log, target, where })
  if (!/SSH2_MSG_NEWKEYS received/.test(log))
    return target.proxyJump !== undefined || target.proxyCommand !== undefined
      ? unreachable('proxy-failed', `the way to ${where} is closed: ${said}`, 'try the same with ssh -v')
      : noHandshake(where, said || 'it closed the connection', undefined)
  return refused({ said, log, target, where })
}

interface Case {
  readonly said: string
  readonly log: string
  readonly target: Target
  readonly where: string
}

const fail =
  (code: string, message: (it: Case) => string, hint: string | ((it: Case) => string)) =>
  (it: Case): Failure =>
    unreachable(code, message(it), typeof hint === 'string' ? hint : hint(it))

const at = ({ target }: Case) => `${target.host} port ${target.port}`
const firewall = 'is the host up, and does its firewall let you through to this port?'

/** The key that the host showed, as `ssh-ed25519 SHA256:…`. */
const shownKey = ({ log }: Case) => /debug1: Server host key: (.*)/.exec(log)?.[1] ?? 'a key'

const refused = (it: Case): Failure => {
  const open = /Permissions \d+ for '(.*)' are too open/.exec(it.log)?.[1]
  if (open !== undefined)
    return unreachable(
      'key-permissions',
      `${it.where}: ${open} is a private key that others may read, so ssh does not use it`,
      `chmod 600 '${open}'`,
    )
  const tried = [...it.log.matchAll(/Offering public key: (\S+)/g)].map(([, file]) => file)
  return unreachable(
    'auth-refused',
    `${it.where} refused every key: ${tried.length === 0 ? 'there was none to try' : `tried ${tried.join(', ')}`}; ssh says: ${it.said}`,
    'name the right key (“identity:” in the config), load one that has a passphrase into the agent (ssh-add), or let it in by ~/.ssh/authorized_keys of that user on the host; see what happens: ssh -v',
  )
}

/** In this order: a later one may stand in the log because of an earlier one. */
const causes: readonly (readonly [RegExp, (it: Case) => Failure])[] = [
  [
    /Could not resolve hostname/,
    fail(
      'host-not-found',
      (it) => `there is no address for ${it.target.host}: ${it.said}`,
      'check the name, and this machine’s DNS',
    ),
  ],
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    fail(
      'host-key-changed',
      (it) =>
        `the host key of ${it.where} has changed: it shows ${shownKey(it)}; someone may be listening in, or the host was set up anew; ssh says: ${it.said}`,
      'only when you know why it changed, remove the old one with ssh-keygen -R, from the file that ssh names',
    ),
  ],
  [
    /REVOKED HOST KEY DETECTED|host key .* is revoked|marked as revoked/i,
    fail(
      'host-key-revoked',
      (it) => `the host key of ${it.where} is revoked: ${shownKey(it)}`,
      'do not connect; ask whoever revoked the key for the new one',
    ),
  ],
  [
    /Host key verification failed|No .* host key is known/,
    fail(
      'host-key-unknown',
      (it) => `the host key of ${it.where} is not known: ${shownKey(it)}; ssh says: ${it.said}`,
      ({ target }) =>
        `compare this fingerprint with the one the host itself shows (ssh-keygen -lf on its .pub file), then ${acceptance(target)}`,
    ),
  ],
  [
    /connect to (host|address) .*: Connection refused/,
    fail('ssh-refused', (it) => `${at(it)} refused the connection`, 'is sshd running, and on this port?'),
  ],
  [/timed out/i, fail('ssh-timeout', (it) => `${at(it)} did not answer: ${it.said}`, firewall)],
  [
    /connect to (host|address) /,
    fail('ssh-unreachable', (it) => `cannot connect to ${at(it)}: ${it.said}`, firewall),
  ],
  [/Permission denied \(|Too many authentication failures/, refused],
]
