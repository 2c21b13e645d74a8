import { describe, expect, test } from 'vitest'
import { scriptedHost } from '../../support/scripted-host.ts'
import { scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { errorOf, nothing, rowsOf, scriptedWorld, statusChange } from '../../support/world.ts'

const handles = ['alice.test', 'bob.test', 'carol.test']
const dids = handles.map(didOf)
const [alice, bob] = dids as [string, string, string]
const at = (minute: number): string => `2026-11-22T18:${String(minute).padStart(2, '0')}:00.000Z`
const list = `${handles.join('\n')}\n`

/** A PDS and its host, on which command lines are run at a minute of the hour. */
function night(files: Readonly<Record<string, string>> = { list }) {
  const pds = scriptedPds({ accounts: handles.map((handle) => ({ handle })) })
  const host = scriptedHost()
  const run = (minute: number, line: string, more: { modified?: string; stdin?: string } = {}) => {
    const modified = { list: more.modified ?? at(0) }
    const stdin = more.stdin === undefined ? {} : { stdin: more.stdin }
    const world = scriptedWorld({ pds, host, files, modified, now: at(minute), ...stdin })
    return world.run(...line.split(' '), '--json')
  }
  return { run, host, pds }
}

const takedown = 'account takedown --from list --yes'
const changedOf = (ran: Parameters<typeof rowsOf>[0]) =>
  rowsOf(ran)
    .filter(({ changed }) => changed)
    .map(({ did }) => did)

describe('an account that was restored since it was listed', () => {
  test('is named and left out of a takedown, and taken down with --again', async () => {
    const { run } = night()
    expect(changedOf(await run(1, takedown))).toEqual(dids)
    await run(2, 'account restore bob --yes --reason appeal')
    const again = await run(3, takedown)
    expect(again).toMatchObject({ code: 6, changes: [] })
    expect(rowsOf(again).map(({ did }) => did)).toEqual([alice, didOf('carol.test')])
    expect(errorOf(again)).toMatchObject({
      code: 'partial',
      unchanged: 2,
      failed: [
        {
          subject: `bob.test (${bob})`,
          code: 'changed-since-listed',
          message: `restored at ${at(2)} by ana@laptop as ops@pds.test:22 (appeal), after it was listed; --again takes it down all the same`,
        },
      ],
    })
    const all = await run(4, `${takedown} --again`)
    expect(all).toMatchObject({ code: 0, changes: [statusChange(bob, { applied: true })] })
  })

  test('alone: nothing is done', async () => {
    const { run } = night({ list: 'bob.test\n' })
    await run(1, takedown)
    await run(2, 'account restore bob --yes')
    const ran = await run(3, takedown)
    expect(ran).toMatchObject({ code: 1, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'changed-since-listed' })
  })

  test('is shown by a dry run', async () => {
    const { run } = night()
    await run(1, takedown)
    await run(2, 'account restore bob --yes')
    const dry = await run(3, `${takedown} --dry-run`)
    expect(dry).toMatchObject({ code: 1, ...nothing })
    expect(rowsOf(dry).at(-1)).toMatchObject({ changed: false, error: { code: 'changed-since-listed' } })
  })

  test.each<[string, { modified?: string; stdin?: string }, 'left out' | 'taken down']>([
    ['a file that was written before', { modified: at(1) }, 'left out'],
    ['a file that was written after', { modified: at(3) }, 'taken down'],
    ['standard input, of which nobody knows', { stdin: list }, 'left out'],
  ])('counts by what is known of the list: %s', async (_, more, what) => {
    const { run } = night()
    await run(1, 'account takedown alice bob carol --yes')
    await run(2, 'account restore alice bob carol --yes')
    const from = more.stdin === undefined ? 'list' : '-'
    const ran = await run(4, `account takedown --from ${from} --yes`, more)
    expect(ran.changes).toHaveLength(what === 'taken down' ? 3 : 0)
    expect(ran.code).toBe(what === 'taken down' ? 0 : 1)
  })

  test('shortly before the file was last written is taken down, and that is told', async () => {
    const { run } = night()
    await run(1, takedown)
    await run(2, 'account restore bob --yes')
    const ran = await run(4, takedown, { modified: at(3) })
    expect(changedOf(ran)).toEqual([bob])
    expect(ran.stderr).toContain(
      `warning: restored before the file was last written, and taken down again: bob.test (${bob}) (at ${at(2)} by ana@laptop as ops@pds.test:22)\n`,
    )
    await run(5, 'account restore bob --yes')
    expect((await run(6, takedown, { modified: '2026-11-24T18:00:00.000Z' })).stderr).not.toContain('warning')
  })

  test('is taken down where it is named as a word', async () => {
    const { run } = night()
    await run(1, takedown)
    await run(2, 'account restore bob --yes')
    expect(await run(3, 'account takedown bob --yes')).toMatchObject({ code: 0 })
  })

  test('is known by a trail of earlier versions too', async () => {
    const { run, host } = night()
    await run(1, takedown)
    await run(2, 'account restore bob --yes')
    for (const [index, { operation, status, ...old }] of host.trail.entries()) host.trail[index] = old
    expect(errorOf(await run(3, takedown))).toMatchObject({ failed: [{ code: 'changed-since-listed' }] })
  })

  test('is known by the trail alone where it was restored past it', async () => {
    const { run, pds } = night()
    await run(1, takedown)
    Object.assign(pds.state.find('bob.test') ?? {}, { takedownRef: null })
    expect(errorOf(await run(3, takedown))).toMatchObject({
      unchanged: 2,
      failed: [
        {
          subject: `bob.test (${bob})`,
          message: `restored after ${at(1)}, past this tool: the trail does not tell by whom; --again takes it down all the same`,
        },
      ],
    })
  })

  test('but one of which the takedown was cut off is simply taken down', async () => {
    const { run, host, pds } = night()
    await run(1, takedown)
    const cut = ({ did, event }: (typeof host.trail)[number]) => did === bob && event === 'outcome'
    host.trail.splice(host.trail.findIndex(cut), 1)
    Object.assign(pds.state.find('bob.test') ?? {}, { takedownRef: null })
    expect(changedOf(await run(3, takedown))).toEqual([bob])
  })

  test('but not where its restoring failed', async () => {
    const { run, host } = night()
    await run(1, 'account takedown alice --yes')
    const [intent] = host.trail
    if (!intent) throw new Error('nothing is in the trail')
    const restoring = { ...intent, id: 'other', command: 'account restore', time: at(2), did: bob }
    host.trail.push(restoring, { ...restoring, event: 'outcome', outcome: 'failed' })
    expect(changedOf(await run(3, takedown))).toEqual([bob, didOf('carol.test')])
  })
})

describe('an account that was restored and taken down again since it was listed', () => {
  test('is left out of a restore', async () => {
    const { run } = night()
    await run(1, takedown)
    await run(2, 'account restore bob --yes')
    await run(3, 'account takedown bob --yes --reason proven')
    const ran = await run(4, 'account restore --from list --yes')
    expect(ran.code).toBe(6)
    expect(changedOf(ran)).toEqual([alice, didOf('carol.test')])
    expect(errorOf(ran)).toMatchObject({
      failed: [
        {
          message: expect.stringMatching(/^taken down again at .* \(proven\), after it was listed; --again/),
        },
      ],
    })
    expect(changedOf(await run(5, 'account restore --from list --yes --again'))).toEqual([bob])
  })

  test('and one that was only taken down is restored by the list it was taken down by', async () => {
    const { run } = night()
    await run(1, takedown)
    expect(changedOf(await run(2, 'account restore --from list --yes'))).toEqual(dids)
  })
})

describe('--except', () => {
  test.each([
    ['a handle', 'bob.test'],
    ['a DID', bob],
    ['an address', 'BOB@example.com'],
    ['a line of account list', JSON.stringify({ did: bob, handle: 'x' })],
  ])('spares %s, however it is named elsewhere', async (_, line) => {
    const { run } = night({ list, members: `# ours\n${line}\n` })
    const ran = await run(1, `${takedown} --except members`)
    expect(ran.code).toBe(0)
    expect(changedOf(ran)).toEqual([alice, didOf('carol.test')])
    expect(ran.stderr).toContain('note: --except leaves out 1 account\n')
  })

  test('with a name that is not here does nothing: it may be misspelt', async () => {
    const { run } = night({ list, members: 'bbo.test\ncarol.test\n' })
    const ran = await run(1, `${takedown} --except members`)
    expect(ran).toMatchObject({ code: 1, stdout: '', ...nothing })
    expect(errorOf(ran).message).toContain('no account bbo.test on the PDS')
  })

  test('with a DID that is gone does the rest', async () => {
    const { run } = night({ list, members: `did:plc:${'a'.repeat(24)}\n${bob}\n` })
    expect(changedOf(await run(1, `${takedown} --except members`))).toEqual([alice, didOf('carol.test')])
  })

  test('of all of them leaves nothing to do', async () => {
    const { run } = night({ list, members: list })
    expect(await run(1, `${takedown} --except members`)).toMatchObject({ code: 0, stdout: '', ...nothing })
  })
})
