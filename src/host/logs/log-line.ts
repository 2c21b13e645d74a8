import { maskJson, maskText } from '../../base/mask-secrets.ts'

/** The levels of pino's numbers, least first. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type Level = (typeof levels)[number]

/** A line of a log, read; nothing in it is a secret. */
export interface LogLine {
  /** ISO 8601 UTC: what the line says of itself, else when docker took it. */
  readonly time: string | null
  /** Absent where the line says none, as the last words of a crash. */
  readonly level: Level | null
  /** The part of the program, such as `pds:mailer`. */
  readonly name: string | null
  readonly message: string
  /** The line is the record of a request that was answered. */
  readonly request: Request | undefined
  /** The line as it was logged: its JSON, or time and message. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** A request that the PDS answered. */
export interface Request {
  readonly method: string
  /** Without its query. */
  readonly path: string
  readonly status: number
  /** Milliseconds. */
  readonly ms: number
}

type Json = Readonly<Record<string, unknown>>

/** How `docker logs --timestamps` begins a line, and every 16 kB of a long one. */
const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) /
const stamps = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g

/** Characters that docker surely leaves in one piece. */
const whole = 4000

/** The time that docker puts before a line, to the nanosecond, if there is one. */
export const stampOf = (line: string): string | undefined => stamp.exec(line)?.[1]

/** Reads a line of `docker logs --timestamps`: JSON of pino or Caddy, logfmt, or any text. `known` are secrets to hide. */
export function readLogLine(line: string, known: readonly string[] = []): LogLine {
  const at = stampOf(line)
  const text = (at === undefined ? line : line.slice(at.length + 1)).replace(/\r$/, '')
  const taken = at === undefined ? null : `${at.slice(0, 23)}Z`
  const object = objectOf(text)
  if (object) return readObject(maskJson(object, known) as Json, taken)
  const message = maskText(text, known)
  const fields = logfmt(message)
  return {
    time: taken,
    level: levelOf(fields?.level),
    name: null,
    message: fields?.msg ?? message,
    request: undefined,
    raw: { time: taken, message },
  }
}

function readObject(raw: Json, taken: string | null): LogLine {
  const request = requestOf(raw)
  return {
    time: timeOf(raw.time ?? raw.ts) ?? taken,
    level: levelOf(raw.level),
    name: textOf(raw.name) ?? textOf(raw.logger) ?? null,
    message: request ? showRequest(request, raw) : messageOf(raw),
    request,
    raw,
  }
}

function objectOf(text: string): Json | undefined {
  if (!text.startsWith('{')) return undefined
  for (const attempt of text.length > whole ? [text.replace(stamps, ''), text] : [text]) {
    try {
      return JSON.parse(attempt) as Json
    } catch {
      // Text that only begins like JSON.
    }
  }
  return undefined
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

const fieldsOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {}

/** pino counts milliseconds, Caddy seconds. */
function timeOf(value: unknown): string | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? value : Number.NaN
  const date = new Date(typeof value === 'number' && ms < 1e11 ? ms * 1000 : ms)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

const spellings: Readonly<Record<string, Level>> = {
  warning: 'warn',
  err: 'error',
  panic: 'fatal',
  dpanic: 'fatal',
}

function levelOf(value: unknown): Level | null {
  if (typeof value === 'number') return levels[Math.min(Math.max(Math.floor(value / 10), 1), 6) - 1] ?? null
  const word = typeof value === 'string' ? value.toLowerCase() : ''
  return levels.find((level) => level === word) ?? spellings[word] ?? null
}

function requestOf({ req, res, responseTime }: Json): Request | undefined {
  const { method, url } = fieldsOf(req)
  const { statusCode } = fieldsOf(res)
  if (typeof responseTime !== 'number' || typeof statusCode !== 'number') return undefined
  const path = textOf(url)?.split('?')[0]
  if (typeof method !== 'string' || path === undefined) return undefined
  return { method, path, status: statusCode, ms: responseTime }
}

const showRequest = ({ method, status, ms }: Request, { req, err }: Json): string =>
  joined(`${method} ${fieldsOf(req).url} ${status} ${ms} ms`, errorOf(err))

const messageOf = (raw: Json): string =>
  joined(
    textOf(raw.msg) ?? textOf(raw.message) ?? (raw.err === undefined ? ownFields(raw) : ''),
    errorOf(raw.err ?? raw.error),
  )

/** What a line without a message is about: its fields but those that every line has. */
const ownFields = ({ level, time, pid, hostname, name, ...own }: Json): string =>
  Object.entries(own)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')

/** Its type, what it says, and where it came from: the first line of its stack. */
function errorOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const { type, code, message, stack } = fieldsOf(value)
  const what = [textOf(type) ?? textOf(code), textOf(message)].filter(Boolean).join(': ')
  const from = textOf(stack)
    ?.split('\n')
    .map((line) => line.trim())
    .find((line) => line.startsWith('at '))
  return [what, from].filter(Boolean).join(' ') || undefined
}

/** What the message says already is not said twice. */
function joined(message: string, error: string | undefined): string {
  if (error === undefined || (message !== '' && message.includes(error))) return message
  return message === '' ? error : `${message}: ${error}`
}

/** `level=info msg="…"`, as Watchtower logs. */
function logfmt(text: string): { level: string; msg: string } | undefined {
  const level = /(?:^|\s)level=(\w+)/.exec(text)?.[1]
  const [, quoted, bare] = /(?:^|\s)msg=(?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(text) ?? []
  const msg = quoted?.replace(/\\(.)/g, '$1') ?? bare
  return level === undefined || msg === undefined ? undefined : { level, msg }
}
