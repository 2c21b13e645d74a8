import { failed } from '../base/failure.ts'
import type { Secret } from '../base/secret.ts'
import {
  findField,
  type Item,
  parseItem,
  pendingOf,
  type Reference,
  secretOf,
  secretsOf,
  toTemplate,
  withField,
  withoutField,
} from './one-password-item.ts'
import { isOdd, oddReference, op } from './op-program.ts'
import type { Store } from './store.ts'
import { held, same, unverified } from './verify.ts'

/** The parts of a reference, without its `op://`; undefined when it is none. */
export function parseReference(text: string): Reference | undefined {
  const parts = text.split('/')
  // One that op would take for an option, or for a query, is none.
  if (parts.some((part) => part === '' || /^-|[?\0-\x1f\x7f]/.test(part))) return undefined
  const [vault, item, third, fourth, ...more] = parts
  if (!vault || !item || !third || more.length > 0) return undefined
  return { vault, item, section: fourth && third, field: fourth ?? third }
}

/** A store in 1Password, by its CLI: one item, with a second field for as long as a password is pending. */
export function onePasswordStore(name: string, ref: Reference): Store {
  const pending = pendingOf(ref)
  const readCurrent = async () => held(await op(ref, ['read', '--no-newline', '--cache=false', name]))
  return {
    name,
    readable: 'yes',
    async check() {
      const item = await getItem(ref)
      checkEditable(item, ref)
      // What op does not take in a reference would otherwise be found by the last step, which reads the password back.
      if (findField(item, ref)) await readCurrent()
      else if (isOdd(ref)) throw oddReference(ref, item.id)
    },
    async read() {
      const item = await getItem(ref)
      const next = secretOf(findField(item, pending))
      if (findField(item, ref)) return { current: await readCurrent(), pending: next }
      // The first password of all is pending before there is a current one.
      if (next) return { current: undefined, pending: next }
      throw noField(ref)
    },
    async writePending(next) {
      const item = await getItem(ref)
      await edit(item, withField(item, pending, next, findField(item, ref)), ref, next)
      if (!same(secretOf(findField(await getItem(ref), pending)), next)) throw differs(name)
    },
    async markCurrent(now) {
      const item = await getItem(ref)
      const isSo = same(secretOf(findField(item, ref)), now) && !findField(item, pending)
      if (!isSo) await edit(item, withoutField(withField(item, ref, now), pending), ref, now)
      if (!same(await readCurrent(), now)) throw differs(name)
      if (!isSo && findField(await getItem(ref), pending)) throw differs(name)
    },
    async discard(current) {
      const item = await getItem(ref)
      if (!findField(item, pending)) return
      await edit(item, withoutField(item, pending), ref, current)
      if (findField(await getItem(ref), pending)) throw differs(name)
    },
  }
}

const noField = ({ vault, item, field }: Reference) =>
  failed(
    'store-no-field',
    `there is no field “${field}” in the item “${item}” of the vault “${vault}”`,
    `see those that are: op item get '${item}' --vault '${vault}'`,
  )

const differs = (name: string) => unverified(name, 'did someone else change it? look at it in 1Password')

/** The item as it is now, past op's cache. */
async function getItem(ref: Reference): Promise<Item> {
  const words = ['item', 'get', ref.item, '--vault', ref.vault, '--format', 'json', '--cache=false']
  const item = parseItem(await op(ref, words))
  if (item) return item
  throw failed(
    'store-refused',
    `op item get printed what is not an item, for “${ref.item}” in the vault “${ref.vault}”`,
    'is it 1Password CLI 2? see: op --version',
  )
}

/** Sends the whole item back: op takes what is missing in it for removed. */
async function edit(before: Item, after: Item, ref: Reference, secret: Secret): Promise<void> {
  checkEditable(before, ref)
  const hidden = [secret, ...secretsOf(before)]
  await op(ref, ['item', 'edit', before.id, '--vault', ref.vault, '--format', 'json'], {
    stdin: toTemplate(after),
    hidden,
  })
}

/** A passkey is not in what op prints of a Login, and is lost when that is sent back. */
function checkEditable({ category }: Item, { item, vault }: Reference): void {
  if (category !== 'LOGIN') return
  throw failed(
    'store-login-item',
    `“${item}” in the vault “${vault}” is a Login, and op would remove a passkey from it when it is changed`,
    `use a Password instead: op item create --category Password --vault '${vault}' --title '${item} admin'`,
  )
}
