import { describe, expect, test } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { knownRuns } from '../../src/moderation/other-ways.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { scriptedPds } from '../support/scripted-pds.ts'
import { didOf } from '../support/scripted-state.ts'
import {
  changedBy,
  closingNote,
  errorOf,
  nothing,
  operationId,
  type Ran,
  rowsOf,
  scriptedWorld,
  statusChange,
  told,
  unchanged,
} from '../support/world.ts'

const names = ['alice', 'bob', 'carol']
const dids = names.map((name) => didOf(`${name}.test`))
const [alice, bob, carol] = dids as [string, string, string]
const named = (name: string): string => `${name}.test (${didOf(`${name}.test`)})`

function night() {
  const pds = scriptedPds({ accounts: names.map((name) => ({ handle: `${name}.test` })) })
  const host = scriptedHost()
  let minute = 0
  const run = (line: string) => {
    const now = `2026-11-22T12:${String(minute++).padStart(2, '0')}:00.000Z`
    return scriptedWorld({ pds, host, now }).run(...line.split(' '), '--json')
  }
  const status = () => pds.state.accounts.map(({ takedownRef }) => (takedownRef === null ? 'up' : 'down'))
  return { pds, host, run, status }
}

const statusesOf = (ran: Ran) => rowsOf(ran).map(({ did, status, changed }) => [did, status, changed])

describe('a takedown is undone', () => {
  test('with each account that it took down, and none that it found down', async () => {
    const { run, status, host } = night()
    await run('account takedown alice --yes')
    const down = await run('account takedown alice bob carol --yes')
    expect(down.stderr).toBe(closingNote(2, 'undo'))
    expect(rowsOf(down).map(({ changed, operation }) => ({ changed, operation }))).toEqual([
      unchanged,
      changedBy(2),
      changedBy(2),
    ])
    expect(host.trail.map(({ operation }) => operation)).toEqual([1, 1, 2, 2, 2, 2].map(operationId))
    const ran = await run(`undo ${operationId(2)} --yes`)
    expect(ran).toMatchObject({ code: 0, stderr: closingNote(3, 'undo') })
    expect(ran.changes).toEqual([bob, carol].map((did) => statusChange(did, { applied: false })))
    expect(statusesOf(ran)).toEqual([bob, carol].map((did) => [did, 'active', true]))
    expect(status()).toEqual(['down', 'up', 'up'])
    expect(new Set(ran.trail.map(({ reason }) => reason))).toEqual(new Set([`undo of ${operationId(2)}`]))
  })

  test('and the undo is undone by its own id', async () => {
    const { run, status } = night()
    await run('account takedown alice bob --yes')
    await run(`undo ${operationId(1)} --yes`)
    const ran = await run(`undo ${operationId(2).toLowerCase()} --yes --reason sorry`)
    expect(ran.code).toBe(0)
    expect(ran.changes).toEqual([alice, bob].map((did) => statusChange(did, { applied: true, ref: 'sorry' })))
    expect(status()).toEqual(['down', 'down', 'up'])
    await run(`undo ${operationId(3)} --yes`)
    expect(status()).toEqual(['up', 'up', 'up'])
  })

  test('twice: the second time nothing is to do, and it says by whom it was done', async () => {
    const { run } = night()
    await run('account takedown alice bob --yes')
    await run(`undo ${operationId(1)} --yes`)
    const ran = await run(`undo ${operationId(1)} --yes`)
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(ran.stderr).toContain(
      `note: left alone, as restored since then by “undo” of ana@laptop as ops@pds.test:22 (operation ${operationId(2)}): ${named('alice')}, ${named('bob')}\n`,
    )
    expect(statusesOf(ran)).toEqual([alice, bob].map((did) => [did, 'active', false]))
  })

  test('without those that were restored since, or restored and taken down anew', async () => {
    const { run, status } = night()
    await run('account takedown alice bob carol --yes')
    await run('account restore alice bob --yes')
    await run('account takedown bob --yes')
    const ran = await run(`undo ${operationId(1)} --yes`)
    expect(ran.code).toBe(6)
    expect(ran.changes).toEqual([statusChange(carol, { applied: false })])
    expect(ran.stderr).toContain(
      `note: left alone, as restored since then by “account restore” of ana@laptop`,
    )
    expect(errorOf(ran)).toMatchObject({
      code: 'partial',
      operation: operationId(4),
      done: [named('carol')],
      failed: [
        {
          subject: named('bob'),
          code: 'changed-since',
          message: `it was changed since then by “account takedown” of ana@laptop as ops@pds.test:22 (operation ${operationId(3)})`,
        },
      ],
    })
    expect(status()).toEqual(['up', 'down', 'up'])
  })

  test.each([
    ['the reason that was given', '--reason spam', 'other reason'],
    ['the moment of it', '', '1763812800'],
    ['the moment of it', '', '2026-11-22T15:00:00.000Z'],
  ])('without those that were taken down anew past the trail, by %s', async (_, flags, ref) => {
    const { run, pds } = night()
    await run(`account takedown alice bob --yes ${flags}`.trim())
    Object.assign(pds.state.find('bob.test') ?? {}, { takedownRef: ref })
    const ran = await run(`undo ${operationId(1)} --yes`)
    expect(ran).toMatchObject({ code: 6, changes: [statusChange(alice, { applied: false })] })
    expect(errorOf(ran)).toMatchObject({
      failed: [{ subject: named('bob'), message: expect.stringContaining(`“${ref}”`) }],
    })
  })

  test('without one that is gone', async () => {
    const { run, pds } = night()
    await run('account takedown alice bob --yes')
    pds.state.accounts.splice(1, 1)
    const ran = await run(`undo ${operationId(1)} --yes`)
    expect(ran).toMatchObject({ code: 6, changes: [statusChange(alice, { applied: false })] })
    expect(errorOf(ran)).toMatchObject({ failed: [{ subject: bob, code: 'account-not-found' }] })
  })

  test('a dry run changes nothing', async () => {
    const { run } = night()
    await run('account takedown alice bob --yes')
    const ran = await run(`undo ${operationId(1)} --dry-run`)
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toMatchObject([
      { dryRun: true, did: alice },
      { dryRun: true, did: bob },
    ])
  })

  test('and without consent it is not', async () => {
    const { run } = night()
    await run('account takedown alice bob --yes')
    const ran = await run(`undo ${operationId(1)}`)
    expect(ran).toMatchObject({ code: 4, ...nothing })
    expect(errorOf(ran).message).toContain(`restore 2 accounts, as before operation ${operationId(1)}`)
  })
})

