import { usage } from '../../base/failure.ts'
import { nearest } from '../../base/suggest.ts'
import { isKnown, isOfThePds, knownSettings } from '../../host/env/known-settings.ts'
import { holdsSecret, isSecret } from '../../host/env/mask.ts'
import { type Shown, type Type, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'

const name = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The name of a setting. */
export const settingName: Type<string> = {
  ...text,
  name: 'KEY',
  parse(word) {
    if (name.test(word)) return word
    throw usage(`“${word.split('=', 1)[0]}” is not the name of a setting`, 'such as PDS_INVITE_REQUIRED')
  },
}

/** Names of settings, as output. */
export const settingNames: Shown<readonly string[]> = {
  name: 'KEYs',
  schema: { type: 'array', items: { type: 'string' } },
  show: (value) => value.join(' '),
  json: (value) => value,
}

/** Where the new values come from: the words, or standard input. */
export interface Assigned {
  readonly words: readonly string[]
  readonly stdin: boolean
  readonly unknown: boolean
}

/** The new values by setting: from words `KEY=VALUE`, or from standard input, where alone secrets may come from. */
export async function readAssignments(
  { words, stdin, unknown }: Assigned,
  { reader }: Pick<Views, 'reader'>,
): Promise<ReadonlyMap<string, string>> {
  const given =
    words.length === 1 && words[0] === '-'
      ? fromLines(await reader.text('-'))
      : stdin
        ? [[onlyKey(words), await reader.line()] as const]
        : words.map(fromWord)
  if (given.length === 0)
    throw usage('nothing was given to set', 'write KEY=VALUE…, KEY --stdin, or - for lines on standard input')
  const values = new Map<string, string>()
  for (const [key, value] of given) {
    if (values.has(key)) throw usage(`${key} is given more than once`)
    if (!unknown) refuseUnknown(key)
    values.set(key, value)
  }
  return values
}

function onlyKey(words: readonly string[]): string {
  const [key = '', ...others] = words
  if (others.length > 0 || key === '' || key.includes('='))
    throw usage('--stdin takes the value of one setting', 'name it alone: env set KEY --stdin')
  return settingName.parse(key)
}

/** A secret on a command line is seen by everybody on this machine, and kept by the shell. */
function fromWord(word: string): readonly [string, string] {
  const at = word.indexOf('=')
  const key = settingName.parse(at < 0 ? word : word.slice(0, at))
  const hint = `kimbia-ops env set ${key} --stdin, with the value on standard input`
  if (at < 0)
    throw usage(`${key} has no value`, isSecret(key) ? hint : `write ${key}=VALUE; to take it out: env unset`)
  const value = word.slice(at + 1)
  if (value !== '' && (isSecret(key) || holdsSecret(key, value)))
    throw usage(
      `${key} holds a secret, and a command line is no place for one: others see it, the shell keeps it`,
      hint,
      'secret-in-argv',
    )
  return [key, value]
}

const fromLines = (all: string): (readonly [string, string])[] =>
  all
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line.trim() === '' || line.trimStart().startsWith('#')) return []
      const at = line.indexOf('=')
      const key = line.slice(0, Math.max(at, 0)).trim()
      if (!name.test(key)) throw usage(`standard input, line ${index + 1}: it is not KEY=VALUE`)
      return [[key, line.slice(at + 1)] as const]
    })

function refuseUnknown(key: string): void {
  if (isKnown(key)) return
  const meant = nearest(key, Object.keys(knownSettings))
  const other = 'add --unknown to set it all the same'
  throw usage(
    `${isOfThePds(key) ? 'no such setting is known' : 'the PDS has no such setting'}: ${key}`,
    meant ? `did you mean ${meant}? Otherwise ${other}` : other,
    'unknown-setting',
  )
}
