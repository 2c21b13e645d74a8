import { appendFile, link, readdir, truncate, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openChanges } from '../../../src/host/change/changes.ts'
import { readPending } from '../../../src/host/change/pending.ts'
import { openHost } from '../../../src/host/open-host.ts'
import { openLocal } from '../../../src/ssh/connect/local.ts'
import { failureOf } from '../../support/failing.ts'
import { type LocalPds, localPds, sessionWith, shells } from '../../support/local-host.ts'
import * as make from './making.ts'

const journal = (pds: LocalPds): string => pds.path('kimbia-ops/change/journal')

/** Three steps, of which the last is undone too when it fails; each takes long enough to be met in the middle of it. */
const stepsOf = (pds: LocalPds, ending: string) => [
  make.line(`sleep 0.05; touch ${pds.path('made')}`, [`sleep 0.05; rm -f ${pds.path('made')}`]),
  make.write(pds.path('pds.env'), 'A=1\n', 'A=2\n'),
  make.line(`sleep 0.05; ${ending}`, ['sleep 0.05']),
]

const whole = {
  ':': ['begin 0', 'done 0', 'begin 1', 'done 1', 'begin 2', 'done 2', 'end done'],
  'exit 1': [
    ...['begin 0', 'done 0', 'begin 1', 'done 1', 'begin 2', 'failed 2'],
    ...['undo 2', 'undone 2', 'undo 1', 'undone 1', 'undo 0', 'undone 0', 'end undone'],
  ],
}

/** Is everything as it was, or is everything done? Nothing in between counts as either. */
async function standsAs(pds: LocalPds): Promise<string> {
  const there = [await make.textOf(pds.path('pds.env')), (await readdir(pds.dir)).includes('made')]
  const litter = (await readdir(pds.dir)).filter((name) => name.endsWith('.kimbia-ops'))
  expect(litter).toEqual([])
  if (there[0] === 'A=2\n' && there[1]) return 'done'
  return there[0] === 'A=1\n' && !there[1] ? 'undone' : `in between: ${there}`
}

/** Begins a change, and kills its agent and its runner once the journal has that line, and a step has written that file. */
async function cutAfter(pds: LocalPds, ending: string, line: number, written?: string): Promise<string> {
  await make.put(pds, 'pds.env', 'A=1\n')
  const steps = stepsOf(pds, ending)
  const plan = make.planOf(steps)
  const session = openLocal()
  const change = await openChanges(openHost(async () => session, pds.config)).begin(plan, steps)
  const running = change.run(() => {}, make.never).catch((error: unknown) => error)
  await make.until(async () => (await make.journalOf(pds)).length > line, 'the line')
  if (written) await make.until(() => make.textOf(pds.path(written)), 'the step')
  await make.kill9(await make.pidIn(pds, 'lock'))
  await make.kill9(await make.pidIn(pds, 'change/runner'))
  await session.dispose()
  await running
  return plan.id
}

describe.concurrent.each(Object.entries(whole))(
  'a change that ends in “%s”, killed at each line of its journal',
  (ending, lines) => {
    const last = ending === ':' ? 'done' : 'undone'
    test.each(lines.map((line, i) => [line, i] as const))('at “%s” it is taken up again', async (_, i) => {
      await using pds = await localPds('A=1\n')
      const id = await cutAfter(pds, ending, i)
      const host = make.hostOf(pds)
      const over = (await make.journalOf(pds)).some((line) => line.startsWith('end '))
      expect((await readPending(host))?.state).toBe(over ? 'over' : 'cut off')
      const change = await openChanges(host).adopt(id, make.holder())
      expect(await change.run(() => {}, make.never)).toMatchObject({ kind: last })
      expect(await standsAs(pds)).toBe(last)
      await change.close()
      expect(await readPending(host)).toBeUndefined()
    })

    test.each(lines.map((line, i) => [line, i] as const))('at “%s” it is undone', async (_, i) => {
      await using pds = await localPds('A=1\n')
      const id = await cutAfter(pds, ending, i)
      const change = await make.changesOf(pds).adopt(id, make.holder())
      expect(await change.undo(() => {})).toMatchObject({ kind: 'undone' })
      expect(await standsAs(pds)).toBe('undone')
      await change.close()
    })
  },
)

test.concurrent.each(Object.entries(whole))(
  '“%s”, with the journal cut at every byte of its last line',
  async (ending, lines) => {
    for (const line of [...new Set(lines)]) {
      await using pds = await localPds('A=1\n')
      const id = await cutAfter(pds, ending, lines.indexOf(line))
      const text = (await make.textOf(journal(pds))).split('\n').slice(0, lines.indexOf(line)).join('\n')
      for (const cut of [1, line.length - 1, line.length]) {
        const before = text === '' ? '' : `${text}\n`
        await writeFile(journal(pds), before + line.slice(0, cut))
        expect((await readPending(make.hostOf(pds)))?.events).toHaveLength(lines.indexOf(line))
      }
      const change = await make.changesOf(pds).adopt(id, make.holder())
      const end = await change.run(() => {}, make.never)
      expect(await standsAs(pds)).toBe(end.kind)
      await change.close()
    }
  },
)

