import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount, post, setTakedown, uploadBlob, xrpcPost } from '../../../rig/pds/accounts.ts'
import { seedAccounts } from '../../../rig/pds/seed.ts'
import { Secret } from '../../../src/base/secret.ts'
import { parseAccountRef } from '../../../src/pds/accounts/account-ref.ts'
import { describeAccount } from '../../../src/pds/accounts/describe-account.ts'
import { findAccount } from '../../../src/pds/accounts/find-account.ts'
import type { PdsView } from '../../../src/pds/xrpc/client.ts'
import { tooLarge } from '../../../src/pds/xrpc/failures.ts'
import { failureOf } from '../../support/failing.ts'
import { type RealPds, realPds } from '../../support/real-pds.ts'
import { scriptedPds } from '../../support/scripted-pds.ts'

const about = async (pds: PdsView, text: string) =>
  describeAccount(pds, await findAccount(pds, parseAccountRef(text)))

describe('of a real PDS', () => {
  let real: RealPds
  let alice: Awaited<ReturnType<typeof createAccount>>
  beforeAll(async () => {
    real = await realPds({ inviteRequired: true })
    const { rig } = real
    alice = await createAccount(rig, { handle: 'alice.test' })
    for (let i = 0; i < 7; i++) await post(rig, alice, `run ${i}`)
    const blob = await uploadBlob(rig, alice, new Uint8Array([1, 2, 3]))
    const profile = { $type: 'app.bsky.actor.profile', displayName: 'Alice', avatar: blob }
    const record = { repo: alice.did, collection: 'app.bsky.actor.profile', rkey: 'self', record: profile }
    await xrpcPost(rig, 'com.atproto.repo.createRecord', record, alice)
  })
  afterAll(() => real[Symbol.asyncDispose]())

  const contents = {
    records: 8,
    collections: { 'app.bsky.actor.profile': 1, 'app.bsky.feed.post': 7 },
    rev: expect.stringMatching(/^[2-7a-z]{13}$/),
    head: expect.stringMatching(/^bafyrei/),
    unreadable: null,
  }

  test('its records, the latest first, its blobs, its invite', async () => {
    const details = await about(real.pds, 'alice')
    expect(details).toMatchObject({
      handle: 'alice.test',
      status: 'active',
      takedownRef: null,
      deactivatedAt: null,
      invitesDisabled: false,
      invitedBy: 'admin',
      invite: { code: expect.stringMatching(/^localhost-/), forAccount: 'admin', createdBy: 'admin' },
      invites: [],
      repo: contents,
      blobs: 1,
    })
    expect(details.invite?.usedAt).toMatch(/Z$/)
    const { repo } = details
    const latest = repo.unreadable === null ? repo.latest : []
    expect(latest.map(({ text }) => text)).toEqual(['run 6', 'run 5', 'run 4', 'run 3', 'run 2'])
    expect(latest[0]?.uri).toMatch(new RegExp(`^at://${alice.did}/app\\.bsky\\.feed\\.post/`))
    expect(latest[0]?.createdAt).toMatch(/Z$/)
  })

  test('of a taken-down account as well, with the reason', async () => {
    await real.pds.call('com.atproto.admin.updateSubjectStatus', {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: alice.did },
      takedown: { applied: true, ref: 'ticket 7' },
    })
    const details = await about(real.pds, 'alice')
    expect(details).toMatchObject({ status: 'takendown', takedownRef: 'ticket 7', repo: contents, blobs: 1 })
    await setTakedown(real.rig, alice.did, false)
  })

  test('of an account without a readable repository, what there is', async () => {
    const [seeded] = await seedAccounts(real.rig, 1, { prefix: 'damaged', repos: false })
    expect(await about(real.pds, seeded?.handle ?? '')).toMatchObject({
      handle: 'damaged000001.test',
      status: 'active',
      repo: { rev: null, head: null, unreadable: expect.stringMatching(/\w/) },
      blobs: null,
    })
  })

  test('another admin password is refused, at once and by its name', async () => {
    const other = real.open({ adminPassword: new Secret('not it') })
    const failure = await failureOf(about(other, alice.did))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'admin-password-refused' })
    expect(failure.hint).toContain('only at its start')
    other.dispose()
  })
})

describe('what cannot be read', () => {
  const pds = (repo: Uint8Array) => scriptedPds({ accounts: [{ handle: 'alice.test', repo }] })

  test('a damaged export', async () => {
    const { repo } = await about(pds(Buffer.from('not a CAR file')), 'alice')
    expect(repo).toMatchObject({
      rev: expect.any(String),
      unreadable: expect.stringContaining('its export is damaged'),
    })
  })

  test('an export that is too large', async () => {
    const large = pds(Buffer.from(''))
    large.get = async (nsid, _params, { limit = 0 } = {}) => {
      expect(limit).toBe(8 * 1024 * 1024)
      throw tooLarge({ nsid, method: 'GET', where: 'x', as: 'admin' }, limit)
    }
    expect((await about(large, 'alice')).repo).toMatchObject({
      unreadable: 'it is larger than 8 MiB, so its records were not read',
    })
  })
})
