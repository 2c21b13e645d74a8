import { usage } from '../../base/failure.ts'
import { finding } from '../../moderation/find-options.ts'
import type { AccountRef } from '../../pds/accounts/account-ref.ts'
import { findAccount, findAccounts } from '../../pds/accounts/find-account.ts'
import { notFound } from '../../pds/accounts/missing.ts'
import { findInvites, type Invite, listInvites } from '../../pds/invites.ts'
import { xrpc } from '../../plan/steps/xrpc.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, manyArguments, option } from '../../runner/command/parameters.ts'
import { account, code, count, path, reason, text, yesNo } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { showCount } from '../../runner/output/report.ts'
import { readTargets } from '../account/targets.ts'

interface Chosen {
  readonly codes: readonly string[]
  readonly for: AccountRef | undefined
  readonly usedBy: string | undefined
  readonly allAdmin: boolean
}

/** Accounts of a file that no code was found for, as a plan refuses them. */
type Refused = { readonly subject: string; readonly code: string; readonly message: string }[]

/** The invites that were named: by code, by owner, by the accounts that came with them, or all of the admin's. */
async function chosen(
  { codes, for: ref, usedBy, allAdmin }: Chosen,
  views: Views,
): Promise<{ readonly invites: Invite[]; readonly refused?: Refused }> {
  const ways = [codes.length > 0, ref !== undefined, usedBy !== undefined, allAdmin]
  if (ways.filter(Boolean).length !== 1) {
    throw usage('name the codes, or give one of --for ACCOUNT, --used-by FILE and --all-admin')
  }
  if (usedBy !== undefined) return await usedByThose(usedBy, views)
  if (codes.length > 0) return { invites: await findInvites(views.pds, codes) }
  const owner = ref === undefined ? 'admin' : (await findAccount(views.pds, ref, finding(views))).did
  return { invites: await invitesThat(({ forAccount }) => forAccount === owner, views) }
}

async function invitesThat(fits: (invite: Invite) => boolean, { pds }: Views): Promise<Invite[]> {
  const found: Invite[] = []
  for await (const invite of listInvites(pds)) if (fits(invite)) found.push(invite)
  return found
}

/** A DID needs no account: the code of one that was deleted still tells who used it. */
async function usedByThose(file: string, views: Views) {
  const refs = await readTargets(file, views)
  const named = refs.filter(({ kind }) => kind !== 'did')
  const { accounts, missing } =
    named.length === 0 ? { accounts: [], missing: [] } : await findAccounts(views.pds, named, finding(views))
  const dids = new Set(
    [...accounts, ...refs.flatMap((ref) => (ref.kind === 'did' ? [ref] : []))].map(({ did }) => did),
  )
  const invites = await invitesThat(({ usedBy }) => usedBy.some(({ did }) => dids.has(did)), views)
  const came = new Set(invites.flatMap(({ usedBy }) => usedBy.map(({ did }) => did)))
  const without = [...dids].filter((did) => !came.has(did)).length
  if (without > 0) views.say(`note: ${showCount(without, 'account')} came without an invite code`)
  const others = [...came].filter((did) => !dids.has(did)).length
  if (others > 0) views.say(`note: ${showCount(others, 'other account')} came by these codes as well`)
  return {
    invites,
    refused: missing.map((it) => ({
      subject: it.ref.text,
      code: 'account-not-found',
      message: notFound(it).message,
    })),
  }
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
    'kimbia-ops invite disable --used-by bots.jsonl --reason "spam wave, ticket 42"',
    'kimbia-ops invite disable --all-admin --dry-run',
  ],
  risk: 'disruptive',
  input: {
    codes: manyArguments(text, 'invite code'),
    for: option(account, 'all codes that belong to this account'),
    usedBy: option(path, 'the codes by which the accounts of a file came, one a line; - is standard input'),
    allAdmin: flag('all codes that belong to the admin'),
    reason: option(reason, 'kept in the trail'),
  },
  output: {
    code: column(code, 'the code'),
    available: column(count, 'uses it had left'),
    disabled: column(yesNo, 'after the change'),
    forAccount: column(text, 'account it belongs to, or admin'),
  },
  async plan(input, views) {
    const { invites, refused = [] } = await chosen(input, views)
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
      reason: input.reason,
      refused,
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
