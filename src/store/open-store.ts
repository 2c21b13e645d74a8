import { usage } from '../base/failure.ts'
import { fullPath } from '../config/host-config.ts'
import { ageStore } from './age.ts'
import { commandStore } from './command.ts'
import { fileStore } from './file.ts'
import { onePasswordStore, parseReference } from './one-password.ts'
import { stdoutStore } from './stdout.ts'
import type { Store, StoreOptions } from './store.ts'

/** The store of that name; a `usage` Failure for a name that is none. Nothing is run or opened yet. */
export function openStore(name: string, options: StoreOptions): Store {
  const path = (word: string) => fullPath(word, options.base)
  const [, scheme, rest = ''] = /^(file:|command:|age:|op:\/\/)(.+)$/s.exec(name) ?? []
  if (name === 'stdout') return stdoutStore(name)
  if (scheme === 'file:') return fileStore(name, path(rest))
  if (scheme === 'command:') return commandStore(name, rest, options)
  const reference = scheme === 'op://' ? parseReference(rest) : undefined
  if (reference) return onePasswordStore(name, reference)
  // The path starts at the last “:/” or “:~”: the key of an ssh recipient holds spaces, its comment may hold colons.
  const [, recipient, file] = scheme === 'age:' ? (/^([^-].*):([/~].*)$/s.exec(rest) ?? []) : []
  if (recipient && file) return ageStore(name, recipient, path(file), options)
  throw usage(
    `“${name}” is not a store`,
    'write it as op://VAULT/ITEM/FIELD, file:PATH, command:LINE, age:RECIPIENT:PATH with PATH from / or ~, or stdout',
    'unknown-store',
  )
}