describe('a restore is undone', () => {
  test('by taking down again what is as it left it', async () => {
    const { run, pds, status } = night()
    await run('account takedown alice bob carol --yes')
    await run('account restore alice bob --yes')
    Object.assign(pds.state.find('bob.test') ?? {}, { deactivatedAt: '2026-11-22T13:00:00.000Z' })
    const ran = await run(`undo ${operationId(2)} --yes`)
    expect(ran.code).toBe(6)
    expect(ran.changes).toEqual([statusChange(alice, { applied: true, ref: `undo of ${operationId(2)}` })])
    expect(errorOf(ran)).toMatchObject({
      failed: [{ message: 'it is deactivated now, and was active after that run' }],
    })
    expect(status()).toEqual(['down', 'up', 'down'])
  })

  test('the trail has the status that was read back', async () => {
    const { run, pds, host } = night()
    Object.assign(pds.state.find('bob.test') ?? {}, { deactivatedAt: '2026-11-22T11:00:00.000Z' })
    await run('account takedown bob --yes')
    await run('account restore bob --yes')
    expect(host.trail.map(({ status }) => status)).toEqual([
      { from: 'deactivated', to: 'takendown' },
      { from: 'deactivated', to: 'takendown' },
      { from: 'takendown', to: 'active' },
      { from: 'takendown', to: 'deactivated' },
    ])
  })
})