describe.concurrent.each(Object.entries(shells))('with %s as sh', (_, shell) => {
  test('a lost line and a killed agent do not stop the host', async () => {
    await using pds = await localPds('A=1\n')
    const session = await sessionWith(pds.dir, shell, [...make.coreutils, 'setsid'])
    const steps = [make.line('sleep 0.6'), ...stepsOf(pds, ':').slice(0, 2), make.line('sleep 0.3')]
    const change = await make.changesOf(pds, session).begin(make.planOf(steps), steps)
    const running = failureOf(change.run(() => {}, make.never))
    await make.until(async () => (await make.journalOf(pds)).length > 0)
    await session.dispose()
    const failure = await running
    expect(failure).toMatchObject({ outcome: 'unreachable' })
    expect(failure.hint).toContain('kimbia-ops recover')
    const host = make.hostOf(pds)
    await make.until(async () => (await readPending(host))?.state === 'working' || true)
    await make.until(async () => (await readPending(host))?.state === 'over', 'its end')
    expect((await readPending(host))?.end).toEqual({ kind: 'done', facts: {} })
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=2\n')
  })
})

test('who takes it over while the host works follows it to its end', async () => {
  await using pds = await localPds('A=1\n')
  const session = openLocal()
  const steps = [make.line('sleep 1'), make.line(':')]
  const plan = make.planOf(steps)
  const change = await openChanges(openHost(async () => session, pds.config)).begin(plan, steps)
  const running = change.run(() => {}, make.never).catch(() => undefined)
  await make.until(async () => (await make.journalOf(pds)).length > 0)
  await make.kill9(await make.pidIn(pds, 'lock'))
  await running
  const host = make.hostOf(pds)
  expect((await readPending(host))?.state).toBe('working')
  const next = await openChanges(host).adopt(plan.id, make.holder())
  const heard = make.hearing()
  expect(await next.run(heard.on, make.never)).toMatchObject({ kind: 'done' })
  expect(heard.events).toEqual(['done 0', 'begin 1', 'done 1'])
  expect((await make.textOf(journal(pds))).match(/end done/g)).toHaveLength(1)
  await next.close()
})

test('a runner that is killed is told of, and what it had under way is ended before it is begun again', async () => {
  await using pds = await localPds('A=1\n')
  const steps = [make.line(`echo $$ >>${pds.path('pids')}; sleep 1; echo done >>${pds.path('pids')}`)]
  const plan = make.planOf(steps)
  const change = await make.changesOf(pds).begin(plan, steps)
  const running = failureOf(change.run(() => {}, make.never))
  await make.until(() => make.textOf(pds.path('pids')))
  await make.kill9(await make.pidIn(pds, 'change/runner'))
  const failure = await running
  expect(failure).toMatchObject({ outcome: 'failed', code: 'runner-died' })
  expect(failure.hint).toContain('kimbia-ops recover')
  expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
  expect(await make.textOf(pds.path('pids'))).toMatch(/^\d+\n\d+\ndone\n$/)
  await change.close()
})

test('an upload that is cut off leaves neither a lock nor a change', async () => {
  await using pds = await localPds('A=1\n')
  const { agent } = await import('../../../src/host/change/agent.ts')
  const { toUpload, writesOf } = await import('../../../src/host/change/compile.ts')
  const steps = stepsOf(pds, ':')
  const dir = pds.path('kimbia-ops')
  const plan = make.planOf(steps)
  const upload = await toUpload({ dir }, plan, steps)
  for (const length of [0, 1, 50, upload.length >> 1, upload.length - 1]) {
    const session = openLocal()
    await session.act(agent(dir, 'begin', { writes: writesOf(plan, steps) }), {
      stdin: upload.slice(0, length),
    })
    expect(await readdir(dir)).toEqual([])
  }
})

test('a new line of the journal follows a torn one', async () => {
  await using pds = await localPds('A=1\n')
  const id = await cutAfter(pds, ':', 2)
  await truncate(journal(pds), 0)
  await appendFile(journal(pds), 'begin 0\ndone 0\nbegin 1\ndone 1')
  const change = await make.changesOf(pds).adopt(id, make.holder())
  expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
  expect((await make.journalOf(pds)).slice(2, 5)).toEqual(['begin 1', 'done 1\x03', 'begin 1'])
  await change.close()
})

test('of a killed runner and of what it started nothing goes on for long', async () => {
  await using pds = await localPds('A=1\n')
  await cutAfter(pds, `echo yes >${pds.path('runs')}; sleep 2`, 4, 'runs')
  const mine = async () => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const args = await Promise.all(pids.map((pid) => make.textOf(`/proc/${pid}/cmdline`)))
    return args.filter((one) => one.includes(pds.dir))
  }
  expect(await mine()).not.toEqual([])
  await make.until(async () => (await mine()).length === 0, 'the end of all of them')
})

test('a runner whose number one before it had too takes the change up all the same', async () => {
  await using pds = await localPds('A=1\n')
  const id = await cutAfter(pds, ':', 2)
  // Whatever number the next runner gets, one of that number was here.
  const dir = pds.path('kimbia-ops/change')
  const names = Array.from({ length: 4000 }, (_, i) => `${dir}/.runner.${process.pid + i}`)
  await Promise.all(names.map((name) => link(`${dir}/runner`, name).catch(() => {})))
  const change = await make.changesOf(pds).adopt(id, make.holder())
  expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
  expect(await standsAs(pds)).toBe('done')
  await change.close()
})
