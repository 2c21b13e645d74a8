import { Failure, failed, type Outcome } from '../../base/failure.ts'
import { lockFailure } from '../../host/change/describe.ts'
import { countChanges, mustType } from '../../plan/consent-rule.ts'
import { itemsOf, type Plan } from '../../plan/plan.ts'
import { assertStorable } from '../../plan/storable.ts'
import type { On, Procedure } from '../command/command.ts'
import type { InputOf } from '../command/parameters.ts'
import { type Authorship, noRecorder } from '../execute/audit.ts'
import { followOn, silent } from '../execute/change-progress.ts'
import { executePlan, type Result } from '../execute/execute-plan.ts'
import type { HostChangeTools } from '../execute/host-change.ts'
import { partialFailure } from '../execute/partial-failure.ts'
import { passwordSources } from '../execute/password-sources.ts'
import { openRenderer } from '../output/render.ts'
import { showCount, showDryRun, showPlan } from '../output/report.ts'
import { operationOf, sayOperation, sayResult, withOperation } from './closing-note.ts'
import { consent } from './consent.ts'
import type { Invocation } from './invocation.ts'
import { keepTrail } from './keep-trail.ts'
import { assertNoPendingChange, warnPendingChange } from './pending-change.ts'

/** Lives a procedure: its plan, consent, carrying out, and what is said of it. */
export async function runProcedure(
  invocation: Invocation,
  procedure: Procedure,
  input: InputOf<never>,
): Promise<Outcome> {
  const { terminal, opened, run } = invocation
  if ((procedure.risk === 'routine' || consented(run.globals)) && !run.globals.dryRun)
    prewarm(invocation, procedure)
  const plan = (await procedure
    .plan(input, opened.views)
    .catch((cause: unknown) => preferLockFailure(invocation, procedure, cause))) as Plan<unknown>
  if (plan.on === 'host') assertStorable(plan)
  if (run.globals.dryRun) return await dryRun(invocation, procedure, plan)
  if (countChanges(plan) > 0) {
    await review(invocation, procedure, plan)
    const began = invocation.world.clock().getTime()
    const results = await carryOutPlan(invocation, plan)
    const took = invocation.world.clock().getTime() - began
    return await report(invocation, procedure, plan, results, took)
  }
  if (!run.globals.quiet && !plan.refused?.length) await terminal.stderr.write('nothing to do\n')
  return await report(invocation, procedure, plan, asPlanned(plan))
}

/** Whether it is carried out under the lock of the host. */
const takesLock = ({ on }: { readonly on?: On | undefined }): boolean =>
  on === 'host' || on === 'pending change'

/** Whether consent was given on the command line, so that what is planned is mostly carried out at once. */
const consented = ({ yes, confirm }: Invocation['run']['globals']): boolean => yes || confirm !== undefined

/**
 * What carrying out needs takes its time to start, and can do so while the host is looked at: the trail and the lock. A
 * plan that fails before it has looked at the host has it open nothing.
 */
function prewarm({ world, opened }: Invocation, procedure: Procedure): void {
  const start = async () => {
    const host = await opened.host()
    await host.prepare(takesLock(procedure) ? 2 : 1)
    if (takesLock(procedure)) await world.openChanges(host)
  }
  // Whatever fails here fails again where it is waited for.
  start().catch(() => {})
}

/** A host that was left in the middle of a change cannot be planned on: that it was is what must be said. */
async function preferLockFailure(
  { opened }: Invocation,
  procedure: Procedure,
  cause: unknown,
): Promise<never> {
  if (!takesLock(procedure) || !(cause instanceof Failure) || cause.outcome !== 'failed') throw cause
  const pending = await opened.views.pending().catch(() => undefined)
  throw (pending && lockFailure(pending)) ?? cause
}

async function dryRun(invocation: Invocation, { risk }: Procedure, plan: Plan<unknown>): Promise<Outcome> {
  const { terminal, run } = invocation
  await warnPendingChange(invocation, plan)
  const { json, verbose } = run.globals
  await terminal.stdout.write(showDryRun(plan, { json, verbose, risk }, terminal.stdout))
  const { refused = [] } = plan
  if (refused[0])
    throw failed(refused[0].code, `${showCount(refused.length, 'target')} cannot be done, as shown`)
  return 'ok'
}

const asPlanned = (plan: Plan<unknown>): Result[] =>
  itemsOf(plan).map((item) => ({ state: 'unchanged', item, rows: item.rows }))

