import { failed, usage } from '../../base/failure.ts'
import { finding } from '../../moderation/find-options.ts'
import type { AccountRef } from '../../pds/accounts/account-ref.ts'
import { findAccount } from '../../pds/accounts/find-account.ts'
import { type Invite, listInvites } from '../../pds/invites.ts'
import { xrpc } from '../../plan/steps/xrpc.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, manyArguments, option } from '../../runner/command/parameters.ts'
import { account, code, count, text, yesNo } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'

interface Chosen {
  readonly codes: readonly string[]
  readonly for: AccountRef | undefined
  readonly allAdmin: boolean
}

/** The invites that were named, by code, by owner, or all of the admin's. */
async function chosen({ codes, for: ref, allAdmin }: Chosen, views: Views): Promise<Invite[]> {
  if ([codes.length > 0, ref !== undefined, allAdmin].filter(Boolean).length !== 1) {
    throw usage('name the codes, or give one of --for ACCOUNT and --all-admin')
  }
  const owner = allAdmin ? 'admin' : ref && (await findAccount(views.pds, ref, finding(views))).did
  const wanted = new Set(codes)
  const found: Invite[] = []
  for await (const invite of listInvites(views.pds)) {
    if (owner === undefined ? wanted.delete(invite.code) : invite.forAccount === owner) found.push(invite)
  }
  if (wanted.size > 0)
    throw failed(
      'invite-not-found',
      `no such invite code: ${[...wanted].join(', ')}`,
      'see: kimbia-ops invite list',
    )
  return found
}

/** Disabling has no way back in the API, so the codes are shown first; those already disabled yield no step. */
export default procedure({
  name: 'invite disable',
  summary: 'Disable invite codes for good',
  about:
    'Codes that were used keep their history. The PDS has no way to enable a code again: make a new one instead.',
  examples: [
    'kimbia-ops invite disable kimbia-social-abcde-fghij',
    'kimbia-ops invite disable --for alice.kimbia.social --yes',
    'kimbia-ops invite disable --all-admin --dry-run',
  ],
  risk: 'disruptive',
  input: {
    codes: manyArguments(text, 'invite code'),
    for: option(account, 'all codes that belong to this account'),
    allAdmin: flag('all codes that belong to the admin'),
  },
  output: {
    code: column(code, 'the code'),
    available: column(count, 'uses it had left'),
    disabled: column(yesNo, 'after the change'),
    forAccount: column(text, 'account it belongs to, or admin'),
  },
  async plan(input, views) {
    const invites = await chosen(input, views)
    const open = invites.filter(({ disabled }) => !disabled)
    const row = ({ code, available, forAccount }: Invite) => ({ code, available, disabled: true, forAccount })
    const item = (some: readonly Invite[], steps: readonly ReturnType<typeof xrpc>[]) =>
      some.length === 0
        ? []
        : [{ subject: some.map(({ code }) => code).join(' '), steps, rows: some.map(row) }]
    const codes = open.map(({ code }) => code)
    const what = codes.length === 1 ? `the invite code ${codes[0]}` : `${codes.length} invite codes`
    const step = xrpc(
      `Disable ${what}`,
      'com.atproto.admin.disableInviteCodes',
      { codes },
      { repeatable: 'yes', proof: { kind: 'invites disabled', codes } },
    )
    return {
      title: `disable ${what}`,
      confirm: String(codes.length),
      items: [
        ...item(open, [step]),
        ...item(
          invites.filter(({ disabled }) => disabled),
          [],
        ),
      ],
    }
  },
})
