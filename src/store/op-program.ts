import { type Failure, failed } from '../base/failure.ts'
import { type Ended, runProgram } from '../base/local-program.ts'
import type { Secret } from '../base/secret.ts'
import type { Reference } from './one-password-item.ts'
import { deadline } from './shell-command.ts'
import { said } from './verify.ts'

/** Runs op, the 1Password CLI, and tells what it printed; anything but success is a Failure that says what to type. */
export async function op(
  ref: Reference,
  words: readonly string[],
  { stdin, hidden = [] }: { readonly stdin?: Secret; readonly hidden?: readonly Secret[] } = {},
): Promise<string> {
  const ended = await start(words, stdin)
  const what = `op ${words.slice(0, 2).join(' ')}`
  switch (ended.kind) {
    case 'code':
      if (ended.code === 0) return ended.stdout
      throw await explain(ref, `${what} ended with exit code ${ended.code}${said(ended.stderr, hidden)}`)
    case 'signal':
      throw failed('store-refused', `${what} was ended by ${ended.signal}${said(ended.stderr, hidden)}`)
    case 'late':
      throw failed(
        'store-timeout',
        `${what} was not done within ${deadline / 1000} s, and was ended`,
        'does 1Password wait to be unlocked? unlock it, or run: op signin',
      )
    case 'not-started':
      throw failed(
        'store-tool-missing',
        `op, the 1Password CLI, cannot be run on this machine: ${ended.reason}`,
        'install it: https://developer.1password.com/docs/cli/get-started',
      )
  }
}

// Not in a group of its own: 1Password asks for consent once per terminal session.
const start = (words: readonly string[], stdin?: Secret): Promise<Ended> =>
  runProgram({ file: 'op', words, stdin, deadline, group: 'shared' })

/** Its exit code is 1 for everything, so that what is wrong is found by asking for what must be there. */
async function explain(ref: Reference, message: string): Promise<Failure> {
  const { vault, item } = ref
  const vaults = await list(['vault', 'list'])
  if (!vaults) return failed('store-locked', message, 'unlock 1Password, or run: op signin; then try again')
  if (!vaults.some((one) => isNamed(one, vault)))
    return failed(
      'store-no-vault',
      `${message}; there is no vault “${vault}” in this account`,
      'see those that are: op vault list',
    )
  const items = await list(['item', 'list', '--vault', vault])
  if (items && !items.some((one) => isNamed(one, item)))
    return failed(
      'store-no-item',
      `${message}; there is no item “${item}” in the vault “${vault}”`,
      `make it: op item create --category Password --vault '${vault}' --title '${item}'`,
    )
  const found = items?.find((one) => isNamed(one, item))
  if (isOdd(ref) && found?.id) return oddReference(ref, found.id, message)
  return failed('store-refused', message, `look at it: op item get '${item}' --vault '${vault}'`)
}

/** Whether op read may refuse it: of names, it takes letters, digits, spaces and -_. alone; of the rest, only their IDs. */
export const isOdd = ({ vault, item, section = '', field }: Reference): boolean =>
  /[^A-Za-z0-9 ._-]/.test(vault + item + section + field)

/** A reference with names that op read does not take. */
export function oddReference(
  { vault, item, section, field }: Reference,
  id: string,
  message?: string,
): Failure {
  const name = ['op:/', vault, item, section, field].filter(Boolean).join('/')
  const byId = ['op:/', vault, id, section, field].filter(Boolean).join('/')
  return failed(
    'store-reference',
    message ?? `op read does not take every character of ${name}`,
    `in the config, name by its ID what has other characters than letters, digits, spaces and -_. such as ${byId}`,
  )
}

interface Named {
  readonly id?: string
  readonly name?: string
  readonly title?: string
}

async function list(words: readonly string[]): Promise<readonly Named[] | undefined> {
  const ended = await start([...words, '--format', 'json', '--cache=false'])
  if (ended.kind !== 'code' || ended.code !== 0) return undefined
  try {
    const found: unknown = JSON.parse(ended.stdout)
    return Array.isArray(found) ? found : []
  } catch {
    return undefined
  }
}

const isNamed = ({ id, name, title }: Named, wanted: string): boolean =>
  [id, name, title].some((one) => one?.toLowerCase() === wanted.toLowerCase())