/** Shows what is about to happen and gets consent; routine changes are done without a word. */
async function review(invocation: Invocation, { risk }: Procedure, plan: Plan<unknown>): Promise<void> {
  const { terminal, run, opened } = invocation
  const { yes, confirm, quiet, json } = run.globals
  const settled = confirm !== undefined || (yes && mustType(plan, risk) === undefined)
  const asks = !settled && ((plan.risk ?? risk) !== 'routine' || mustType(plan, risk) !== undefined)
  if (asks && terminal.interactive) await assertNoPendingChange(invocation, plan)
  const silent = (quiet && settled) || (json && !terminal.interactive)
  if ((plan.risk ?? risk) === 'routine')
    for (const text of plan.warnings ?? []) opened.views.say(`warning: ${text}`)
  else if (!silent) {
    const { host } = opened.views
    const where = plan.on === 'machine' ? undefined : `${(await host.config()).name} (${await host.where()})`
    const evidence = asks && terminal.interactive ? await plan.evidence?.() : undefined
    const shown = await terminal.page(showPlan(plan, { where, evidence }, terminal.stderr), 'stderr')
    // What the pager has shown may be gone: what must be known stands above the question.
    if (shown === 'paged')
      await terminal.stderr.write(showPlan(plan, { where, evidence, targets: 'left out' }, terminal.stderr))
  }
  await consent(plan, risk, { yes, confirm }, terminal)
}

async function carryOutPlan(invocation: Invocation, plan: Plan<unknown>): Promise<Result[]> {
  const { terminal, opened, world, signal: stop } = invocation
  const progress = (done: number, of: number): void =>
    of > 1 ? terminal.progress(`${done} of ${of}`) : undefined
  if (plan.on === 'machine') {
    const pds = undefined as never
    const { runProgram } = invocation.world
    return await executePlan(plan, { pds, recorder: noRecorder, stop, progress, runProgram })
  }
  const changing = takesLock(plan)
  const pds = changing ? opened.lazyPds : await opened.pds()
  return await keepTrail(invocation, async (recorder, author) => {
    const host = changing ? await hostChangeTools(invocation, author, plan) : undefined
    const tally = tallyOf(plan, progress)
    world.lastWords(changing ? hostGoesOn : tally.say)
    return await executePlan(plan, {
      pds,
      recorder,
      stop,
      progress: tally.count,
      host,
      awaitPds: patience(invocation),
    })
  })
}

const hostGoesOn = (): string =>
  'ended at once; a change that the host has begun goes on there by itself. How it ended tells: kimbia-ops recover\n'

/** How far a change of several targets has come, for the operator who leaves at once. */
function tallyOf(plan: Plan<unknown>, progress: (done: number, of: number) => void) {
  let done = 0
  return {
    count(now: number, of: number) {
      done = now
      progress(now, of)
    },
    say: (): string =>
      `ended at once: ${done} of ${showCount(itemsOf(plan).length, 'target')} had been done or had failed, others may have been; ` +
      'to see which: kimbia-ops trail --since 1h. The same command does the rest: what is done is left alone\n',
  }
}

/** How long a PDS that is away is waited for, and how often it is looked for, in milliseconds. */
const [longest, pause] = [30_000, 1_000]

function patience({ world, terminal, opened, signal }: Invocation): () => Promise<boolean> {
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

async function hostChangeTools(
  { world, opened, terminal, run }: Invocation,
  author: Authorship,
  plan: Plan<unknown>,
): Promise<HostChangeTools> {
  const { quiet, json } = run.globals
  const follow = quiet || (json && !terminal.stderr.tty) ? silent : followOn(terminal)
  // What has begun is finished, or undone, after Ctrl-C as well: this host takes no notice of it.
  const host = await opened.host()
  const changes = await world.openChanges(host)
  const named = plan.on === 'pending change' ? plan.resume?.store : undefined
  const vault = passwordSources(world, { host, config: opened.config }, named)
  const warm = () => void opened.pds().catch(() => {})
  return { changes, author, view: host, follow, vault, warm }
}

/** Rows that hold true go to stdout; what failed or was not tried is thrown, to end on stderr. */
async function report(
  invocation: Invocation,
  procedure: Procedure,
  plan: Plan<unknown>,
  results: readonly Result[],
  took?: number,
): Promise<Outcome> {
  const { terminal, run, signal } = invocation
  const { json, quiet } = run.globals
  const operation = operationOf(invocation, plan, results)
  const shortfall = withOperation(partialFailure(plan, results, signal), operation)
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
    ...(rows.every(({ extra }) => extra.changed) && { changed: 'all' }),
  })
  try {
    for (const { row, extra } of rows) if (!(await renderer.row(row as never, extra))) break
    await renderer.end()
  } catch (cause) {
    if (operation) await sayOperation(invocation, operation, results)
    throw shortfall ?? resultLost(cause, results)
  }
  if (took !== undefined) await sayResult(invocation, plan, results, took)
  if (!quiet && !shortfall)
    for (const line of plan.afterwards ?? [])
      await terminal.stderr.write(`note: ${typeof line === 'string' ? line : await line()}\n`)
  if (operation) await sayOperation(invocation, operation, results)
  if (shortfall) throw shortfall
  return 'ok'
}

/** What was done stands, though its result is lost with the output. */
function resultLost(cause: unknown, results: readonly Result[]): unknown {
  if (!(cause instanceof Failure) || !results.some(({ state }) => state === 'done')) return cause
  const message = `it was done, but its result could not be written: ${cause.message}`
  const hint = 'look at what is there now; a password that was not shown must be reset once more'
  return new Failure({ outcome: 'partial', code: 'result-lost', message, hint, cause })
}
