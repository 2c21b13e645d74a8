import { failed, usage } from '../../base/failure.ts'
import { finding } from '../../moderation/find-options.ts'
import { type Account, fullHandle, named } from '../../pds/accounts/accounts.ts'
import { findAccount, findAccounts } from '../../pds/accounts/find-account.ts'
import type { PdsView } from '../../pds/xrpc/client.ts'
import { type XrpcStep, xrpc } from '../../plan/steps/xrpc.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { argument, option } from '../../runner/command/parameters.ts'
import { account, did, email, handle, newHandle, optional, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'

/** The PDS answers a taken address with nothing but “Internal Server Error”. */
async function refuseTaken(address: string, did: string, views: Views): Promise<void> {
  const ref = { kind: 'email', email: address.toLowerCase(), text: address } as const
  const { accounts } = await findAccounts(views.pds, [ref], finding(views))
  const other = accounts.find((it) => it.did !== did)
  if (other) throw failed('email-taken', `${address} is the address of ${named(other)}`)
}

const reads = (did: string, expect: { readonly email?: string; readonly handle?: string }) =>
  ({
    kind: 'query',
    nsid: 'com.atproto.admin.getAccountInfo',
    params: { did },
    expect: { did, ...expect },
  }) as const

const emailStep = ({ did, email }: Account, to: string): XrpcStep =>
  xrpc(
    `Change the email from ${email ?? 'none'} to ${to}`,
    'com.atproto.admin.updateAccountEmail',
    { account: did, email: to },
    { repeatable: 'yes', proof: reads(did, { email: to.toLowerCase() }) },
  )

const handleStep = ({ did, handle }: Account, to: string): XrpcStep =>
  xrpc(
    `Change the handle from ${handle} to ${to}`,
    'com.atproto.admin.updateAccountHandle',
    { did, handle: to },
    {
      proof: reads(did, { handle: to }),
      undo: xrpc(`Change the handle back to ${handle}`, 'com.atproto.admin.updateAccountHandle', {
        did,
        handle,
      }),
    },
  )

/**
 * Changes handle and email; what is already so yields no step. The email comes last, since changing it back would not
 * bring its confirmation back.
 */
export default procedure({
  name: 'account update',
  summary: 'Change the email or handle of an account',
  about: 'A new handle is published in the PLC directory. A new email counts as not confirmed.',
  examples: [
    'kimbia-ops account update alice.kimbia.social --email alice@example.com',
    'kimbia-ops account update alice --handle alice-runs',
  ],
  risk: 'disruptive',
  input: {
    account: argument(account, 'handle, DID, URL or email'),
    email: option(email, 'new address'),
    handle: option(newHandle, 'new handle, or its first part'),
  },
  output: {
    handle: column(handle, 'after the change'),
    did: column(did, 'permanent identifier'),
    email: column(optional(text), 'after the change'),
  },
  async plan(input, views) {
    const { pds } = views
    if (input.email === undefined && input.handle === undefined)
      throw usage('nothing to change', 'give --email or --handle')
    const found = await findAccount(pds, input.account, finding(views))
    const { did } = found
    const email = input.email?.toLowerCase() ?? found.email
    const handle = input.handle === undefined ? found.handle : await wholeHandle(input.handle, pds)
    const toHandle = handle !== found.handle
    const toEmail = input.email !== undefined && email !== found.email?.toLowerCase()
    if (input.email !== undefined && toEmail) await refuseTaken(input.email, did, views)
    const changes = [...(toHandle ? [`handle ${handle}`] : []), ...(toEmail ? [`email ${input.email}`] : [])]
    const steps = [
      ...(toHandle ? [handleStep(found, handle)] : []),
      ...(toEmail ? [emailStep(found, input.email)] : []),
    ]
    return {
      title: `change ${named(found)}: ${changes.join(', ') || 'nothing'}`,
      confirm: found.handle,
      items: [{ subject: named(found), did, steps, rows: [{ handle, did, email }] }],
    }
  },
})

async function wholeHandle(word: string, pds: PdsView): Promise<string> {
  if (word.includes('.')) return word
  return fullHandle(word, (await pds.query('com.atproto.server.describeServer', {})).availableUserDomains)
}
