import type { EnvFinding } from '../env/lint/lint.ts'
import { type EnvEntry, parseEnvFile } from '../env/parse.ts'
import type { ServiceEnv } from './service-env.ts'

/** A setting of pds.env that compose takes from elsewhere, whatever pds.env says. */
export interface Overridden {
  readonly key: string
  readonly line: number
  /** What pds.env says; undefined where it is made from variables. It may be a secret. */
  readonly written: string | undefined
  /** What the PDS gets instead; it may be a secret. */
  readonly taken: string | undefined
  /** What wins, in words. */
  readonly setBy: string
}

/** Every setting of pds.env that counts for nothing because compose takes it from elsewhere, in the order of the file. */
export function overriddenSettings(text: string, env: ServiceEnv): readonly Overridden[] {
  const { insteadOfPdsEnv } = env
  const instead = insteadOfPdsEnv && `what the PDS gets in place of pds.env (${listed(insteadOfPdsEnv)})`
  return countingEntries(text).flatMap(({ key, line, value, interpolated }) => {
    const setBy = env.overriddenBy(key) ?? instead
    const written = interpolated ? undefined : value
    return setBy === undefined ? [] : [{ key, line, written, taken: env.get(key), setBy }]
  })
}

const listed = (files: readonly string[]): string => `env_file: ${files.join(', ') || 'none'}`

/** The last entry of each name. */
const countingEntries = (text: string): readonly EnvEntry[] => {
  const { entries } = parseEnvFile(text)
  return entries.filter((entry) => entries.findLast(({ key }) => key === entry.key) === entry)
}

/** What is wrong between pds.env and the compose files; nothing of a value is shown. */
export function lintCompose(text: string, env: ServiceEnv): readonly EnvFinding[] {
  const { refused, insteadOfPdsEnv } = env
  const whole = (severity: EnvFinding['severity'], problem: string, remedy: string): EnvFinding[] => [
    { line: null, key: '', severity, problem, remedy },
  ]
  if (refused !== undefined)
    return whole(
      'error',
      `compose does not resolve its files: ${refused}`,
      'on the host: docker compose config --quiet',
    )
  if (insteadOfPdsEnv !== undefined)
    return whole(
      'error',
      `nothing of it counts: compose gives the PDS another ${listed(insteadOfPdsEnv)}`,
      'add it to “env_file:” in the compose file, or set “dir:” in the config to where the right pds.env lies',
    )
  return overriddenSettings(text, env).map(({ key, line, written, taken, setBy }) => ({
    line,
    key,
    severity: written === taken ? 'note' : 'warning',
    problem:
      written === taken
        ? `it is also set by ${setBy}, to the same value`
        : `it does not count: ${setBy} sets it to another value, and wins`,
    remedy: 'set it in one place: take it out of the other',
  }))
}
