import { nearest } from '../../../base/suggest.ts'
import { isKnown, knownSettings } from '../known-settings.ts'
import { masked } from '../mask.ts'
import { type EnvEntry, type EnvFile, parseEnvFile } from '../parse.ts'
import { lintTogether } from './combinations.ts'
import { readAsBash, readAsGoat } from './other-parsers.ts'
import { lintValue, type Problem } from './value.ts'

/** Something to know about pds.env; no part of it shows a secret. */
export interface EnvFinding {
  /** Counted from 1; null where it is about what is not there, or about the whole file. */
  readonly line: number | null
  /** The setting; empty where it is about none. */
  readonly key: string
  /** `error`: the PDS does not start, or does another thing than is written. `note`: harmless. */
  readonly severity: 'error' | 'warning' | 'note'
  readonly problem: string
  readonly remedy: string
}

/**
 * Looks through the text of pds.env, in the order of its lines; a text that compose refuses is a Failure. `resolve` tells
 * what compose makes of a setting that is made from variables; where it does not, no such value is looked at.
 */
export function lintEnv(
  text: string,
  resolve: (key: string) => string | undefined = () => undefined,
): readonly EnvFinding[] {
  const env = resolvedFile(parseEnvFile(text), resolve)
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  const seen = new Map<string, string>()
  const findings: EnvFinding[] = [...lintLines(text, lines, env)]
  for (const entry of env.entries) {
    const of = ([severity, problem, remedy]: Problem): EnvFinding => ({
      line: entry.line,
      key: entry.key,
      severity,
      problem,
      remedy,
    })
    const counts = env.entries.findLast(({ key }) => key === entry.key) === entry
    findings.push(...lintReaders(entry, lines, seen).map(of), ...lintName(entry, env).map(of))
    const known = !entry.interpolated || resolve(entry.key) !== undefined
    if (counts && known) findings.push(...lintValue(entry.key, entry.value).map(of))
    seen.set(entry.key, entry.value)
  }
  for (const [key, severity, problem, remedy] of lintTogether(env)) {
    const line = env.entries.findLast((entry) => entry.key === key)?.line ?? null
    findings.push({ line, key, severity, problem, remedy })
  }
  return findings.toSorted((a, b) => (a.line ?? Number.MAX_VALUE) - (b.line ?? Number.MAX_VALUE))
}

/** The same file with what compose makes of the settings that are made from variables, or left to other files. */
function resolvedFile(env: EnvFile, resolve: (key: string) => string | undefined): EnvFile {
  const entries = env.entries.map((entry) =>
    entry.interpolated ? { ...entry, value: resolve(entry.key) ?? entry.value } : entry,
  )
  return {
    ...env,
    entries,
    get: (key) => entries.findLast((entry) => entry.key === key)?.value ?? resolve(key),
  }
}

/** Errors that the second text has and the first has not. */
export function newErrors(was: string, now: string): readonly EnvFinding[] {
  const known = new Set(lintEnv(was).map(({ key, problem }) => `${key} ${problem}`))
  return lintEnv(now).filter((it) => it.severity === 'error' && !known.has(`${it.key} ${it.problem}`))
}

/** What no entry shows: line ends, and lines that are no setting. */
function lintLines(text: string, lines: readonly string[], env: EnvFile): readonly EnvFinding[] {
  const of = (
    line: number,
    problem: string,
    remedy: string,
    severity: EnvFinding['severity'],
  ): EnvFinding => ({
    line,
    key: '',
    severity,
    problem,
    remedy,
  })
  const crlf = text.includes('\r\n')
    ? [
        of(
          lines.findIndex((it) => it.endsWith('\r')) + 1,
          carriage,
          'on the host: sed -i "s/\\r$//" pds.env',
          'warning',
        ),
      ]
    : []
  const taken = new Set(env.entries.flatMap(({ line, lastLine }) => range(line, lastLine)))
  const bare = lines.flatMap((it, index) =>
    taken.has(index + 1) || /^\s*(#|$)/.test(it)
      ? []
      : [of(index + 1, 'a name without a value: bash runs it as a command', 'take the line out', 'error')],
  )
  return [...crlf, ...bare]
}

const carriage = 'lines end with CR LF: bash keeps the CR in every value, so pdsadmin reads another one'

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Whether bash and goat read what compose reads. */
function lintReaders(
  { key, value, line, lastLine }: EnvEntry,
  lines: readonly string[],
  seen: ReadonlyMap<string, string>,
): readonly Problem[] {
  const whole = lines
    .slice(line - 1, lastLine)
    .join('\n')
    .replaceAll('\r', '')
  const [head = '', sign] = /^[^=:\n]*([=:])/.exec(whole) ?? []
  const raw = whole.slice(head.length)
  if (sign === ':') return [['error', 'bash takes “KEY: value” for a command', 'write KEY=value']]
  if (/[^=]\s=$/.test(head))
    return [['error', 'bash takes the name for a command', 'take the space before “=” out']]
  const show = (it: string): string => masked(key, it) || 'nothing'
  const bash = readAsBash(raw, (name) => seen.get(name))
  const plain = 'write only letters, digits and ._~:/?=,@%+- without quotes'
  if ('trouble' in bash)
    return [['error', `compose reads ${show(value)}, but bash (pdsadmin) ${bash.trouble}`, plain]]
  if (bash.value !== value)
    return [['warning', `compose reads ${show(value)}, bash (pdsadmin) reads ${show(bash.value)}`, plain]]
  const exported = /^\s*export\s/.test(head)
  if (!exported && readAsGoat(raw) === value)
    return /[^\S\n]$/.test(raw) ? [['note', 'spaces stand behind the value', 'take them out']] : []
  const severity = key === 'PDS_ADMIN_PASSWORD' || key === 'PDS_HOSTNAME' ? 'warning' : 'note'
  const read = exported ? 'does not see it: it begins with “export”' : `reads ${show(readAsGoat(raw))}`
  return [[severity, `compose and bash read ${show(value)}, goat ${read}`, plain]]
}

/** Whether the setting is known, and set once. */
function lintName({ key, line }: EnvEntry, { entries }: EnvFile): readonly Problem[] {
  const places = entries.filter((entry) => entry.key === key).map((entry) => entry.line)
  const twice: readonly Problem[] =
    places.length > 1 && places[0] === line
      ? [
          [
            'warning',
            `it is set on lines ${places.join(', ')}: compose and bash take the last, goat the first`,
            'set it once: kimbia-ops env set does it',
          ],
        ]
      : []
  if (isKnown(key) || places[0] !== line) return twice
  if (!/^(PDS|LOG)_/.test(key))
    return [...twice, ['note', 'the PDS does not know it', 'leave it if another service reads it']]
  const meant = nearest(key, Object.keys(knownSettings))
  return [
    ...twice,
    ['warning', 'no such setting is known', meant ? `did you mean ${meant}?` : 'see: kimbia-ops env list'],
  ]
}
