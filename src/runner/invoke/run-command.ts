import { Failure, type Outcome, unreachable } from '../../base/failure.ts'
import type { Command, Printer, Query } from '../command/command.ts'
import { missingWords, nameOf, paramsOf, readWord } from '../command/names.ts'
import type { InputOf } from '../command/parameters.ts'
import { Ago } from '../command/time.ts'
import { openRenderer } from '../output/render.ts'
import { showCount, showFailure } from '../output/report.ts'
import type { Run } from '../parse/parse.ts'
import type { PagedOutput } from '../terminal/terminal.ts'
import { type Connections, openConnections } from './connections.ts'
import type { Invocation } from './invocation.ts'
import { runPassthrough } from './passthrough.ts'
import { runProcedure } from './procedure.ts'
import { withLockAwaited } from './wait-lock.ts'
import type { World } from './world.ts'

/** Lives the invocation of one command, from its parsed line to its outcome; everything it opened is closed. */
export async function runCommand(
  run: Run,
  world: World,
  commands: readonly Command[],
): Promise<{ outcome: Outcome; code?: number }> {
  const { globals } = run
  const { noInput, noColor, noPager, quiet } = globals
  const limit = timeLimit(globals.timeout)
  const signal = AbortSignal.any([world.stop, limit.signal])
  const terminal = world.terminal({ noInput, color: !noColor, pager: !noPager, quiet, signal })
  // Reading the config alone takes longer than a person waits without wondering.
  if (run.command.kind !== 'printer') terminal.progress('starting')
  const operation = world.newOperationId()
  const connections: Connections[] = []
  const open = () => {
    const opened = openConnections(world, { ...globals, terminal, signal })
    connections.push(opened)
    return opened
  }
  const once = () => dispatch({ run, world, terminal, commands, opened: open(), operation, signal })
  try {
    const { waitLock, dryRun } = globals
    const waits =
      waitLock !== undefined && !dryRun && run.command.kind === 'procedure' && run.command.on === 'host'
    const deadline = () => new Date(world.clock().getTime() + (waitLock ?? 0))
    const result = await (waits ? withLockAwaited(deadline(), open().views, once) : once())
    return typeof result === 'object' ? result : { outcome: result }
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    await terminal.stderr.write(showFailure(cause, globals.json ? 'json' : 'text', terminal.stderr))
    return { outcome: cause.outcome }
  } finally {
    clearTimeout(limit.timer)
    terminal.progress('')
    for (const opened of connections) await opened.dispose()
  }
}

/** Aborts with the Failure to report once the time of `--timeout` has passed. */
function timeLimit(ms: number | undefined): { signal: AbortSignal; timer: NodeJS.Timeout | undefined } {
  const limit = new AbortController()
  const late = () =>
    limit.abort(
      unreachable(
        'timeout',
        `it took longer than --timeout ${(ms ?? 0) / 1000}s`,
        'give it longer, or see with --verbose what takes so long',
      ),
    )
  return { signal: limit.signal, timer: ms === undefined ? undefined : setTimeout(late, ms) }
}

async function dispatch(invocation: Invocation): Promise<Outcome | { outcome: Outcome; code: number }> {
  const { command } = invocation.run
  const input = (await complete(invocation)) as InputOf<never>
  switch (command.kind) {
    case 'query':
      return await runQuery(invocation, command, input)
    case 'procedure':
      return await runProcedure(invocation, command, input)
    case 'printer':
      return await runPrinter(invocation, command, input)
    case 'passthrough':
      return await runPassthrough(
        invocation,
        command,
        (invocation.run.input as { args: readonly string[] }).args,
      )
  }
}

/** The input with what was missing asked for; nobody there to ask is a `usage` Failure. */
async function complete({ run, opened, terminal }: Invocation): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = { ...run.input }
  if (run.command.kind === 'passthrough') return input
  const { command, missing } = run
  if (missing.length > 0 && !terminal.interactive) throw missingWords(command, missing)
  for (const key of missing) {
    const param = paramsOf(command)[key]
    if (!param) throw new TypeError(`no parameter ${key}`)
    const name = nameOf(key, param)
    input[key] = readWord(name, param, await opened.views.askFor(param.about, name), command.name)
  }
  return input
}

async function runPrinter(
  { terminal, commands }: Invocation,
  printer: Printer,
  input: InputOf<never>,
): Promise<Outcome> {
  await terminal.stdout.write(printer.print(input, commands))
  return 'ok'
}

/** An age is counted back from the host's time, by which everything there is dated. */
async function byHostClock(
  input: InputOf<never>,
  { views, pds }: Invocation['opened'],
): Promise<InputOf<never>> {
  const fields = Object.entries(input as Readonly<Record<string, unknown>>)
  if (!fields.some(([, value]) => value instanceof Ago)) return input
  // The way to the PDS is found meanwhile: 3 round trips of `account list --since 1d`.
  pds().catch(() => {})
  const offset = await views.host.clockOffset()
  const shifted = fields.map(([key, value]) => [
    key,
    value instanceof Ago ? new Date(value.getTime() + offset) : value,
  ])
  return Object.fromEntries(shifted) as InputOf<never>
}

/** What goes on until Ctrl-C is shown as it comes. */
async function runQuery(invocation: Invocation, query: Query, input: InputOf<never>): Promise<Outcome> {
  const { terminal, run } = invocation
  const goesOn = (input as { readonly follow?: unknown }).follow === true
  const paged = await terminal.openPaged(run.globals.json || goesOn ? 'no pager' : 'pager')
  try {
    return await readAndShow(invocation, query, input, paged)
  } finally {
    await paged.end()
  }
}

async function readAndShow(
  { opened, run }: Invocation,
  query: Query,
  input: InputOf<never>,
  to: PagedOutput,
): Promise<Outcome> {
  const { output, result, bare, counted } = query
  const renderer = openRenderer(to, output, { json: run.globals.json, result, bare })
  const read = query.read(await byHostClock(input, opened), opened.views)
  if (!(Symbol.asyncIterator in read)) {
    const row = await read
    await renderer.row(row)
    await renderer.end()
    return query.outcome?.(row as never) ?? 'ok'
  }
  let rows = 0
  try {
    for await (const row of read) {
      rows++
      if (!(await renderer.row(row))) return 'ok'
    }
  } catch (cause) {
    // What was read stands, and may still be held back.
    if (cause instanceof Failure && cause.outcome === 'partial') await renderer.end()
    throw cause
  }
  await renderer.end()
  await to.end()
  if (counted !== undefined) opened.views.say(showCount(rows, counted))
  return 'ok'
}
