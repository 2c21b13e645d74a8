import { Failure, usage } from '../base/failure.ts'
import { readEngine } from '../host/docker/engine.ts'
import { type LogLine, levels, readLogLine } from '../host/logs/log-line.ts'
import { containerOf, followLog, knownSecrets, type LogWindow, readLog } from '../host/logs/read-log.ts'
import { column, detail } from '../runner/command/columns.ts'
import { query } from '../runner/command/command.ts'
import { flag, option, optionalArgument, optionOr } from '../runner/command/parameters.ts'
import { time, timeForms } from '../runner/command/time.ts'
import {
  anything,
  choice,
  count,
  integer,
  type Json,
  moment,
  optional,
  text,
} from '../runner/command/types.ts'
import type { Views } from '../runner/command/views.ts'

const requests = choice('requests', ['fold', 'show', 'hide'])

/** The newest lines that are shown when nothing says which. */
const usual = 200

/** The lines of a container's log, made readable; what is a secret in them is masked. */
export default query({
  name: 'logs',
  summary: 'Show the log of the PDS, or of another service',
  about:
    'Times are UTC. Without --since, --until, --tail or --follow these are the last 200 lines; --tail counts lines of the log, before --level, --grep and --requests choose among them. Like requests in a row are shown as one, unless it is told --requests show; lines without a level, such as a crash, pass every --level. Tokens, passwords and cookies are masked. With --json, “raw” has the lines as they were logged. With --follow it goes on until Ctrl-C, also when the container is replaced.',
  examples: [
    'kimbia-ops logs --since 1h --level warn',
    'kimbia-ops logs --follow --requests hide',
    'kimbia-ops logs --since 1d --grep createAccount --json',
    'kimbia-ops logs caddy --tail 50',
  ],
  input: {
    service: optionalArgument(text, 'compose service, or name of a container; the PDS if left out'),
    follow: flag('go on with what is logged from now on', { short: 'f' }),
    since: option(time(), `from then on: ${timeForms}`),
    until: option(time(), 'until before then'),
    level: option(choice('level', levels), 'this level and above'),
    grep: option(text, 'lines that hold this text, in any case'),
    tail: option(integer(1), 'the newest lines of the log'),
    requests: optionOr(requests, 'fold', 'like requests in a row as one, each for itself, or not at all'),
  },
  output: {
    time: column(optional(moment), 'when it was logged; of several requests the first'),
    level: column(optional(choice('level', levels)), 'how serious it is'),
    name: column(optional(text), 'part of the program'),
    message: column(text, 'what it says'),
    count: detail(count, 'how many lines it stands for'),
    raw: detail(anything, 'the lines as they were logged, masked'),
  },
  result: 'many',
  async *read(input, views) {
    refuseCount(input.service)
    const wanted = wish(input)
    const lines = chosen(linesOf(input, views), wanted, await knownSecrets(views.host))
    yield* wanted.requests === 'fold' && !input.follow ? folded(lines) : each(lines)
  },
})

interface Wanted {
  readonly least: number
  readonly grep: string
  readonly requests: 'fold' | 'show' | 'hide'
}

interface Wishes extends LogWindow {
  readonly service: string | undefined
  readonly follow: boolean
  readonly level: (typeof levels)[number] | undefined
  readonly grep: string | undefined
  readonly requests: Wanted['requests']
}

const wish = ({ level, grep = '', requests }: Wishes): Wanted => ({
  least: level === undefined ? 0 : levels.indexOf(level),
  grep: grep.toLowerCase(),
  requests,
})

/** docker and journalctl take `-n 5` for the newest lines; here that is a dry run of a service “5”. */
function refuseCount(service: string | undefined): void {
  if (service !== undefined && /^\d+$/.test(service))
    throw usage(`“${service}” is no service`, `for the newest lines: --tail ${service}`)
}

/** The newest lines only, when nothing says which; what is searched is searched whole. */
function windowOf({ follow, since, until, tail, level, grep }: Wishes): LogWindow {
  const open = since === undefined && until === undefined && tail === undefined
  const some = follow || (level === undefined && grep === undefined)
  return { since, until, tail: open && some ? usual : tail }
}

async function* linesOf(input: Wishes, { host, signal, say }: Views): AsyncGenerator<string> {
  const engine = await readEngine(host)
  const window = windowOf(input)
  if (!input.follow) {
    const container = await containerOf(host, engine, input.service)
    return yield* readLog(host, engine, container, window, { signal })
  }
  try {
    yield* followLog(host, engine, input.service, window, { signal, say })
  } catch (cause) {
    // Ctrl-C is how a person says that they have seen enough.
    if (!(cause instanceof Failure) || cause.outcome !== 'interrupted') throw cause
  }
}

async function* chosen(
  lines: AsyncIterable<string>,
  { least, grep, requests }: Wanted,
  known: readonly string[],
): AsyncGenerator<LogLine> {
  for await (const text of lines) {
    const line = readLogLine(text, known)
    if (line.level !== null && levels.indexOf(line.level) < least) continue
    if (requests === 'hide' && line.request) continue
    // Not the line as it came: a guess at a secret shall find nothing.
    const seen = grep === '' ? '' : `${line.message}\n${JSON.stringify(line.raw)}`.toLowerCase()
    if (seen.includes(grep)) yield line
  }
}

const rowOf = ({ time, level, name, message, raw }: LogLine) => ({
  time,
  level,
  name,
  message,
  count: 1,
  raw: [raw as Json],
})

async function* each(lines: AsyncIterable<LogLine>) {
  for await (const line of lines) yield rowOf(line)
}

/** As many requests as are held back at most. */
const most = 1000

/** Requests of one method, path and status in a row become one, shown once another line follows. */
async function* folded(lines: AsyncIterable<LogLine>) {
  let held: LogLine[] = []
  for await (const line of lines) {
    if (held[0] && (held.length >= most || !alike(held[0], line))) {
      yield foldOf(held)
      held = []
    }
    if (line.request) held.push(line)
    else yield rowOf(line)
  }
  if (held[0]) yield foldOf(held)
}

const alike = ({ request: a }: LogLine, { request: b }: LogLine): boolean =>
  a?.method === b?.method && a?.path === b?.path && a?.status === b?.status

function foldOf(lines: readonly LogLine[]) {
  const [first] = lines as readonly [LogLine, ...LogLine[]]
  if (lines.length === 1 || !first.request) return rowOf(first)
  const { method, path, status } = first.request
  const slowest = lines.reduce((most, { request }) => Math.max(most, request?.ms ?? 0), 0)
  return {
    ...rowOf(first),
    message: `${method} ${path} ${status}, ${lines.length} times, up to ${slowest} ms`,
    count: lines.length,
    raw: lines.map(({ raw }) => raw as Json),
  }
}
