import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/** The home of the user; throws where nobody of this number is known. */
export const homeOf = ({ HOME }: Env): string => HOME || homedir()

/** Where the config files of a user are: an empty variable counts as unset, a relative one too (XDG base directories). */
export function configHome(env: Env): string {
  const { XDG_CONFIG_HOME = '' } = env
  return isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : join(homeOf(env), '.config')
}
