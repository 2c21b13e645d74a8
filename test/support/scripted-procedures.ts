import type { As, Procedures } from '../../src/pds/xrpc/client.ts'
import { NOW, type PdsState } from './scripted-state.ts'
import { xrpcError } from './xrpc-error.ts'

type Acts = { [N in keyof Procedures]: (input: Procedures[N]['input'], as?: As) => Procedures[N]['output'] }

/** What each procedure does to a scripted PDS: an unknown DID is no error where it is none for the real one. */
export const proceduresOf = (state: PdsState): Acts => ({
  'com.atproto.server.createInviteCode': ({ useCount, forAccount = 'admin' }) => ({
    code: state.invite(useCount, forAccount),
  }),
  'com.atproto.server.createInviteCodes': ({ codeCount, useCount, forAccounts = ['admin'] }) => ({
    codes: forAccounts.map((account) => ({
      account,
      codes: Array.from({ length: codeCount }, () => state.invite(useCount, account)),
    })),
  }),
  'com.atproto.server.createAccount': (input, as = 'nobody') => {
    if (as === 'admin') throw xrpcError('AuthenticationRequired', 'Invalid authorization header', 401)
    refuse(state, input)
    const { handle, email, password, inviteCode } = input
    const account = state.add({
      handle,
      email: email.toLowerCase(),
      password,
      ...(inviteCode ? { inviteCode } : {}),
    })
    const code = state.invites.find((it) => it.code === inviteCode)
    code?.uses.push({ usedBy: account.did, usedAt: NOW })
    return { did: account.did, handle, accessJwt: 'access', refreshJwt: 'refresh' }
  },
  'com.atproto.server.requestPasswordReset': ({ email }) => {
    const known = state.accounts.some((it) => it.email === email.toLowerCase())
    if (!known) throw xrpcError('InvalidRequest', 'account does not have an email address', 400, 'nobody')
  },
  'com.atproto.admin.updateAccountEmail': ({ account: name, email }) => {
    const account = state.accounts.find(({ did, handle }) => did === name || handle === name)
    if (!account) throw xrpcError('InvalidRequest', `Account does not exist: ${name}`)
    Object.assign(account, { email: email.toLowerCase(), emailConfirmedAt: null })
  },
  'com.atproto.admin.updateAccountHandle': ({ did, handle }) => {
    const account = state.accounts.find((it) => it.did === did && it.takedownRef === null)
    if (!account) throw xrpcError('InvalidRequest', 'Account not found')
    const holder = state.accounts.find((it) => it.handle === handle)
    if (holder && holder !== account) throw xrpcError('HandleNotAvailable', `Handle already taken: ${handle}`)
    account.handle = handle
  },
  'com.atproto.admin.updateAccountPassword': ({ did, password }) => {
    const account = state.accounts.find((it) => it.did === did)
    if (account) account.password = password
  },
  'com.atproto.admin.updateSubjectStatus': ({ subject, takedown }) => {
    const account = state.accounts.find((it) => it.did === subject.did)
    if (account) account.takedownRef = takedown.applied ? (takedown.ref ?? NOW) : null
    return { subject, takedown }
  },
  'com.atproto.admin.deleteAccount': ({ did }) => {
    const index = state.accounts.findIndex((it) => it.did === did)
    if (index >= 0) state.accounts.splice(index, 1)
  },
  'com.atproto.admin.disableInviteCodes': ({ codes = [], accounts = [] }) => {
    if (accounts.includes('admin')) throw xrpcError('InvalidRequest', 'cannot disable admin invite codes')
    for (const invite of state.invites) {
      if (codes.includes(invite.code) || accounts.includes(invite.forAccount)) invite.disabled = true
    }
  },
})

type NewAccount = Procedures['com.atproto.server.createAccount']['input']

/** A few of those the real one keeps back. */
const reserved = new Set(['admin', 'guest', 'support'])

/** In the order in which the real one looks: invite given, domain, length, invite good, handle free, email free. */
export function refuse(state: PdsState, { handle, email, inviteCode }: NewAccount): void {
  const no = (error: string, message: string) => xrpcError(error, message, 400, 'nobody')
  const { domains = ['.test'], inviteRequired = true } = state.script
  if (inviteRequired && !inviteCode) throw no('InvalidInviteCode', 'No invite code provided')
  const ours = domains.find((domain) => handle.endsWith(domain))
  if (!ours) throw no('UnsupportedDomain', 'Not a supported handle domain')
  const front = handle.slice(0, -ours.length)
  if (front.length < 3) throw no('InvalidHandle', 'Handle too short')
  if (reserved.has(front)) throw no('HandleNotAvailable', 'Reserved handle')
  const code = state.invites.find((it) => it.code === inviteCode)
  if (inviteRequired && inviteCode && (!code || code.disabled || code.uses.length >= code.available)) {
    throw no('InvalidInviteCode', 'Provided invite code not available')
  }
  if (state.accounts.some((it) => it.handle === handle))
    throw no('InvalidRequest', `Handle already taken: ${handle}`)
  if (state.accounts.some((it) => it.email === email.toLowerCase())) {
    throw no('InvalidRequest', `Email already taken: ${email}`)
  }
}
