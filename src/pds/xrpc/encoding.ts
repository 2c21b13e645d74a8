import { schemas } from '@atproto/api'
import { Lexicons } from '@atproto/lexicon'
import { Secret } from '../../base/secret.ts'
import type { Params, RawAnswer } from './client.ts'
import { type Asked, unexpectedAnswer } from './failures.ts'

const everyHas = (list: unknown, ...keys: readonly string[]): boolean =>
  Array.isArray(list) && list.every((it) => keys.every((key) => typeof it?.[key] === 'string'))

/**
 * The two methods that tell of all accounts: of them only the fields that are read are checked, since the whole of the
 * lexicon takes longer than the transfer.
 */
const bulk: Readonly<Record<string, (body: unknown) => boolean>> = {
  'com.atproto.sync.listRepos': (body) => everyHas((body as { repos?: unknown } | undefined)?.repos, 'did'),
  'com.atproto.admin.getAccountInfos': (body) =>
    everyHas((body as { infos?: unknown } | undefined)?.infos, 'did', 'handle', 'indexedAt'),
}

/** Reads an answer and checks it against its lexicon; a Failure where it is not what that demands. */
export function parse<T>(asked: Asked, answer: RawAnswer): T {
  try {
    const text = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength).toString()
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const holds = bulk[asked.nsid]
    if (holds === undefined) lexicons.assertValidXrpcOutput(asked.nsid, body)
    else if (!holds(body)) throw new TypeError('it lacks what its lexicon demands')
    return body as T
  } catch (error) {
    throw unexpectedAnswer(asked, answer, error)
  }
}

/** JSON in which a Secret is its value: a request body is one of the two places where it may be. */
export const encode = (input: unknown): Uint8Array =>
  Buffer.from(
    JSON.stringify(input, function (this: Record<string, unknown>, key, value: unknown) {
      const original = this[key]
      return original instanceof Secret ? original.reveal() : value
    }),
  )

/** The query string of a method's parameters; a list repeats its name. */
export function toSearch(params: Params): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one))
  }
  return search.toString()
}

const harmless = new Set(['did', 'handle', 'uri', 'limit', 'cursor', 'sort', 'repo', 'collection', 'rkey'])

/** The parameters as they may be said aloud: values of those alone that hold no secret. */
export const told = (params: Params): string =>
  Object.entries(params)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      if (Array.isArray(value)) return ` ${name}=(${value.length})`
      return harmless.has(name) ? ` ${name}=${value}` : ` ${name}=…`
    })
    .join('')

/** Those of the methods called here and what they refer to; all 400 would take 20 ms of every command. */
export const lexicons = new Lexicons(schemas.filter(({ id }) => id.startsWith('com.atproto.')))
