import { cp, lstat, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readPending } from '../../../src/host/change/pending.ts'
import { failureOf } from '../../support/failing.ts'
import { type LocalPds, localPds, sessionWith, shells, withoutRoot } from '../../support/local-host.ts'
import * as make from './making.ts'

/** How a program finds its own place. */
const ownPlace = `\nchange_dir=\${0%/*}\n`

/** How the program of an earlier version found it. */
const earlierPlace = (pds: LocalPds) => `\nd=${pds.path('kimbia-ops')}\nc=$d/change\nchange_dir=$c\n`

const beside = (pds: LocalPds, name = ''): string => pds.path(`kimbia-ops/${name}`)

/** Begins a change and cuts it off in its first step. */
async function cutOff(pds: LocalPds, session?: Parameters<typeof make.changesOf>[1]) {
  const steps = [
    make.line('sleep 1', [':']),
    make.write(pds.path('pds.env'), 'A=1\n', 'A=2\n'),
    make.line(`echo ours >>${pds.path('ran')}`),
  ]
  const plan = make.planOf(steps)
  const change = await make.changesOf(pds, session).begin(plan, steps)
  const running = change.run(() => {}, make.never).catch(() => undefined)
  await make.until(async () => (await make.journalOf(pds)).includes('begin 0'))
  await make.kill9(await make.pidIn(pds, 'lock'))
  await make.kill9(await make.pidIn(pds, 'change/runner'))
  await running
  return plan
}

/** Puts a change where earlier versions had it for root too, with the program as they wrote it. */
async function asBefore(pds: LocalPds): Promise<void> {
  await rm(beside(pds, 'change'))
  await cp(make.kept(pds, 'change'), beside(pds, 'change'), { recursive: true, filter: isNoPipe })
  // What the killed runner had started may still write there.
  await rm(make.kept(pds, 'change'), { recursive: true, maxRetries: 10 })
  const run = await make.textOf(beside(pds, 'change/run.sh'))
  expect(run).toContain(ownPlace)
  await writeFile(
    beside(pds, 'change/run.sh'),
    run.replace(ownPlace, () => earlierPlace(pds)),
  )
}

const isNoPipe = async (path: string) => !(await lstat(path)).isFIFO()

const forge = (pds: LocalPds) => writeFile(beside(pds, 'change/run.sh'), `echo theirs >${pds.path('ran')}\n`)

describe.skipIf(withoutRoot)('what the container of the PDS may write', () => {
  test('holds no program, no plan and no journal that root believes', async () => {
    await using pds = await localPds('A=1\n')
    const plan = await cutOff(pds)
    expect(await readlink(beside(pds, 'change'))).toBe(make.kept(pds, 'change'))
    await rm(beside(pds, 'change'))
    await mkdir(beside(pds, 'change/files'), { recursive: true })
    await forge(pds)
    const forged = { ...plan, title: 'Something else' }
    await writeFile(beside(pds, 'change/plan.json'), `${JSON.stringify(forged)}\n`)
    await writeFile(beside(pds, 'change/id'), `${plan.id}\n`)
    await writeFile(beside(pds, 'change/journal'), 'begin 0\ndone 0\nbegin 1\ndone 1\n')
    expect(await readPending(make.hostOf(pds))).toMatchObject({ plan, events: [{ kind: 'begin', index: 0 }] })
    const change = await make.changesOf(pds).adopt(plan.id, make.holder())
    expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
    await change.close()
    expect(await make.textOf(pds.path('ran'))).toBe('ours\n')
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=2\n')
  })

  test.each(['journal', 'step-0.log', 'runner', 'stop', 'plan.json', 'bell'])(
    'leads root nowhere by a link at change/%s',
    async (name) => {
      await using pds = await localPds('A=1\n')
      const elsewhere = pds.path('elsewhere')
      await writeFile(elsewhere, 'theirs\n')
      const plan = await cutOff(pds)
      await rm(beside(pds, 'change'))
      await mkdir(beside(pds, 'change'))
      await symlink(elsewhere, beside(pds, `change/${name}`))
      const change = await make.changesOf(pds).adopt(plan.id, make.holder())
      expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
      await change.close()
      expect(await make.textOf(elsewhere)).toBe('theirs\n')
    },
  )

  test.each(['change', 'last'])('leads root nowhere by a link at %s', async (name) => {
    await using pds = await localPds('A=1\n')
    await mkdir(pds.path('elsewhere'))
    await writeFile(pds.path('elsewhere/file'), '')
    await mkdir(beside(pds))
    await symlink(pds.path('elsewhere'), beside(pds, name))
    const steps = [make.line(':')]
    const change = await make.changesOf(pds).begin(make.planOf(steps), steps)
    expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
    await change.close()
    expect(await readdir(pds.path('elsewhere'))).toEqual(['file'])
  })

  test('may be another directory by now: nothing is begun and nothing taken over in a link', async () => {
    await using pds = await localPds('A=1\n')
    const plan = await cutOff(pds)
    await rename(beside(pds), pds.path('aside'))
    await mkdir(pds.path('elsewhere'))
    await symlink(pds.path('elsewhere'), beside(pds).replace(/\/$/, ''))
    const failure = await failureOf(make.changesOf(pds).adopt(plan.id, make.holder()))
    expect(failure).toMatchObject({ code: 'change-not-writable' })
    expect(failure.message).toContain('symbolic link')
    expect(await readdir(pds.path('elsewhere'))).toEqual([])
    await rm(beside(pds).replace(/\/$/, ''))
    await rename(pds.path('aside'), beside(pds))
    const change = await make.changesOf(pds).adopt(plan.id, make.holder())
    expect(await change.undo(() => {})).toMatchObject({ kind: 'undone' })
    await change.close()
  })
})

