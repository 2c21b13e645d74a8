import { execFileSync } from 'node:child_process'
import { utimesSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { createAccount, createInvite, setTakedown } from '../../rig/pds/accounts.ts'
import { type Seeded, seedAccounts } from '../../rig/pds/seed.ts'
import { sql, stateOf, takenDown, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { problem, type Ran, row, rows, run } from './cli.ts'

let rig: RigHost
let place: Scratch

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ bypassKey: 'not-counted' }), scratch()])
})
afterAll(async () => {
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

const tool = (...words: readonly string[]): Promise<Ran> =>
  run(rig, [...words, '--json'], { stdin: 'closed' })

const didsOf = (accounts: readonly Pick<Seeded, 'did'>[]): string[] =>
  accounts.map(({ did }) => did).toSorted()

/** Those of the accounts that are down, as the database of the PDS has it. */
const down = (accounts: readonly Pick<Seeded, 'did'>[]): string[] => {
  const all = new Set(takenDown(rig))
  return didsOf(accounts).filter((did) => all.has(did))
}

const changedOf = (ran: Ran): string[] =>
  rows<{ did: string; changed: boolean }>(ran)
    .flatMap(({ did, changed }) => (changed ? [did] : []))
    .toSorted()

const operationOf = (ran: Ran): string => {
  const [operation, ...others] = new Set(
    rows<{ operation: string | null }>(ran).flatMap((it) => it.operation ?? []),
  )
  expect(others).toEqual([])
  expect(ran.stderr).toContain(`note: operation ${operation}; to undo it: kimbia-ops undo ${operation}\n`)
  return operation ?? ''
}

/** A file that names accounts, last written a minute ago. */
async function fileOf(accounts: readonly Pick<Seeded, 'did'>[]): Promise<string> {
  const file = place.file(`list-${crypto.randomUUID()}`)
  await writeFile(file, accounts.map(({ did }) => `${did}\n`).join(''))
  const ago = new Date(Date.now() - 60_000)
  utimesSync(file, ago, ago)
  return file
}

test('a bulk takedown that changed one of 41 is undone by that one', async () => {
  const wave = await seedAccounts(rig, 41, { prefix: 'wave' })
  const [spared] = wave as [Seeded]
  const file = await fileOf(wave)
  const first = await tool('account', 'takedown', '--from', file, '--confirm', '41', '--reason', 'wave')
  const all = operationOf(first)
  expect(down(wave)).toHaveLength(41)
  await tool('account', 'restore', spared.handle, '--yes', '--reason', 'appeal')

  const again = await tool('account', 'takedown', '--from', file, '--confirm', '41')
  expect(again.code).toBe(6)
  expect(problem(again)).toMatchObject({
    unchanged: 40,
    failed: [
      {
        subject: `${spared.handle} (${spared.did})`,
        code: 'changed-since-listed',
        message: expect.stringMatching(
          /^restored at \d{4}-.* by .* \(appeal\), after it was listed; --again/,
        ),
      },
    ],
  })
  expect(down(wave)).toHaveLength(40)

  const forced = await tool('account', 'takedown', '--from', file, '--confirm', '41', '--again')
  expect(changedOf(forced)).toEqual([spared.did])
  const one = operationOf(forced)
  expect(down(wave)).toHaveLength(41)
  const events = sql(rig, 'select count(*) from repo_seq', 'sequencer.sqlite')

  const undone = await tool('undo', one, '--yes')
  expect(undone).toMatchObject({ code: 0 })
  expect(changedOf(undone)).toEqual([spared.did])
  expect(down(wave)).toEqual(didsOf(wave.slice(1)))
  const seen = Number(sql(rig, 'select count(*) from repo_seq', 'sequencer.sqlite')) - Number(events)
  expect(seen).toBe(1)

  const rest = await tool('undo', all, '--confirm', '40')
  expect(rest.code, rest.stderr).toBe(0)
  expect(changedOf(rest)).toEqual(didsOf(wave.slice(1)))
  expect(rest.stderr).toContain(`${spared.handle} (${spared.did})`)
  expect(down(wave)).toEqual([])
})

test('what somebody did in between stays: by this tool, or past it', async () => {
  const [a, b, c, d] = (await seedAccounts(rig, 4, { prefix: 'between' })) as [Seeded, Seeded, Seeded, Seeded]
  const operation = operationOf(await tool('account', 'takedown', a.did, b.did, c.did, d.did, '--yes'))
  await tool('account', 'restore', a.did, b.did, '--yes')
  await tool('account', 'takedown', b.did, '--yes', '--reason', 'proven')
  await setTakedown(rig, c.did, false)
  await run(rig, ['xrpc', 'post', 'com.atproto.admin.updateSubjectStatus', '--yes', '--body', '-'], {
    stdin: JSON.stringify({
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: c.did },
      takedown: { applied: true, ref: 'other hands' },
    }),
  })
  const ran = await tool('undo', operation, '--yes')
  expect(ran.code).toBe(6)
  expect(changedOf(ran)).toEqual([d.did])
  expect((problem(ran).failed as { subject: string }[]).map(({ subject }) => subject)).toEqual(
    [b, c].map(({ handle, did }) => `${handle} (${did})`),
  )
  expect(ran.stderr).toContain(`${a.handle} (${a.did})`)
  expect(down([a, b, c, d])).toEqual(didsOf([b, c]))
  expect(sql(rig, `select takedownRef from actor where did = '${c.did}'`)).toBe('other hands')
})

test('a takedown past the trail, by the same words or none, is told from that of the run', async () => {
  const [a, b] = (await seedAccounts(rig, 2, { prefix: 'past' })) as [Seeded, Seeded]
  const operation = operationOf(await tool('account', 'takedown', a.did, b.did, '--yes'))
  await setTakedown(rig, b.did, false)
  const database = join(rig.pdsDir, 'account.sqlite')
  const stamp = "update actor set takedownRef = '1763812800' where did ="
  execFileSync('sqlite3', ['-cmd', '.timeout 5000', database, `${stamp} '${b.did}'`])
  const ran = await tool('undo', operation, '--yes')
  expect([ran.code, changedOf(ran)]).toEqual([6, [a.did]])
  expect(down([a, b])).toEqual([b.did])
})

test('an account that somebody has restored past the tool is not taken down again by the same list', async () => {
  const [a, b] = (await seedAccounts(rig, 2, { prefix: 'other' })) as [Seeded, Seeded]
  const file = await fileOf([a, b])
  await tool('account', 'takedown', '--from', file, '--yes')
  await setTakedown(rig, b.did, false)
  const again = await tool('account', 'takedown', '--from', file, '--yes')
  expect([again.code, problem(again).failed]).toMatchObject([6, [{ code: 'changed-since-listed' }]])
  expect(down([a, b])).toEqual([a.did])
})

test('a restore is undone, and the undo of it too', async () => {
  const [a, b] = (await seedAccounts(rig, 2, { prefix: 'back' })) as [Seeded, Seeded]
  await tool('account', 'takedown', a.did, b.did, '--yes')
  const restored = operationOf(await tool('account', 'restore', a.did, b.did, '--yes'))
  const undone = operationOf(await tool('undo', restored, '--yes'))
  expect(down([a, b])).toEqual(didsOf([a, b]))
  expect(sql(rig, `select takedownRef from actor where did = '${a.did}'`)).toBe(`undo of ${restored}`)
  expect((await tool('undo', undone.slice(-4), '--yes')).code).toBe(0)
  expect(down([a, b])).toEqual([])
})

test('more than 25 want their count, a dry run changes nothing, and so does a run without consent', async () => {
  const crowd = await seedAccounts(rig, 26, { prefix: 'many' })
  const operation = operationOf(
    await tool('account', 'takedown', '--from', await fileOf(crowd), '--confirm', '26'),
  )
  const before = stateOf(rig)
  const dry = await tool('undo', operation, '--dry-run')
  expect([dry.code, rows(dry).length]).toEqual([0, 26])
  expect(problem(await tool('undo', operation, '--yes')).hint).toContain('--confirm 26')
  expect(problem(await tool('undo', operation)).code).toBe('confirm-missing')
  expect(stateOf(rig)).toEqual(before)
  expect(await tool('undo', operation, '--confirm', '26')).toMatchObject({ code: 0 })
  expect(down(crowd)).toEqual([])
})

test('the trail has the run in each of its lines, and gives it alone', async () => {
  const accounts = await seedAccounts(rig, 3, { prefix: 'told' })
  const from = trailOf(rig).length
  const operation = operationOf(await tool('account', 'takedown', ...didsOf(accounts), '--yes'))
  const lines = trailOf(rig).slice(from)
  expect(lines.map((line) => line.operation)).toEqual(Array.from({ length: 6 }, () => operation))
  const alone = rows<{ did: string }>(await tool('trail', '--operation', operation))
  expect(didsOf(alone)).toEqual(didsOf(accounts))
  expect(rows(await tool('trail', '--operation', operation.slice(-4), '--limit', '2'))).toHaveLength(2)
})

describe('what cannot be undone is said', () => {
  test('of an account that was made, an invite that was disabled, and an id that is nowhere', async () => {
    const made = await tool('account', 'create', 'neu@example.com', 'neu')
    const { operation, did } = row<{ operation: string; did: string }>(made)
    expect(made.stderr).toBe(`note: operation ${operation}\n`)
    expect(problem(await tool('undo', operation, '--yes')).hint).toContain(
      `kimbia-ops account takedown ${did}`,
    )
    const code = await createInvite(rig)
    const disabled = row<{ operation: string }>(await tool('invite', 'disable', code, '--yes'))
    expect(problem(await tool('undo', disabled.operation, '--yes'))).toMatchObject({ code: 'not-reversible' })
    const before = stateOf(rig)
    const nowhere = await tool('undo', '20200101T000000Z-0000', '--yes')
    expect([nowhere.code, problem(nowhere).code]).toEqual([1, 'operation-not-found'])
    expect(stateOf(rig)).toEqual(before)
  })
})

describe('a list', () => {
  test('that was written after a restore holds, and the restore is told of', async () => {
    const wave = await seedAccounts(rig, 3, { prefix: 'review' })
    const [first] = wave as [Seeded]
    await tool('account', 'takedown', ...didsOf(wave), '--yes')
    await tool('account', 'restore', ...didsOf(wave), '--yes')
    const reviewed = place.file('reviewed')
    await writeFile(reviewed, didsOf(wave).join('\n'))
    const ran = await tool('account', 'takedown', '--from', reviewed, '--yes')
    expect([ran.code, changedOf(ran)]).toEqual([0, didsOf(wave)])
    expect(ran.stderr).toContain('warning: restored before the file was last written')
    expect(ran.stderr).toContain(`${first.handle} (${first.did}) (at `)
  })

  test('of members spares them', async () => {
    const wave = await seedAccounts(rig, 3, { prefix: 'member' })
    const ours = await createAccount(rig, { handle: 'membership.test' })
    const members = place.file('members')
    await writeFile(members, `# ours\n${ours.handle}\n`)
    const { stdout } = await tool('account', 'list', '--match', 'member*.test')
    const list = place.file('all.jsonl')
    await writeFile(list, stdout)
    const ran = await tool('account', 'takedown', '--from', list, '--except', members, '--yes')
    expect([ran.code, changedOf(ran)]).toEqual([0, didsOf(wave)])
    expect(down([...wave, ours])).toEqual(didsOf(wave))
  })
})
