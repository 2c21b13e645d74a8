import { describe, expect, test } from 'vitest'
import { listAccounts } from '../../../src/pds/accounts/accounts.ts'
import { readStatuses } from '../../../src/pds/accounts/statuses.ts'
import type { PdsView } from '../../../src/pds/xrpc/client.ts'
import { toSearch } from '../../../src/pds/xrpc/encoding.ts'
import { failureOf } from '../../support/failing.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const handles = (n: number) => Array.from({ length: n }, (_, i) => `runner${String(i).padStart(4, '0')}.test`)
const crowd = (n: number, pageSize = 1000) =>
  scriptedPds({ accounts: handles(n).map((handle) => ({ handle })), pageSize })
const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000)
const listed = async (pds: PdsView, options: Parameters<typeof listAccounts>[1] = {}) =>
  (await Array.fromAsync(listAccounts(pds, options))).map(({ handle }) => handle)

/** The same, with one query answered otherwise. */
const but = (
  pds: ScriptedPds,
  query: (nsid: string, params: never, go: () => Promise<never>) => unknown,
): PdsView => ({
  query: ((nsid: never, params: never, options: never) =>
    query(nsid, params, () => pds.query(nsid, params, options) as Promise<never>)) as PdsView['query'],
  get: (...args) => pds.get(...args),
  acceptsAdmin: (...args) => pds.acceptsAdmin(...args),
  refusesAccount: (...args) => pds.refusesAccount(...args),
  accepts: (...args) => pds.accepts(...args),
})

