import { usage } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import { type Type, text } from '../../runner/command/types.ts'

/** The name of a store; a path in it is absolute or begins at the home directory. */
export const storeName: Type<string> = {
  ...text,
  name: 'STORE',
  parse(word) {
    const [, path] = /^file:(.*)$/s.exec(word) ?? []
    if (path === undefined || /^[/~]/.test(path)) return text.parse(word)
    throw usage(`“${word}” names no place`, 'write the path from / or ~: file:/PATH')
  },
}

const choices = 'op://VAULT/ITEM/FIELD, file:PATH, age:RECIPIENT:PATH, command:LINE'

/** Where the copy goes: what is asked for, else what the config says. The line of a command is taken from the config alone. */
export function chooseStore(
  wanted: string | undefined,
  { name, adminPassword }: Pick<HostConfig, 'name' | 'adminPassword'>,
  file: string,
): string {
  const own = adminPassword?.store
  const store = wanted ?? own
  if (store === undefined)
    throw usage(
      `no store is set for the admin password of ${name}, and a new one must not be kept in one place alone`,
      `set “store:” under “admin_password” in ${file} (${choices}), or give --store; --store stdout prints it once`,
      'no-store',
    )
  if (store.startsWith('command:') && store !== own)
    throw usage(
      'the line of a command is taken from the config alone: others see a command line, and the shell keeps it',
      `set “store: command:LINE” under “admin_password” in ${file}`,
      'store-not-configured',
    )
  return store
}
