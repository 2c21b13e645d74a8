import { failed, usage } from '../../failure.ts'
import type { PdsView } from '../../pds/client.ts'
import { findAccount, findAccounts } from '../../pds/find-account.ts'
import { argument, column, option, procedure } from '../../runner/command.ts'
import { type Step, xrpc } from '../../runner/plan.ts'
import { did, email, handle, optional, text } from '../../runner/type.ts'
import { account, fullHandle, named, newHandle } from './shared.ts'

/** The PDS answers a taken address with nothing but “Internal Server Error”. */
async function refuseTaken(address: string, did: string, pds: PdsView, signal: AbortSignal): Promise<void> {
  const ref = { kind: 'email', email: address.toLowerCase(), text: address } as const
  const { accounts } = await findAccounts(pds, [ref], { signal })
  const other = accounts.find((it) => it.did !== did)
  if (other) throw failed('email-taken', `${address} is the address of ${named(other)}`)
}

/** Changes email or handle; what is already so yields no step. */
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
  async plan(input, { pds, signal }) {
    if (input.email === undefined && input.handle === undefined)
      throw usage('nothing to change', 'give --email or --handle')
    const found = await findAccount(pds, input.account, { signal })
    const { did } = found
    if (input.email !== undefined) await refuseTaken(input.email, did, pds, signal)
    const email = input.email ?? found.email
    const domains =
      input.handle?.includes('.') === false
        ? (await pds.query('com.atproto.server.describeServer', {})).availableUserDomains
        : []
    const handle = input.handle === undefined ? found.handle : fullHandle(input.handle, domains)
    const reads = (expect: object) =>
      ({ kind: 'query', nsid: 'com.atproto.admin.getAccountInfo', params: { did }, expect }) as const
    const steps: Step[] = []
    if (email !== null && email.toLowerCase() !== found.email?.toLowerCase()) {
      const back =
        found.email === null
          ? undefined
          : xrpc(`Set the email back to ${found.email}`, 'com.atproto.admin.updateAccountEmail', {
              account: did,
              email: found.email,
            })
      steps.push(
        xrpc(
          `Change the email from ${found.email ?? 'none'} to ${email}`,
          'com.atproto.admin.updateAccountEmail',
          { account: did, email },
          {
            repeatable: 'yes',
            proof: reads({ did, email: email.toLowerCase() }),
            ...(back && { undo: back }),
          },
        ),
      )
    }
    if (handle !== found.handle) {
      steps.push(
        xrpc(
          `Change the handle from ${found.handle} to ${handle}`,
          'com.atproto.admin.updateAccountHandle',
          { did, handle },
          { proof: reads({ did, handle }) },
        ),
      )
    }
    const changes = [email !== found.email && `email ${email}`, handle !== found.handle && `handle ${handle}`]
      .filter(Boolean)
      .join(', ')
    return {
      title: `change ${named(found)}: ${changes || 'nothing'}`,
      confirm: found.handle,
      items: [
        { subject: named(found), did, steps, rows: [{ handle, did, email: email?.toLowerCase() ?? null }] },
      ],
    }
  },
})
