import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/** The home of the user; throws where nobody of this number is known. */
export const homeOf = ({ HOME }: Env): string => HOME || homedir()

/** Where the files of a user are, by their kind: an empty variable counts as unset, a relative one too (XDG base directories). */
export function baseDir(env: Env, kind: 'config' | 'cache'): string {
  const base = env[`XDG_${kind.toUpperCase()}_HOME`] ?? ''
  return isAbsolute(base) ? base : join(homeOf(env), `.${kind}`)
}
