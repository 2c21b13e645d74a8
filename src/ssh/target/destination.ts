import { usage } from '../../base/failure.ts'

/** What stands in `[user@]host[:port]`. */
export interface Destination {
  readonly user: string | undefined
  readonly host: string
  readonly port: number | undefined
}

// What OpenSSH refuses too: these names may end up in the shell line of a ProxyCommand.
const unsafe = /[\s\p{Cc}'"`$\\;&<>|(){}]/u

const form =
  'write [user@]host[:port], an alias of your ssh_config, or local; an IPv6 address goes in [brackets]'

/** Splits `[user@]host[:port]`; an IPv6 address stands in brackets when a port follows. */
export function parseDestination(text: string): Destination {
  const at = text.lastIndexOf('@')
  const user = at === -1 ? undefined : text.slice(0, at)
  const { host, port } = splitPort(text.slice(at + 1), text)
  if (unsafe.test(text)) throw bad(text, 'it holds a space, a control or a shell character')
  if (text.includes('/')) throw bad(text, 'it is not a URL')
  if (host === '' || user === '') throw bad(text, 'a part of it is empty')
  if (host.startsWith('-') || user?.startsWith('-')) throw bad(text, 'no part may begin with -')
  return { user, host, port }
}

function splitPort(rest: string, text: string): { host: string; port: number | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(rest)
  if (bracketed) return { host: bracketed[1] ?? '', port: toPort(bracketed[2], text) }
  const parts = rest.split(':')
  // More than one colon without brackets is a bare IPv6 address.
  if (parts.length !== 2) return { host: rest, port: undefined }
  return { host: parts[0] ?? '', port: toPort(parts[1], text) }
}

function toPort(digits: string | undefined, text: string): number | undefined {
  if (digits === undefined) return undefined
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port < 1 || port > 65535) throw bad(text, 'the port is a number from 1 to 65535')
  return port
}

const bad = (text: string, why: string) =>
  usage(`not an ssh destination: ${JSON.stringify(text)}: ${why}`, form, 'bad-destination')