describe.skipIf(withoutRoot)('a change that an earlier version has left beside the lock', () => {
  test.each(Object.entries(shells))('is finished where that was agreed to (%s)', async (_, shell) => {
    await using pds = await localPds('A=1\n')
    const session = await sessionWith(pds.dir, shell, [...make.coreutils, 'setsid'])
    const plan = await cutOff(pds, session)
    await asBefore(pds)
    expect(await readPending(make.hostOf(pds))).toMatchObject({
      plan,
      program: 'unverified',
      state: 'cut off',
    })
    expect(await failureOf(make.changesOf(pds).adopt(plan.id, make.holder()))).toMatchObject({
      outcome: 'failed',
      code: 'change-not-verified',
      hint: expect.stringContaining('kimbia-ops recover --dry-run'),
    })
    const change = await make.changesOf(pds, session).adopt(plan.id, make.holder(), 'allowed')
    expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
    await change.close()
    expect(await make.textOf(pds.path('ran'))).toBe('ours\n')
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=2\n')
    expect(await readPending(make.hostOf(pds))).toBeUndefined()
    expect((await lstat(beside(pds, 'change')).catch(() => undefined))?.isDirectory()).toBeUndefined()
  })

  test('keeps others from beginning, and is not run by them', async () => {
    await using pds = await localPds('A=1\n')
    await cutOff(pds)
    await asBefore(pds)
    await forge(pds)
    const steps = [make.line(':')]
    expect(await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))).toMatchObject({
      outcome: 'busy',
      code: 'cut-off',
    })
    expect(await make.textOf(pds.path('ran'))).toBe('')
  })

  test('is put away by the next one where it was over', async () => {
    await using pds = await localPds('A=1\n')
    const plan = await cutOff(pds)
    const over = await make.changesOf(pds).adopt(plan.id, make.holder())
    await over.run(() => {}, make.never)
    await over.leave()
    await make.until(async () => (await readPending(make.hostOf(pds)))?.state === 'over')
    await asBefore(pds)
    const steps = [make.line(':')]
    const next = await make.changesOf(pds).begin(make.planOf(steps), steps)
    expect(next.before).toMatchObject({ state: 'over', plan, program: 'unverified' })
    await next.close()
    expect(await make.litter(pds)).toEqual(['backups', 'last'])
  })

  test('is left alone while its runner lives', async () => {
    await using pds = await localPds('A=1\n')
    const plan = await cutOff(pds)
    await asBefore(pds)
    const boot = (await make.textOf('/proc/sys/kernel/random/boot_id')).trim()
    const [, start = ''] = /\) (?:\S+ ){19}(\S+)/.exec(await make.textOf('/proc/self/stat')) ?? []
    await writeFile(beside(pds, 'change/runner'), `{"token":"${process.pid}.${start}.${boot}"}\n`)
    expect((await readPending(make.hostOf(pds)))?.state).toBe('working')
    expect(await failureOf(make.changesOf(pds).adopt(plan.id, make.holder(), 'allowed'))).toMatchObject({
      outcome: 'busy',
      code: 'locked',
    })
    expect(await readdir(beside(pds))).toContain('change')
  })
})
