import { usage } from '../../base/failure.ts'

/** What a person calls an account by; `text` is how they wrote it. Handles, names and emails are in lower case. */
export type AccountRef =
  | { readonly kind: 'did'; readonly did: string; readonly text: string }
  | { readonly kind: 'handle'; readonly handle: string; readonly text: string }
  /** The first label of a handle on the server's own domain. */
  | { readonly kind: 'name'; readonly name: string; readonly text: string }
  | { readonly kind: 'email'; readonly email: string; readonly text: string }

// atproto.com/specs/handle and /specs/did (the methods atproto knows: plc and web).
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const handlePattern = new RegExp(`^(?:${label}\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
const namePattern = new RegExp(`^${label}$`)
const didPattern = /^did:(?:plc:[a-z2-7]{24}|web:[A-Za-z0-9._:%-]*[A-Za-z0-9._-])$/
const emailPattern = /^[^\s@]+@[^\s@]+$/
const hint = 'an account is a handle, a DID, an at:// URI, a profile or post URL, or an email address'

/**
 * Reads the name of an account: a handle with or without `@`, a bare name for the server's own domain, a DID, an
 * at:// URI, a profile or post URL of any app with bsky.app's paths, an email address. Failure: usage `bad-account`.
 */
export function parseAccountRef(text: string): AccountRef {
  // Apps put invisible marks of direction around the handles one copies.
  const shown = text.replace(/\p{Cf}/gu, '').trim()
  const ref = fromUri(shown) ?? fromUrl(shown) ?? fromIdentifier(shown)
  if (!ref) throw usage(`“${shown.slice(0, 100)}” names no account`, hint, 'bad-account')
  if (ref.kind === 'handle' && ref.handle.endsWith('.invalid')) {
    throw usage(
      `${ref.handle} stands for a handle that does not resolve`,
      'name the account by its DID',
      'bad-account',
    )
  }
  return { ...ref, text: shown }
}

type Parsed = AccountRef | undefined

const fromUri = (text: string): Parsed =>
  /^at:\/\//i.test(text) ? fromAuthority(text.slice('at://'.length).split(/[/?#]/)[0] ?? '') : undefined

function fromUrl(text: string): Parsed {
  const path = /^(?:https?:\/\/)?[^/\s@]+\/profile\/([^/?#]+)/i.exec(text)?.[1]
  if (path === undefined) return undefined
  try {
    return fromAuthority(decodeURIComponent(path))
  } catch {
    return undefined
  }
}

/** What stands for an account in a URI: a handle or a DID, nothing shorter. */
function fromAuthority(text: string): Parsed {
  const ref = fromIdentifier(text)
  return ref?.kind === 'handle' || ref?.kind === 'did' ? ref : undefined
}

function fromIdentifier(text: string): Parsed {
  if (text.startsWith('did:')) return didPattern.test(text) ? { kind: 'did', did: text, text } : undefined
  const word = text.toLowerCase()
  const handle = word.startsWith('@') ? word.slice(1) : word
  if (handlePattern.test(handle) && handle.length <= 253) return { kind: 'handle', handle, text }
  if (namePattern.test(handle)) return { kind: 'name', name: handle, text }
  if (emailPattern.test(word)) return { kind: 'email', email: word, text }
  return undefined
}

/** The words of a message for an account that was asked for: its handle, DID, name or email. */
export function nameOf(ref: AccountRef): string {
  switch (ref.kind) {
    case 'did':
      return ref.did
    case 'handle':
      return ref.handle
    case 'name':
      return ref.name
    case 'email':
      return ref.email
  }
}

/** What keeps a word from being a handle (atproto.com/specs/handle); undefined for nothing, or for what is none at all. */
export function handleFault(word: string): string | undefined {
  const handle = word.trim().replace(/^@/, '')
  if (/[@:/]/.test(handle)) return undefined
  const [, other] = /([^A-Za-z0-9.-])/u.exec(handle) ?? []
  if (other !== undefined) return `“${other}” cannot be in it`
  const labels = handle.split('.')
  if (labels.includes('')) return 'a part of it is empty'
  if (labels.some((label) => label.startsWith('-') || label.endsWith('-')))
    return 'no part of it may begin or end with a hyphen'
  if (labels.some((label) => label.length > 63) || handle.length > 253) return 'it is too long'
  if (labels.length > 1 && /^\d/.test(labels.at(-1) ?? '')) return 'its last part must begin with a letter'
  return undefined
}
