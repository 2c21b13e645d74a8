import { Failure, failed, type Outcome } from '../failure.ts'
import type { HostHands } from './carry-change.ts'
import { carryOut, type Result } from './carry-out.ts'
import { operationOf, sayOperation, withOperation } from './closing-note.ts'
import type { InputOf, Procedure } from './command.ts'
import { changes, consent, mustType } from './consent.ts'
import { followOn, silent } from './follow.ts'
import { keepTrail } from './keep-trail.ts'
import type { Life } from './life.ts'
import { partsOf, resumeOf, takesLock } from './parts.ts'
import type { Plan } from './plan.ts'
import { type Authorship, noRecorder } from './record.ts'
import { openRenderer } from './render.ts'
import { showCount, showDryRun, showPlan } from './report.ts'
import { shortfallOf } from './shortfall.ts'
import { busyBy, noteStanding, refuseStanding } from './standing.ts'
import { openVault } from './vault.ts'

/** Lives a procedure: its plan, consent, carrying out, and what is said of it. */
export async function carryProcedure(
  life: Life,
  procedure: Procedure,
  input: InputOf<never>,
): Promise<Outcome> {
  const { terminal, opened, run } = life
  if ((procedure.risk === 'routine' || consented(run.globals)) && !run.globals.dryRun)
    getReady(life, procedure)
  const plan = (await procedure
    .plan(input, opened.views)
    .catch((cause: unknown) => orBusy(life, procedure, cause))) as Plan<unknown>
  partsOf(plan)
  if (takesLock(plan) && procedure.changes !== 'host')
    throw new TypeError(`${procedure.name} changes the host, and does not say so`)
  if (run.globals.dryRun) return await dryRun(life, procedure, plan)
  if (changes(plan) > 0) {
    await review(life, procedure, plan)
    const results = await act(life, plan)
    return await report(life, procedure, plan, results)
  }
  if (!run.globals.quiet && !plan.refused?.length) await terminal.stderr.write('nothing to do\n')
  return await report(life, procedure, plan, asPlanned(plan))
}

/** Whether consent was given on the command line, so that what is planned is mostly carried out at once. */
const consented = ({ yes, confirm }: Life['run']['globals']): boolean => yes || confirm !== undefined

/**
 * What carrying out needs takes its time to start, and can do so while the host is looked at: the trail and the lock. A
 * plan that fails before it has looked at the host has it open nothing.
 */
function getReady({ world, opened }: Life, { changes: what }: Procedure): void {
  const start = async () => {
    const host = await opened.host()
    await host.prepare(what === 'host' ? 2 : 1)
    if (what === 'host') await world.openChanges(host)
  }
  // Whatever fails here fails again where it is waited for.
  start().catch(() => {})
}

/** A host that was left in the middle of a change cannot be planned on: that it was is what must be said. */
async function orBusy({ opened }: Life, { changes: what }: Procedure, cause: unknown): Promise<never> {
  if (what !== 'host' || !(cause instanceof Failure) || cause.outcome !== 'failed') throw cause
  const pending = await opened.views.pending().catch(() => undefined)
  throw (pending && busyBy(pending)) ?? cause
}

async function dryRun(life: Life, { risk }: Procedure, plan: Plan<unknown>): Promise<Outcome> {
  const { terminal, run } = life
  await noteStanding(life, plan)
  await terminal.stdout.write(showDryRun(plan, { json: run.globals.json, risk }, terminal.stdout))
  const { refused = [] } = plan
  if (refused[0])
    throw failed(refused[0].code, `${showCount(refused.length, 'target')} cannot be done, as shown`)
  return 'ok'
}

const asPlanned = (plan: Plan<unknown>): Result[] =>
  plan.items.map((item) => ({ state: 'unchanged', item, rows: item.rows }))

/** Shows what is about to happen and gets consent; routine changes are done without a word. */
async function review(life: Life, { risk }: Procedure, plan: Plan<unknown>): Promise<void> {
  const { terminal, run, opened } = life
  const { yes, confirm, quiet, json } = run.globals
  const settled = confirm !== undefined || (yes && mustType(plan, risk) === undefined)
  const asks = !settled && ((plan.risk ?? risk) !== 'routine' || mustType(plan, risk) !== undefined)
  if (asks && terminal.interactive) await refuseStanding(life, plan)
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
  const { terminal, opened, world, signal: stop } = life
  const progress = (done: number, of: number): void =>
    of > 1 ? terminal.progress(`${done} of ${of}`) : undefined
  if (plan.trail === 'none') {
    const pds = undefined as never
    const { runProgram } = life.world
    return await carryOut(plan, { pds, recorder: noRecorder, stop, progress, runProgram })
  }
  const changing = takesLock(plan)
  const pds = changing ? opened.lazyPds : await opened.pds()
  return await keepTrail(life, async (recorder, author) => {
    const host = changing ? await hostHands(life, author, plan) : undefined
    const tally = tallyOf(plan, progress)
    world.lastWords(changing ? hostGoesOn : tally.say)
    return await carryOut(plan, {
      pds,
      recorder,
      stop,
      progress: tally.count,
      host,
      awaitPds: patience(life),
    })
  })
}

