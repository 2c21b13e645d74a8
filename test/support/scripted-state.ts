import { createHash } from 'node:crypto'
import type { Failure } from '../../src/base/failure.ts'
import type { AccountStatus, InviteCodeView, RawAnswer } from '../../src/pds/xrpc/client.ts'

/** An account of a scripted PDS; what is left out is made up from the handle. */
export interface ScriptedAccount {
  handle: string
  did?: string
  email?: string | null
  emailConfirmedAt?: string | null
  status?: 'active' | 'takendown' | 'deactivated'
  takedownRef?: string
  createdAt?: string
  password?: string
  /** The code it signed up with. */
  inviteCode?: string
  invitesDisabled?: boolean
  /** Its export, as com.atproto.sync.getRepo gives it; none is an error of the PDS. */
  repo?: Uint8Array
}

/** An invite code of a scripted PDS: one use, by and for the admin, unless it says otherwise. */
export interface ScriptedInvite {
  code: string
  uses?: number
  disabled?: boolean
  forAccount?: string
  createdBy?: string
  createdAt?: string
  usedBy?: { did: string; usedAt: string }[]
}

/** What a scripted PDS holds and how it shall behave. */
export interface PdsScript {
  accounts?: ScriptedAccount[]
  invites?: ScriptedInvite[]
  /** Default `.test`. */
  domains?: string[]
  hostname?: string
  inviteRequired?: boolean
  /** The most rows of one page (default 1000), to make lists of several pages of few accounts. */
  pageSize?: number
  /** Handles that resolve to accounts elsewhere. */
  elsewhere?: Record<string, string>
  /** Answers to raw requests, by NSID. */
  raw?: Record<string, RawAnswer | Failure>
  faults?: Fault[]
}

/** Fails the n-th change (from 1), or every change of this NSID; with `done` it is made all the same (a lost answer). */
export interface Fault {
  readonly change?: number
  readonly nsid?: string
  readonly failure: Failure
  readonly done?: true
}

/** An account as a scripted PDS keeps it. */
export interface StoredAccount {
  did: string
  handle: string
  email: string | null
  emailConfirmedAt: string | null
  takedownRef: string | null
  deactivatedAt: string | null
  createdAt: string
  password: string
  inviteCode: string | undefined
  invitesDisabled: boolean
  repo: Uint8Array | undefined
}

/** When a scripted PDS is looked at first; each account and invite made is a second younger. */
export const NOW = '2026-11-22T12:00:00.000Z'

/** The DID that a scripted account gets when its script names none. */
export function didOf(handle: string): string {
  const digest = [...createHash('sha256').update(handle).digest().subarray(0, 24)]
  return `did:plc:${digest.map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('')}`
}

/** The small memory of a scripted PDS. */
export class PdsState {
  readonly accounts: StoredAccount[]
  readonly invites: InviteCodeView[]
  readonly script: PdsScript
  #age = 0

  constructor(script: PdsScript) {
    this.script = script
    this.accounts = (script.accounts ?? []).map(stored)
    this.invites = (script.invites ?? []).map(toView)
  }

  /** The account of this DID, handle or email address. */
  find(name: string): StoredAccount | undefined {
    return this.accounts.find(({ did, handle, email }) => [did, handle, email].includes(name))
  }

  add(account: ScriptedAccount): StoredAccount {
    const added = stored({ emailConfirmedAt: null, createdAt: this.#tick(), ...account })
    this.accounts.push(added)
    return added
  }

  invite(uses: number, forAccount: string): string {
    const code = `scripted-test-${String(this.invites.length + 1).padStart(5, '0')}`
    this.invites.push(toView({ code, uses, forAccount, createdAt: this.#tick() }))
    return code
  }

  #tick(): string {
    return new Date(Date.parse(NOW) + this.#age++ * 1000).toISOString()
  }
}

/** As com.atproto.sync.listRepos says it: a takedown covers a deactivation. */
export const statusOf = ({ takedownRef, deactivatedAt }: StoredAccount): AccountStatus => {
  if (takedownRef !== null) return 'takendown'
  return deactivatedAt === null ? 'active' : 'deactivated'
}

const stored = (account: ScriptedAccount, index = 0): StoredAccount => {
  const { handle, status, takedownRef = 'scripted', email, emailConfirmedAt } = account
  return {
    handle,
    did: account.did ?? didOf(handle),
    email: email === undefined ? `${handle.split('.')[0]}@example.com` : email,
    emailConfirmedAt: emailConfirmedAt === undefined ? '2026-01-01T00:00:00.000Z' : emailConfirmedAt,
    takedownRef: status === 'takendown' ? takedownRef : null,
    deactivatedAt: status === 'deactivated' ? NOW : null,
    createdAt: account.createdAt ?? new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
    password: account.password ?? 'password',
    inviteCode: account.inviteCode,
    invitesDisabled: account.invitesDisabled ?? false,
    repo: account.repo,
  }
}

const toView = (invite: ScriptedInvite): InviteCodeView => ({
  code: invite.code,
  available: invite.uses ?? 1,
  disabled: invite.disabled ?? false,
  forAccount: invite.forAccount ?? 'admin',
  createdBy: invite.createdBy ?? 'admin',
  createdAt: invite.createdAt ?? '2026-01-01T00:00:00.000Z',
  uses: (invite.usedBy ?? []).map(({ did, usedAt }) => ({ usedBy: did, usedAt })),
})