describe('what cannot be undone is said in words', () => {
  test.each([
    ['account create neu@example.com neu', 'kimbia-ops account takedown did:plc:'],
    ['account update alice --handle alice-runs.test --yes', 'kimbia-ops account update did:plc:'],
    ['account reset-password alice --yes', 'nobody knows the former password'],
    ['account delete alice --confirm alice.test', 'cannot be brought back'],
    ['invite create', 'kimbia-ops invite disable CODE'],
  ])('%s', async (line, hint) => {
    const { run } = night()
    const made = await run(line)
    expect(made.stderr.endsWith(closingNote(1)), made.stderr).toBe(true)
    const ran = await run(`undo ${operationId(1)} --yes`)
    expect(ran).toMatchObject({ code: 1, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'not-reversible', hint: expect.stringContaining(hint) })
  })

  test('an invite code that was disabled', async () => {
    const { run } = night()
    const [code] = rowsOf(await run('invite create')).map((row) => row.code)
    await run(`invite disable ${code} --yes`)
    const ran = await run(`undo ${operationId(2)} --yes`)
    expect(errorOf(ran)).toMatchObject({
      message: expect.stringContaining(`“invite disable” of ${code}`),
      hint: expect.stringContaining('kimbia-ops invite create'),
    })
  })

  test('every command that the trail may tell of has its words', () => {
    const told = commands.filter(
      (it) => (it.kind === 'procedure' && it.on !== 'machine') || it.kind === 'passthrough',
    )
    expect(knownRuns.toSorted()).toEqual(told.map(({ name }) => name).toSorted())
  })

  test('an id that is in no trail, with the lines that have none', async () => {
    const { run, host } = night()
    await run('account takedown alice --yes')
    for (const [index, { operation, status, ...old }] of host.trail.entries()) host.trail[index] = old
    const ran = await run(`undo ${operationId(1)} --yes`)
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({
      code: 'operation-not-found',
      message: `no run ${operationId(1)} stands in the trail of ops@pds.test:22`,
      hint: expect.stringContaining('1 change of versions before such ids cannot be undone by one'),
    })
  })

  test('lines that tell the run and not what it did', async () => {
    const { run, host } = night()
    await run('account takedown alice --yes')
    for (const [index, { status, ...old }] of host.trail.entries()) host.trail[index] = old
    expect(errorOf(await run(`undo ${operationId(1)} --yes`))).toMatchObject({
      code: 'not-reversible',
      hint: 'bring the accounts back by name: kimbia-ops account restore ACCOUNT…',
    })
  })

  test('an id by its end, which is enough while it is the only one', async () => {
    const { run, host, status } = night()
    await run('account takedown alice --yes')
    await run('account takedown bob --yes')
    expect(await run('undo 0002 --yes')).toMatchObject({ code: 0 })
    expect(status()).toEqual(['down', 'up', 'up'])
    for (const [index, line] of host.trail.entries())
      host.trail[index] = { ...line, operation: `20261122T18000${index}Z-0001` }
    const ran = await run('undo 0001 --yes')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({
      code: 'operation-ambiguous',
      message: expect.stringContaining('0001 may be any of 20261122T180000Z-0001, '),
    })
  })

  test('what is no id', async () => {
    const { run } = night()
    const ran = await run('undo alice')
    expect(ran).toMatchObject({ code: 2, happened: [], ...nothing })
    expect(errorOf(ran)).toMatchObject({ message: '<operation>: “alice” is not the id of a run' })
  })

  test('a run that did nothing', async () => {
    const { run, host } = night()
    await run('account takedown alice --yes')
    for (const [index, line] of host.trail.entries())
      if (line.event === 'outcome') host.trail[index] = { ...line, outcome: 'failed' }
    const ran = await run(`undo ${operationId(1)} --yes`)
    expect(ran).toMatchObject({ code: 0, stdout: '', ...nothing })
    expect(ran.stderr).toContain(`note: ${operationId(1)} changed nothing`)
  })
})

test('a run of which the outcome was never written is undone where it took hold', async () => {
  const { run, host } = night()
  await run('account takedown alice bob --yes')
  host.trail.splice(0, host.trail.length, ...host.trail.filter(({ event }) => event === 'intent'))
  const ran = await run(`undo ${operationId(1)} --yes`)
  expect(statusesOf(ran)).toEqual([alice, bob].map((did) => [did, 'active', true]))
  expect(told(ran)).toHaveLength(4)
})

test('a chosen host is in the note, so that the undo goes to it', async () => {
  const { pds, host } = night()
  const ran = await scriptedWorld({ pds, host }).run('-H', 'kimbia', 'account', 'takedown', 'alice', '--yes')
  expect(ran.stderr).toContain(`to undo it: kimbia-ops -H kimbia undo ${operationId(1)}\n`)
})
