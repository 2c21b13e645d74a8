import { finding } from '../../moderation/find-options.ts'
import { findAccount } from '../../pds/accounts/find-account.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { xrpc } from '../../plan/steps/xrpc.ts'
import { procedure } from '../../runner/command/command.ts'
import { option, optionOr } from '../../runner/command/parameters.ts'
import { account, integer, reason } from '../../runner/command/types.ts'
import { showCount } from '../../runner/output/report.ts'
import { inviteColumns } from './shared.ts'

/** Invite codes are made at once, in one call, and read back. */
export default procedure({
  name: 'invite create',
  summary: 'Make invite codes',
  examples: [
    'kimbia-ops invite create',
    'kimbia-ops invite create --uses 5',
    'kimbia-ops invite create --count 20 --json | jq -r .code',
    'kimbia-ops invite create --for alice.kimbia.social --reason "asked by mail"',
  ],
  risk: 'routine',
  input: {
    uses: optionOr(integer(1, 1_000_000), 1, 'how often each code may be used', { also: ['use-count'] }),
    count: optionOr(integer(1, 400), 1, 'how many codes'),
    for: option(account, 'account the codes belong to; without it, the admin'),
    reason: option(reason, 'kept in the trail'),
  },
  output: inviteColumns,
  async plan({ uses, count, for: ref, reason }, views) {
    const owner = ref === undefined ? 'admin' : (await findAccount(views.pds, ref, finding(views))).did
    const codes = Array.from({ length: count }, (_, i) => later(`invite.codes.0.codes.${i}`))
    const recent = {
      kind: 'query',
      nsid: 'com.atproto.admin.getInviteCodes',
      params: { sort: 'recent', limit: Math.min(500, count + 100) },
    } as const
    const step = xrpc(
      `Make ${count === 1 ? 'an invite code' : `${count} invite codes`} of ${uses === 1 ? 'one use' : `${uses} uses`} for ${owner}`,
      'com.atproto.server.createInviteCodes',
      { codeCount: count, useCount: uses, ...(owner !== 'admin' && { forAccounts: [owner] }) },
      {
        keep: 'invite',
        proof: {
          ...recent,
          keep: 'made',
          expect: { codes: codes.map((code) => ({ code, available: uses, disabled: false })) },
        },
      },
    )
    const row = (code: (typeof codes)[number], index: number) => ({
      code,
      uses,
      available: uses,
      disabled: false,
      forAccount: owner,
      createdBy: 'admin',
      createdAt: later(`made.codes.${index}.createdAt`),
      usedBy: [],
    })
    return {
      title: `make ${count === 1 ? 'an invite code' : `${count} invite codes`}`,
      confirm: String(count),
      reason,
      items: [
        {
          subject: `invite for ${owner}`,
          steps: [step],
          rows: codes.map(row),
          made: { what: `${showCount(count, 'code')} of ${showCount(uses, 'use')}`, codes },
        },
      ],
    }
  },
})
