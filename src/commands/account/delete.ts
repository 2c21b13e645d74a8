import { gatherEvidence } from '../../moderation/evidence.ts'
import { finding } from '../../moderation/find-options.ts'
import { named } from '../../pds/accounts/accounts.ts'
import { findAccount } from '../../pds/accounts/find-account.ts'
import { xrpc } from '../../plan/steps/xrpc.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { argument, option } from '../../runner/command/parameters.ts'
import { account, did, handle, reason } from '../../runner/command/types.ts'
import { status } from './shared.ts'

/** What an account is called whose handle does not resolve (atproto.com/specs/handle). */
const invalidHandle = 'handle.invalid'

/** Deleting cannot be undone, here or downstream: the handle or the DID must be typed. */
export default procedure({
  name: 'account delete',
  summary: 'Delete an account for good',
  about:
    'Removes the repo, the blobs and the login, and tells the network. It cannot be undone; `account takedown` can. The DID stays in the PLC directory. The handle must be typed, or the DID, which alone is taken where the handle does not resolve.',
  examples: [
    'kimbia-ops account delete bot0042.kimbia.social',
    'kimbia-ops account delete bot0042 --confirm bot0042.kimbia.social',
  ],
  risk: 'irreversible',
  input: {
    account: argument(account, 'handle, DID, URL or email'),
    reason: option(reason, 'kept in the trail'),
  },
  output: {
    handle: column(handle, 'handle it had'),
    did: column(did, 'permanent identifier'),
    status: column(status, 'deleted'),
  },
  async plan({ account: ref, reason }, views) {
    const found = await findAccount(views.pds, ref, finding(views))
    const { did, handle } = found
    const step = xrpc(
      `Delete ${handle} for good`,
      'com.atproto.admin.deleteAccount',
      { did },
      { proof: { kind: 'status', did, status: 'deleted' } },
    )
    return {
      title: `delete ${named(found)} for good`,
      // Accounts whose handle does not resolve are all called alike.
      confirm: handle === invalidHandle ? did : handle,
      confirmOr: did,
      reason,
      evidence: () => gatherEvidence([found], views),
      warnings: ['this cannot be undone: repo, blobs and login are removed, and the network is told'],
      items: [{ subject: named(found), did, steps: [step], rows: [{ handle, did, status: 'deleted' }] }],
    }
  },
})
