import { Failure } from '../../base/failure.ts'
import { hidden, masked } from './mask.ts'
import { type EnvFile, parseEnvFile } from './parse.ts'

/** What differs between two texts of an env file, a line each: `- KEY=value` and `+ KEY=value`, with secrets masked. */
export function diffSettings(was: string, now: string): string[] {
  if (was === now) return []
  const [before, after] = [read(was), read(now)]
  if (typeof before === 'string') return [`it could not be read as settings: ${before}`]
  if (typeof after === 'string') return [`it can no longer be read as settings: ${after}`]
  const keys = new Set([...before.entries, ...after.entries].map(({ key }) => key))
  const lines = [...keys].flatMap((key) => differences(key, before.get(key), after.get(key)))
  return lines.length > 0 ? lines : [sameSettings(before, after)]
}

/** One setting that has another value, was added or was removed; a secret that has changed is one line. */
export function differences(key: string, was: string | undefined, now: string | undefined): string[] {
  if (was === now) return []
  const shown = (value: string, state: string): string =>
    `${key}=${masked(key, value).replaceAll(hidden, `‹secret, ${state}›`)}`
  if (was !== undefined && now !== undefined && masked(key, was) === masked(key, now))
    return [`+ ${shown(now, 'changed')}`]
  return [
    ...(was === undefined ? [] : [`- ${shown(was, 'old')}`]),
    ...(now === undefined ? [] : [`+ ${shown(now, 'new')}`]),
  ]
}

const sameSettings = (before: EnvFile, after: EnvFile): string =>
  before.entries.length === after.entries.length
    ? 'only comments, order or spelling differ; every setting keeps its value'
    : 'only lines that counted for nothing differ; every setting keeps its value'

function read(text: string): EnvFile | string {
  try {
    return parseEnvFile(text)
  } catch (cause) {
    if (cause instanceof Failure) return cause.message
    throw cause
  }
}
