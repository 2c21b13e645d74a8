import { parseAge } from '../../base/duration.ts'
import { usage } from '../../base/failure.ts'
import type { Type } from './types.ts'

const iso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** Whether the calendar has the day that a time begins with; Date takes 30 February for 2 March. */
function isDay(word: string): boolean {
  const day = new Date(`${word.slice(0, 10)}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(word.slice(0, 10))
}

/** A moment that was given as an age, by the clock of this machine. */
export class Ago extends Date {}

const day = 86_400_000

/** A time of day, or a word for one, as ISO 8601: the last 13:36 there was, in UTC; undefined for anything else. */
function recentTime(word: string, now: number): string | undefined {
  const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
  if (word === 'today') return dateOf(now)
  if (word === 'yesterday') return dateOf(now - day)
  if (!/^\d{2}:\d{2}(:\d{2})?(Z| ?UTC)?$/.test(word)) return undefined
  const at = `T${word.replace(/(Z| ?UTC)$/, '')}Z`
  return new Date(`${dateOf(now)}${at}`).getTime() <= now
    ? `${dateOf(now)}${at}`
    : `${dateOf(now - day)}${at}`
}

/** How a moment may be written, for help. */
export const timeForms = '2026-11-28 13:36, 13:36, yesterday or 2h30m, in UTC'

/**
 * A moment: ISO 8601, as this program shows one (`2026-11-22 18:04`), the last `13:36`, `today`, `yesterday`, or an age
 * before `now` (`90m`, `2h30m`, `7d`). A time without a zone is UTC, as all that is shown.
 */
export const time = (now: () => number = Date.now): Type<Date> => ({
  name: 'time',
  schema: { type: 'string', format: 'date-time' },
  parse(word) {
    const age = parseAge(word.replace(/ ago$/, ''))
    if (age !== undefined) return new Ago(now() - age)
    const written = word.trim().replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T')
    return parseMoment(recentTime(written, now()) ?? written.replace(/ ?UTC$/, 'Z'), word)
  },
  show: (value) => value.toISOString(),
  json: (value) => value.toISOString(),
})

function parseMoment(text: string, word: string): Date {
  const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`
  const at = iso.test(text) && isDay(text) ? new Date(zoned) : new Date(Number.NaN)
  if (!Number.isNaN(at.getTime())) return at
  throw usage(
    `“${word}” is not a time`,
    'write it as 2026-11-22T18:00:00Z, “2026-11-22 18:00”, 2026-11-22, 18:00, yesterday, all in UTC, or an age: 90m, 2h30m, 7d',
  )
}