const hostGoesOn = (): string =>
  'ended at once; a change that the host has begun goes on there by itself. How it ended tells: kimbia-ops recover\n'

/** How far a change of several targets has come, for the operator who leaves at once. */
function tallyOf({ items }: Plan<unknown>, progress: (done: number, of: number) => void) {
  let done = 0
  return {
    count(now: number, of: number) {
      done = now
      progress(now, of)
    },
    say: (): string =>
      `ended at once: ${done} of ${showCount(items.length, 'target')} had been done or had failed, others may have been; ` +
      'to see which: kimbia-ops trail --since 1h. The same command does the rest: what is done is left alone\n',
  }
}

/** How long a PDS that is away is waited for, and how often it is looked for, in milliseconds. */
const [longest, pause] = [30_000, 1_000]

function patience({ world, terminal, opened, signal }: Life): () => Promise<boolean> {
  const began = world.clock().getTime()
  let said = false
  return async () => {
    if (world.clock().getTime() - began > longest) return false
    if (!said) opened.views.say('the PDS does not answer; waiting for it, to read back what it has accepted')
    said = true
    terminal.progress('waiting for the PDS')
    return await world.sleep(pause, signal).then(
      () => true,
      () => false,
    )
  }
}

async function hostHands(
  { world, opened, terminal, run }: Life,
  author: Authorship,
  { items }: Plan<unknown>,
): Promise<HostHands> {
  const { quiet, json } = run.globals
  const follow = quiet || (json && !terminal.stderr.tty) ? silent : followOn(terminal)
  // What has begun is finished, or undone, after Ctrl-C as well: this host takes no notice of it.
  const host = await opened.host()
  const changes = await world.openChanges(host)
  const named = items[0] && resumeOf(items[0])?.store
  const vault = openVault(world, { host, config: opened.config }, named)
  const warm = () => void opened.pds().catch(() => {})
  return { changes, author, view: host, follow, vault, warm }
}

/** Rows that hold true go to stdout; what failed or was not tried is thrown, to end on stderr. */
async function report(
  life: Life,
  procedure: Procedure,
  plan: Plan<unknown>,
  results: readonly Result[],
): Promise<Outcome> {
  const { terminal, run, signal } = life
  const { json, quiet } = run.globals
  const operation = operationOf(life, plan, results)
  const shortfall = withOperation(shortfallOf(plan, results, signal), operation)
  const rows = results.flatMap((it) => {
    const changed = it.state !== 'unchanged'
    const extra = { changed, operation: changed ? (operation ?? null) : null }
    return 'rows' in it && it.rows ? it.rows.map((row) => ({ row, extra })) : []
  })
  const single = results.reduce((sum, { item }) => sum + item.rows.length, 0) === 1
  const renderer = openRenderer(terminal.stdout, procedure.output, {
    json,
    result: single ? 'one' : 'many',
    bare: procedure.bare,
  })
  try {
    for (const { row, extra } of rows) if (!(await renderer.row(row as never, extra))) break
    await renderer.end()
  } catch (cause) {
    if (operation) await sayOperation(life, operation, results)
    throw shortfall ?? untold(cause, results)
  }
  if (!quiet && !shortfall)
    for (const line of plan.afterwards ?? []) await terminal.stderr.write(`note: ${line}\n`)
  if (operation) await sayOperation(life, operation, results)
  if (shortfall) throw shortfall
  return 'ok'
}

/** What was done stands, though its result is lost with the output. */
function untold(cause: unknown, results: readonly Result[]): unknown {
  if (!(cause instanceof Failure) || !results.some(({ state }) => state === 'done')) return cause
  const message = `it was done, but its result could not be written: ${cause.message}`
  const hint = 'look at what is there now; a password that was not shown must be reset once more'
  return new Failure({ outcome: 'partial', code: 'result-lost', message, hint, cause })
}
