import { mkdir, readdir, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { openChanges } from '../../../src/host/change/changes.ts'
import { readPending } from '../../../src/host/change/pending.ts'
import { openHost } from '../../../src/host/open-host.ts'
import { openLocal } from '../../../src/ssh/connect/local.ts'
import type { Session } from '../../../src/ssh/session.ts'
import { ask } from '../../../src/ssh/shell.ts'
import { failureOf } from '../../support/failing.ts'
import {
  give,
  type LocalPds,
  localPds,
  localUser,
  sessionWith,
  shells,
  withoutRoot,
} from '../../support/local-host.ts'
import * as make from './making.ts'

const oddly = async (): Promise<LocalPds> => {
  const pds = await localPds()
  const dir = `${pds.dir}/it's "a" $dir`
  await mkdir(dir)
  const odd = { ...pds, dir, config: { ...pds.config, dir }, path: (name: string) => `${dir}/${name}` }
  await make.put(odd, 'pds.env', 'A=1\n')
  return odd
}

describe.each(Object.entries(shells))('with %s as sh', (_, shell) => {
  const open = async (pds: LocalPds, more: readonly string[] = ['setsid']) =>
    sessionWith(pds.dir, shell, [...make.coreutils, ...more])

  test('steps are carried out in order, facts and output told, and nothing is left but the last change', async () => {
    await using pds = await oddly()
    const session = await open(pds)
    const steps = [
      make.line(`echo "it's one"; echo 'kimbia-ops:fact image sha256:ab%n'; echo 'kimbia-ops:fact count 12'`),
      make.write(pds.path('pds.env'), 'A=1\n', 'A=2\nB=100%n é 前 \\n $x `y`'),
      make.line(`sleep 1.3; echo now; sleep 1.3`),
    ]
    const plan = make.planOf(steps, { reason: 'it\'s "time"\n\\n %n é' })
    const change = await make.changesOf(pds, session).begin(plan, steps)
    const heard = make.hearing()
    const end = await change.run(heard.on, make.never)
    expect(end).toEqual({ kind: 'done', facts: { image: 'sha256:ab%n', count: 12 } })
    expect(heard.events).toEqual([
      ...['begin 0', 'done 0', 'begin 1', 'done 1', 'begin 2', 'said 2 now', 'done 2'],
    ])
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=2\nB=100%n é 前 \\n $x `y`')
    const pending = await readPending(make.hostOf(pds, session))
    expect(pending).toMatchObject({ state: 'held', plan, holder: { operator: make.operator }, end })
    await change.close()
    expect(await readPending(make.hostOf(pds, session))).toBeUndefined()
    expect(await make.litter(pds)).toEqual(['backups', 'last'])
    expect((await readdir(make.kept(pds, 'last'))).sort()).toEqual(
      ['id', 'journal', 'plan.json', 'step-0.log', 'step-1.log', 'step-2.log'].sort(),
    )
    expect(await make.textOf(make.kept(pds, 'last/step-0.log'))).toBe("it's one\n")
    expect(JSON.parse(await make.textOf(make.kept(pds, 'last/plan.json')))).toEqual(plan)
  })

  test('a step that fails is undone with all before it, last first, each list in its order', async () => {
    await using pds = await oddly()
    const did = `'${pds.path('did').replaceAll("'", `'\\''`)}'`
    const steps = [
      make.line(`echo 0 >>${did}`, [`echo u0a >>${did}`, `echo u0b >>${did}`]),
      make.line(':'),
      make.write(pds.path('pds.env'), 'A=1\n', 'A=2\n'),
      make.line(`echo half >>${did}; echo "no such thing" >&2; exit 3`, [`echo u3 >>${did}`]),
      make.line(`echo never >>${did}`, [`echo never >>${did}`]),
    ]
    const change = await make.changesOf(pds, await open(pds)).begin(make.planOf(steps), steps)
    const heard = make.hearing()
    const end = await change.run(heard.on, make.never)
    expect(end).toEqual({
      kind: 'undone',
      index: 3,
      why: { code: 'exit-code', message: 'it ended with exit code 3:\nno such thing' },
    })
    expect(heard.events.slice(6)).toEqual([
      ...['begin 3', 'failed 3 exit-code', 'undo 3', 'undone 3', 'undo 2', 'undone 2', 'undo 0', 'undone 0'],
    ])
    expect(await make.textOf(pds.path('did'))).toBe('0\nhalf\nu3\nu0a\nu0b\n')
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=1\n')
    await change.close()
  })

  test('what cannot be undone is told, and the rest is undone all the same', async () => {
    await using pds = await localPds()
    const did = pds.path('did')
    const steps = [
      make.line(':', [`echo u0 >>${did}`]),
      make.line(':', [`echo cannot; exit 4`, `echo u1b >>${did}`]),
      make.line('exit 1'),
    ]
    const change = await make.changesOf(pds, await open(pds)).begin(make.planOf(steps), steps)
    const end = await change.run(() => {}, make.never)
    const why = { code: 'exit-code', message: 'it ended with exit code 4:\ncannot' }
    expect(end).toMatchObject({ kind: 'stuck', index: 2, notUndone: [{ index: 1, why }] })
    expect(await make.textOf(did)).toBe('u1b\nu0\n')
    await change.leave()
    // The runner has written the end, and may need a moment to end itself.
    await expect.poll(async () => (await readPending(make.hostOf(pds)))?.state).toBe('cut off')
  })

  test.each([['setsid'], []])(
    'a step is ended at its deadline, with all that it started (%s)',
    async (...sid) => {
      await using pds = await localPds()
      const steps = [make.line(`sleep 61 & echo $! >${pds.path('pid')}; sleep 61; echo`, [], { deadline: 1 })]
      const change = await make
        .changesOf(pds, await open(pds, sid.filter(Boolean)))
        .begin(make.planOf(steps), steps)
      const end = await change.run(() => {}, make.never)
      expect(end).toMatchObject({ kind: 'undone', why: { code: 'deadline' } })
      expect(await make.isGone(Number(await make.textOf(pds.path('pid'))))).toBe(true)
      await change.close()
    },
  )

  test('a stop ends a stoppable step in the middle, and any other one after it', async () => {
    await using pds = await localPds()
    const did = pds.path('did')
    const session = await open(pds)
    for (const stoppable of ['yes', undefined] as const) {
      const steps = [
        make.line(`echo begun >>${did}; sleep 1; echo ended >>${did}`, [`echo undone >>${did}`], {
          stoppable,
        }),
        make.line(`echo never >>${did}`),
      ]
      const change = await make.changesOf(pds, session).begin(make.planOf(steps), steps)
      const stop = new AbortController()
      await make.put(pds, 'did', '')
      const running = change.run(() => {}, stop.signal)
      await make.until(() => make.textOf(did))
      stop.abort()
      const end = await running
      expect(end).toMatchObject({ kind: 'undone', index: stoppable ? 0 : 1, why: { code: 'stopped' } })
      expect(await make.textOf(did)).toBe(stoppable ? 'begun\nundone\n' : 'begun\nended\nundone\n')
      await change.close()
    }
  })
})

test('what does not end when it is told to is killed 10 s later', async () => {
  await using pds = await localPds()
  const steps = [make.line(`trap '' TERM; while :; do sleep 61; done`, [], { deadline: 1 })]
  const change = await openChanges(make.hostOf(pds)).begin(make.planOf(steps), steps)
  const began = Date.now()
  expect(await change.run(() => {}, make.never)).toMatchObject({ why: { code: 'deadline' } })
  expect(Date.now() - began).toBeGreaterThan(10_000)
  await change.close()
})

test('steps of the operator’s machine are written down, and the change is over when all are done', async () => {
  await using pds = await localPds()
  const host = make.hostOf(pds)
  const steps = [make.line(':', [`echo undone >${pds.path('did')}`])]
  const [step] = make.planOf(steps).steps
  const plan = make.planOf(steps, { steps: [make.written, step as never, make.written] })
  const change = await openChanges(host).begin(plan, steps)
  await change.mark('begin', 0)
  await change.mark('done', 0)
  const heard = make.hearing()
  expect(await change.run(heard.on, make.never)).toEqual({ kind: 'done', facts: {} })
  expect(heard.events).toEqual(['begin 1', 'done 1'])
  await change.mark('begin', 2)
  expect((await readPending(host))?.end).toEqual({ kind: 'done', facts: {} })
  expect(await change.undo(heard.on)).toMatchObject({ kind: 'undone', index: 1 })
  expect(heard.events).toEqual(['begin 1', 'done 1', 'undo 1', 'undone 1'])
  expect(await make.textOf(pds.path('did'))).toBe('undone\n')
  expect((await make.journalOf(pds)).filter((line) => line.includes(' 2'))).toEqual(['begin 2'])
  await change.close()
})

test('a step is not run where a line says that nothing needs to be', async () => {
  await using pds = await localPds()
  const steps = [
    { ...make.line(`echo ran >${pds.path('needless')}`), unless: ask`x=1; [ $x = 1 ] && exit` },
    { ...make.line(`echo ran >${pds.path('needed')}`), unless: ask`exit 3` },
  ]
  const change = await make.changesOf(pds).begin(make.planOf(steps), steps)
  expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
  await change.close()
  expect(await make.textOf(pds.path('needed'))).toBe('ran\n')
  expect(await readdir(pds.dir)).not.toContain('needless')
})

test('no argument of any process, and nothing that is kept, holds the text of a file', async () => {
  await using pds = await localPds()
  await make.put(pds, 'pds.env', 'A=old-hush-1\n')
  const steps = [
    make.write(pds.path('pds.env'), 'A=old-hush-1\n', `A=new-hush-2\n${'#\n'.repeat(20_000)}`),
    make.line('sleep 0.2; exit 1'),
  ]
  const seen = new Set<string>()
  const look = { going: true }
  const looking = (async () => {
    while (look.going) {
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const args = await make.textOf(`/proc/${pid}/cmdline`)
        if (args.includes('hush')) seen.add(args.slice(0, 300))
      }
      await sleep(1)
    }
  })()
  for (let i = 0; i < 3; i++) {
    const change = await make.changesOf(pds).begin(make.planOf(steps), steps)
    expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'undone', index: 1 })
    await change.close()
  }
  look.going = false
  await looking
  expect([...seen]).toEqual([])
  for (const name of await readdir(make.kept(pds, 'last')))
    expect(await make.textOf(make.kept(pds, `last/${name}`))).not.toContain('hush')
  expect((await stat(pds.path('kimbia-ops'))).mode & 0o777).toBe(0o700)
})

test.skipIf(withoutRoot)('by a user with sudo', async () => {
  await using pds = await localPds()
  await using user = await localUser('nopasswd' as never)
  await give([], user.operator)
  const session = user.open()
  const host = openHost(async () => session, pds.config)
  const steps = [
    make.write(pds.path('pds.env'), await make.textOf(pds.path('pds.env')), 'A=2\n'),
    make.line('id -u'),
  ]
  const change = await openChanges(host).begin(make.planOf(steps), steps)
  expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
  expect(await make.textOf(pds.path('pds.env'))).toBe('A=2\n')
  await change.close()
  expect(await make.textOf(make.kept(pds, 'last/step-1.log'))).toBe('0\n')
})

describe('a change whose intent is written already', () => {
  const steps = (pds: LocalPds) => [make.write(pds.path('pds.env'), 'A=1\n', 'A=2\n'), make.line(':')]
  const over = async (pds: LocalPds) =>
    make.until(async () => (await make.journalOf(pds)).includes('end done'), 'its end')

  test('runs without being told to, once', async () => {
    await using pds = await localPds('A=1\n')
    const plan = make.planOf(steps(pds))
    const change = await make.changesOf(pds).begin(plan, steps(pds), Promise.resolve())
    await over(pds)
    const heard = make.hearing()
    expect(await change.run(heard.on, make.never)).toMatchObject({ kind: 'done' })
    expect(heard.events).toEqual(['begin 0', 'done 0', 'begin 1', 'done 1'])
    await change.close()
    expect((await make.textOf(make.kept(pds, 'last/journal'))).match(/end done/g)).toHaveLength(1)
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=2\n')
  })

  test('waits to be told where this machine has something to do first, or the intent is yet to come', async () => {
    await using pds = await localPds('A=1\n')
    const first = make.planOf(steps(pds))
    const own = { ...first, steps: [make.written, ...first.steps], before: [null] }
    const later = Promise.withResolvers<void>()
    for (const [plan, noted] of [
      [own, Promise.resolve()],
      [make.planOf(steps(pds)), later.promise],
    ] as const) {
      const change = await make.changesOf(pds).begin(plan, steps(pds), noted)
      await sleep(300)
      expect(await make.journalOf(pds)).toEqual([])
      await change.close()
    }
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=1\n')
  })

  test('is said to go on where the line is lost before the answer', async () => {
    await using pds = await localPds('A=1\n')
    const local = openLocal()
    const session: Session = {
      ...local,
      async converse(shell) {
        const talk = await local.converse(shell)
        const say = async (line: string) => {
          const answer = await talk.say(line)
          throw unreachable('link-lost', `the line is gone, and with it ${answer}`)
        }
        return { ...talk, say }
      },
    }
    const change = await make
      .changesOf(pds, session)
      .begin(make.planOf(steps(pds)), steps(pds), Promise.resolve())
    const failure = await failureOf(change.run(() => {}, make.never))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'link-lost' })
    expect(failure.hint).toContain('the host goes on by itself; how it ended tells: kimbia-ops recover')
    await over(pds)
    await local.dispose()
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=2\n')
  })
})
