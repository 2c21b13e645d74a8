import { Failure, failed, type Outcome, unreachable } from '../failure.ts'
import { carryOut, type Result } from './carry-out.ts'
import type { Command, InputOf, Printer, Procedure, Query } from './command.ts'
import { changes, consent, mustType } from './consent.ts'
import { keepTrail } from './keep-trail.ts'
import type { Life } from './life.ts'
import { open } from './opened.ts'
import { carryPassthrough } from './pass-through.ts'
import type { Plan } from './plan.ts'
import type { Run } from './program.ts'
import { noRecorder } from './record.ts'
import { openRenderer } from './render.ts'
import { showCount, showDryRun, showFailure, showPlan } from './report.ts'
import { shortfallOf } from './shortfall.ts'
import { missingWords, nameOf, paramsOf, readWord } from './spelling.ts'
import type { World } from './world.ts'

/** Lives the life of one command, from its parsed line to its outcome; everything it opened is closed. */
export async function live(
  run: Run,
  world: World,
  commands: readonly Command[],
): Promise<{ outcome: Outcome; code?: number }> {
  const { globals } = run
  const { noInput, noColor, quiet } = globals
  const limit = timeLimit(globals.timeout)
  const signal = AbortSignal.any([world.stop, limit.signal])
  const terminal = world.terminal({ noInput, color: !noColor, quiet, signal })
  const opened = open(world, { ...globals, terminal, signal })
  const life: Life = { run, world, terminal, commands, opened, signal }
  try {
    const result = await carry(life)
    return typeof result === 'object' ? result : { outcome: result }
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    await terminal.stderr.write(showFailure(cause, globals.json ? 'json' : 'text', terminal.stderr))
    return { outcome: cause.outcome }
  } finally {
    clearTimeout(limit.timer)
    terminal.progress('')
    await opened.dispose()
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

async function carry(life: Life): Promise<Outcome | { outcome: Outcome; code: number }> {
  const { command } = life.run
  const input = (await complete(life)) as InputOf<never>
  switch (command.kind) {
    case 'query':
      return await carryQuery(life, command, input)
    case 'procedure':
      return await carryProcedure(life, command, input)
    case 'printer':
      return await carryPrinter(life, command, input)
    case 'passthrough':
      return await carryPassthrough(life, command, (life.run.input as { args: readonly string[] }).args)
  }
}

/** The input with what was missing asked for; nobody there to ask is a `usage` Failure. */
async function complete({ run, opened, terminal }: Life): Promise<Record<string, unknown>> {
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

async function carryPrinter(
  { terminal, commands }: Life,
  printer: Printer,
  input: InputOf<never>,
): Promise<Outcome> {
  await terminal.stdout.write(printer.print(input, commands))
  return 'ok'
}

async function carryQuery(
  { terminal, opened, run }: Life,
  query: Query,
  input: InputOf<never>,
): Promise<Outcome> {
  const { output, result, bare, counted } = query
  const renderer = openRenderer(terminal.stdout, output, { json: run.globals.json, result, bare })
  const read = query.read(input, opened.views)
  if (!(Symbol.asyncIterator in read)) {
    const row = await read
    await renderer.row(row)
    await renderer.end()
    return query.outcome?.(row as never) ?? 'ok'
  }
  let rows = 0
  for await (const row of read) {
    rows++
    if (!(await renderer.row(row))) return 'ok'
  }
  await renderer.end()
  if (counted !== undefined) opened.views.say(showCount(rows, counted))
  return 'ok'
}

async function carryProcedure(life: Life, procedure: Procedure, input: InputOf<never>): Promise<Outcome> {
  const { terminal, opened, run } = life
  const plan = (await procedure.plan(input, opened.views)) as Plan<unknown>
  if (run.globals.dryRun) return await dryRun(life, procedure, plan)
  if (changes(plan) > 0) {
    await review(life, procedure, plan)
    const results = await act(life, plan)
    return await report(life, procedure, plan, results)
  }
  if (!run.globals.quiet && !plan.refused?.length) await terminal.stderr.write('nothing to do\n')
  return await report(life, procedure, plan, asPlanned(plan))
}

async function dryRun({ terminal, run }: Life, { risk }: Procedure, plan: Plan<unknown>): Promise<Outcome> {
  await terminal.stdout.write(showDryRun(plan, { json: run.globals.json, risk }, terminal.stdout))
  const { refused = [] } = plan
  if (refused[0])
    throw failed(refused[0].code, `${showCount(refused.length, 'target')} cannot be done, as shown`)
  return 'ok'
}

const asPlanned = (plan: Plan<unknown>): Result[] =>
  plan.items.map((item) => ({ state: 'unchanged', item, rows: item.rows }))

/** Shows what is about to happen and gets consent; routine changes are done without a word. */
async function review(
  { terminal, run, opened }: Life,
  { risk }: Procedure,
  plan: Plan<unknown>,
): Promise<void> {
  const { yes, confirm, quiet, json } = run.globals
  const settled = confirm !== undefined || (yes && mustType(plan, risk) === undefined)
  const silent = (quiet && settled) || (json && !terminal.interactive)
  if ((plan.risk ?? risk) === 'routine')
    for (const text of plan.warnings ?? []) opened.views.say(`warning: ${text}`)
  else if (!silent) {
    const { host } = opened.views
    const where = plan.trail === 'none' ? undefined : `${(await host.config()).name} (${await host.where()})`
    await terminal.stderr.write(showPlan(plan, { where }, terminal.stderr))
  }
  await consent(plan, risk, { yes, confirm }, terminal)
}

async function act(life: Life, plan: Plan<unknown>): Promise<Result[]> {
  const { terminal, opened, signal: stop } = life
  const progress = (done: number, of: number): void =>
    of > 1 ? terminal.progress(`${done} of ${of}`) : undefined
  if (plan.trail === 'none') {
    const pds = undefined as never
    return await carryOut(plan, { pds, recorder: noRecorder, stop, progress })
  }
  const pds = await opened.pds()
  return await keepTrail(life, (recorder) => carryOut(plan, { pds, recorder, stop, progress }))
}

/** Rows that hold true go to stdout; what failed or was not tried is thrown, to end on stderr. */
async function report(
  { terminal, run, signal }: Life,
  procedure: Procedure,
  plan: Plan<unknown>,
  results: readonly Result[],
): Promise<Outcome> {
  const shortfall = shortfallOf(plan, results, signal)
  const rows = results.flatMap((it) =>
    'rows' in it && it.rows ? it.rows.map((row) => ({ row, changed: it.state !== 'unchanged' })) : [],
  )
  const { json, quiet } = run.globals
  const single = results.reduce((sum, { item }) => sum + item.rows.length, 0) === 1
  const renderer = openRenderer(terminal.stdout, procedure.output, {
    json,
    result: single ? 'one' : 'many',
    bare: procedure.bare,
  })
  try {
    for (const { row, changed } of rows) if (!(await renderer.row(row as never, { changed }))) break
    await renderer.end()
  } catch (cause) {
    throw shortfall ?? untold(cause, results)
  }
  if (shortfall) throw shortfall
  if (!quiet) for (const line of plan.afterwards ?? []) await terminal.stderr.write(`note: ${line}\n`)
  return 'ok'
}

/** What was done stands, though its result is lost with the output. */
function untold(cause: unknown, results: readonly Result[]): unknown {
  if (!(cause instanceof Failure) || !results.some(({ state }) => state === 'done')) return cause
  const message = `it was done, but its result could not be written: ${cause.message}`
  const hint = 'look at what is there now; a password that was not shown must be reset once more'
  return new Failure({ outcome: 'partial', code: 'result-lost', message, hint, cause })
}
