import { readFileSync } from 'node:fs'

/**
 * The text of a script of this directory, without its comments: it crosses the network with each change. The build puts
 * the text in the place of the call, so the call must name the script by a literal.
 */
export const remoteScript = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .replace(/^ *#.*\n/gm, '')
    .trimStart()
