import { parseAge } from '../../base/duration.ts'
import { usage } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import { type AccountRef, handleFault, parseAccountRef } from '../../pds/accounts/account-ref.ts'

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/** JSON Schema (draft 2020-12), as far as `schema` prints it. */
export type JsonSchema = { readonly [key: string]: Json | undefined }

/** A kind of value as output: what its JSON looks like, how a person sees it. */
export interface Shown<T> {
  /** The placeholder in help, such as `time` in `<time>`. */
  readonly name: string
  readonly schema: JsonSchema
  /** One line for a table. */
  show(value: T): string
  /** What the shown value is in: the heading of a table says it once, a single value has it behind itself. */
  readonly unit?: string
  /** In a pipe it is as in JSON, not as shown. */
  readonly piped?: 'json'
  /** Whether a table may cut it where the line is too long: words for reading, nothing to be copied. */
  readonly mayBeCut?: true
  /** What goes into the result's JSON; identity unless the value hides itself. */
  json(value: T): Json
}

/** A kind of value that can also be typed: how a word of argv becomes one. */
export interface Type<T> extends Shown<T> {
  /** Throws a `usage` Failure that says what would be right. */
  parse(text: string): T
  /** All words it takes, for help and completion. */
  readonly choices?: readonly string[]
  /** What the shell should complete: files, names of configured hosts, or nothing. */
  readonly completes?: 'file' | 'host'
}

const readOnly = (name: string) => (): never => {
  throw new TypeError(`${name} is only an output`)
}

const plain = (name: string, schema: JsonSchema, parse: (text: string) => string): Type<string> => ({
  name,
  schema,
  parse,
  show: (value) => value,
  json: (value) => value,
})

/** Any text without control characters. */
export const text: Type<string> = {
  ...plain('text', { type: 'string' }, (word) => {
    if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(word))
      throw usage('control characters are not allowed here')
    return word
  }),
  mayBeCut: true,
}

/** A file of this machine, or `-` for standard input. */
export const path: Type<string> = { ...plain('file', { type: 'string' }, (word) => word), completes: 'file' }

/** Why, as the operator says. The PDS takes an empty takedown ref for none at all, and the account for active. */
export const reason: Type<string> = {
  ...text,
  parse(word) {
    if (word.trim() === '') throw usage('it is empty', 'say why, or leave it out')
    return text.parse(word)
  },
}

/** A handle (atproto.com/specs/handle), as output. */
export const handle: Type<string> = plain('handle', { type: 'string', format: 'hostname' }, (word) => word)

/** A DID (atproto.com/specs/did), as output. */
export const did: Type<string> = plain('did', { type: 'string', pattern: '^did:' }, (word) => word)

/** An invite code, as output. */
export const code: Type<string> = plain('code', { type: 'string' }, (word) => word)

/** An address with one `@` and a dot behind it, as the PDS wants it. */
export const email: Type<string> = plain('email', { type: 'string', format: 'email' }, (word) => {
  const address = word.trim()
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)) throw usage(`“${word}” is not an email address`)
  return address
})

/** A whole number from `least` to `most`. */
export const integer = (least: number, most: number = Number.MAX_SAFE_INTEGER): Type<number> => ({
  name: 'n',
  schema: { type: 'integer', minimum: least, ...(most < Number.MAX_SAFE_INTEGER && { maximum: most }) },
  parse(word) {
    const value = /^\d{1,15}$/.test(word) ? Number(word) : Number.NaN
    if (value >= least && value <= most) return value
    const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`
    throw usage(`“${word}” is not a whole number ${range}`)
  },
  show: (value) => String(value),
  json: (value) => value,
})

/** A count, as output. */
export const count: Type<number> = integer(0)

/** One of a few words. */
export const choice = <const C extends readonly string[]>(name: string, choices: C): Type<C[number]> => ({
  name,
  choices,
  schema: { enum: choices },
  parse(word) {
    if (choices.includes(word)) return word
    throw usage(`“${word}” is not one of ${choices.join(', ')}`)
  },
  show: (value) => value,
  json: (value) => value,
})

/** yes or no, as output. */
export const yesNo: Type<boolean> = {
  name: 'yes|no',
  schema: { type: 'boolean' },
  parse: readOnly('yes|no'),
  show: (value) => (value ? 'yes' : 'no'),
  json: (value) => value,
}

/** A length of time such as `30s` or `5m`, in milliseconds. */
export const duration: Type<number> = {
  name: 'time',
  schema: { type: 'integer', description: 'milliseconds' },
  parse(word) {
    const age = parseAge(word)
    if (age) return age
    throw usage(`“${word}” is not a length of time`, 'write it as 30s, 5m, 10min or 1h30m')
  },
  show: (value) => `${value / 1000}s`,
  json: (value) => value,
}

/** A moment as output, ISO 8601 in UTC; a person sees `2026-11-22 18:04:05`. */
export const moment: Type<string> = {
  name: 'time',
  schema: { type: 'string', format: 'date-time' },
  parse: readOnly('time'),
  show: (value) => value.slice(0, 19).replace('T', ' '),
  unit: 'UTC',
  json: (value) => value,
}

/** A password: shown and in JSON only because it is the result that was asked for. */
export const password: Type<Secret> = {
  name: 'password',
  schema: { type: 'string' },
  parse: (word) => new Secret(word),
  show: (value) => value.reveal(),
  json: (value) => value.reveal(),
}

/** A value that may be absent: `null` in JSON, `-` in a table. */
export const optional = <T>(type: Type<T>): Type<T | null> => ({
  ...type,
  schema: { anyOf: [type.schema, { type: 'null' }] },
  show: (value) => (value === null ? '-' : type.show(value)),
  json: (value) => (value === null ? null : type.json(value)),
})

/** Anything JSON can say, as output. */
export const anything: Type<Json> = {
  name: 'json',
  schema: {},
  parse: readOnly('json'),
  show: (value) => JSON.stringify(value),
  mayBeCut: true,
  json: (value) => value,
}

/** Any way to name an account; resolved against the PDS before anything is done. */
export const account: Type<AccountRef> = {
  name: 'account',
  schema: { type: 'string', description: 'handle, DID, at:// URI, profile or post URL, or email' },
  parse: parseAccountRef,
  show: (ref) => ref.text,
  json: (ref) => ref.text,
}

const handleHint = 'letters, digits and hyphens: alice, or alice.kimbia.social'

/** A handle to give: whole, or its first label, which then gets the domain of the server. */
export const newHandle: Type<string> = {
  name: 'handle',
  schema: { type: 'string' },
  parse(word) {
    const fault = handleFault(word)
    if (fault !== undefined) throw usage(`“${word}” is not a handle: ${fault}`, handleHint)
    const ref = parseAccountRef(word)
    if (ref.kind === 'handle') return ref.handle
    if (ref.kind === 'name') return ref.name
    throw usage(`“${word}” is not a handle`, handleHint)
  },
  show: (value) => value,
  json: (value) => value,
}