describe('listAccounts', () => {
  test('all of all pages, in the order of creation', async () => {
    expect(await listed(crowd(733, 100))).toEqual(handles(733))
  })

  test('none', async () => {
    expect(await listed(crowd(0))).toEqual([])
  })

  test('what an account is', async () => {
    const pds = scriptedPds({
      accounts: [
        { handle: 'alice.test', inviteCode: 'from-bob', status: 'takendown' },
        {
          handle: 'carol.test',
          inviteCode: 'from-admin',
          email: null,
          emailConfirmedAt: null,
          status: 'deactivated',
        },
        { handle: 'bob.test' },
      ],
      invites: [
        { code: 'from-bob', forAccount: didOf('bob.test'), createdBy: 'admin' },
        { code: 'from-admin' },
      ],
    })
    const confirmed = '2026-01-01T00:00:00.000Z'
    expect(await Array.fromAsync(listAccounts(pds))).toEqual([
      {
        did: didOf('alice.test'),
        handle: 'alice.test',
        email: 'alice@example.com',
        emailConfirmedAt: confirmed,
        status: 'takendown',
        createdAt: at(0).toISOString(),
        invitedBy: didOf('bob.test'),
        inviteCode: 'from-bob',
      },
      {
        did: didOf('carol.test'),
        handle: 'carol.test',
        email: null,
        emailConfirmedAt: null,
        status: 'deactivated',
        createdAt: at(1).toISOString(),
        invitedBy: 'admin',
        inviteCode: 'from-admin',
      },
      {
        did: didOf('bob.test'),
        handle: 'bob.test',
        email: 'bob@example.com',
        emailConfirmedAt: confirmed,
        status: 'active',
        createdAt: at(2).toISOString(),
        invitedBy: null,
        inviteCode: null,
      },
    ])
  })

  test('since an instant, that one included, reads nothing of what was before', async () => {
    const pds = crowd(500, 100)
    expect(await listed(pds, { since: at(450) })).toEqual(handles(500).slice(450))
    expect(pds.asked.filter((nsid) => nsid.endsWith('listRepos')).length).toBe(2)
  })

  test('since an instant, of a PDS that refuses a cursor it did not give', async () => {
    const pds = but(crowd(500, 100), (nsid, { cursor }: { cursor?: string }, go) => {
      if (nsid.endsWith('listRepos') && cursor?.endsWith('::did:plc:'))
        throw xrpcError('InvalidRequest', 'Malformed cursor')
      return go()
    })
    expect(await listed(pds, { since: at(450) })).toEqual(handles(500).slice(450))
  })

  test('until an instant, that one not included, does not read on', async () => {
    const pds = crowd(5000, 100)
    expect(await listed(pds, { since: at(10), until: at(20) })).toEqual(handles(20).slice(10))
    expect(pds.asked.filter((nsid) => nsid.endsWith('listRepos')).length).toBeLessThan(12)
  })

  test('an account deleted in between is left out', async () => {
    const pds = crowd(10)
    const vanishing = but(pds, async (nsid, _params, go) => {
      const answer = await go()
      if (nsid.endsWith('listRepos')) pds.state.accounts.splice(4, pds.state.accounts.length - 9)
      return answer
    })
    expect(await listed(vanishing)).toHaveLength(9)
  })

  test('gives the first accounts before it has read the last page', async () => {
    const pds = crowd(5000, 100)
    for await (const account of listAccounts(pds)) {
      expect(account.handle).toBe('runner0000.test')
      break
    }
    expect(pds.asked.length).toBeLessThan(30)
  })

  test('one that the PDS fails at costs itself alone where that is borne', async () => {
    const bad = [didOf('runner0333.test'), didOf('runner0334.test')]
    const pds = but(crowd(1000), (nsid, { dids }: { dids: string[] }, go) => {
      if (nsid.endsWith('getAccountInfos') && bad.some((did) => dids.includes(did)))
        throw xrpcError('InternalServerError', 'no', 500)
      return go()
    })
    const unreadable = new Map()
    const expected = handles(1000).filter((_, index) => index !== 333 && index !== 334)
    expect(await listed(pds, { unreadable })).toEqual(expected)
    expect([...unreadable.keys()]).toEqual(bad)
    expect(await failureOf(listed(pds))).toMatchObject({ code: 'pds-error' })
  })

  test('a PDS that fails at all of them is not asked about each', async () => {
    let asked = 0
    const pds = but(crowd(5000), (nsid, _params, go) => {
      if (!nsid.endsWith('getAccountInfos')) return go()
      asked++
      throw xrpcError('InternalServerError', 'no', 500)
    })
    expect(await failureOf(listed(pds, { unreadable: new Map() }))).toMatchObject({ code: 'pds-error' })
    expect(asked).toBeLessThan(300)
  })

  test('100,000 take 450 requests at most, of which each is below what a server of Node takes', async () => {
    const rows = (from: number) =>
      Array.from({ length: 1000 }, (_, i) => ({
        did: `did:plc:${String(from + i).padStart(24, 'a')}`,
        head: '',
        rev: '',
      }))
    let requests = 0
    const pds = but(crowd(0), (nsid, params: { cursor?: string; dids: string[] }) => {
      requests++
      const from = Number(params.cursor ?? 0)
      if (nsid.endsWith('listRepos'))
        return { repos: rows(from), ...(from < 99_000 && { cursor: String(from + 1000) }) }
      expect(`/xrpc/${nsid}?${toSearch(params)}`.length).toBeLessThan(15_400)
      return {
        infos: params.dids.map((did) => ({ did, handle: 'a.test', indexedAt: '2026-01-01T00:00:00.000Z' })),
      }
    })
    expect(await listed(pds)).toHaveLength(100_000)
    expect(requests).toBeLessThanOrEqual(450)
  })

  test('a failure in the middle is thrown once what came before it was given', async () => {
    let batches = 0
    const pds = but(crowd(1000, 100), (nsid, _params, go) => {
      if (nsid.endsWith('getAccountInfos') && ++batches === 5)
        throw xrpcError('InternalServerError', 'no', 500)
      return go()
    })
    const seen: string[] = []
    const reading = async () => {
      for await (const { handle } of listAccounts(pds)) seen.push(handle)
    }
    expect(await failureOf(reading())).toMatchObject({ code: 'pds-error' })
    expect(seen).toEqual(handles(400))
  })

  test('ends with its signal', async () => {
    const stop = new AbortController()
    const reading = async () => {
      for await (const _account of listAccounts(crowd(5000, 100), { signal: stop.signal })) stop.abort()
    }
    expect(await failureOf(reading())).toMatchObject({ outcome: 'interrupted' })
  })
})

describe('readStatuses', () => {
  const pds = () =>
    scriptedPds({
      accounts: handles(300).map((handle, i) => {
        if (i % 3 === 0) return { handle, status: 'takendown' as const }
        return i % 3 === 1 ? { handle, status: 'deactivated' as const } : { handle }
      }),
      pageSize: 50,
    })
  const expected = (handle: string, i: number) =>
    [didOf(handle), ['takendown', 'deactivated', 'active'][i % 3]] as const

  test.each([5, 200])('of %i accounts', async (n) => {
    const wanted = handles(n)
    const gone = didOf('gone.test')
    const statuses = await readStatuses(pds(), [...wanted.map(didOf), gone, gone])
    expect(statuses).toEqual(new Map([...wanted.map(expected), [gone, 'deleted']]))
  })

  test('an account that listRepos leaves out is not taken for deleted', async () => {
    const dids = handles(100).map(didOf)
    const left = dids[50]
    const partial = but(pds(), async (nsid, _params, go) => {
      if (!nsid.endsWith('listRepos')) return go()
      const page: { repos: { did: string }[] } = await go()
      return { ...page, repos: page.repos.filter(({ did }) => did !== left) }
    })
    expect((await readStatuses(partial, dids)).get(left ?? '')).toBe('active')
  })

  test('of many accounts takes few requests', async () => {
    const many = pds()
    await readStatuses(many, handles(250).map(didOf))
    expect(many.asked.length).toBeLessThan(10)
  })
})
