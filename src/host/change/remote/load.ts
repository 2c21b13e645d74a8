import { readFileSync } from 'node:fs'

/**
 * The text of a script of this directory, without the comment that opens it. The build puts the text in the place of
 * the call, so that the name must stand there in full.
 */
export const remoteScript = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), 'utf8').replace(/^(#.*\n)+\n/, '')
