import { failed } from '../base/failure.ts'
import type { InviteCodeView, PdsView } from './xrpc/client.ts'

/** An invite code. Times are ISO 8601, UTC. */
export interface Invite {
  code: string
  /** How often it may be used in all. */
  uses: number
  /** How many of these uses are left; a disabled code keeps its number. */
  available: number
  disabled: boolean
  /** Who may give it out: a DID, or `admin`. */
  forAccount: string
  /** Who made it: a DID, or `admin`. */
  createdBy: string
  createdAt: string
  usedBy: InviteUse[]
}

export interface InviteUse {
  did: string
  usedAt: string
}

/** What can become of a code: `used` still has uses left. */
export type InviteState = 'unused' | 'used' | 'exhausted' | 'disabled'

/** Whether somebody can still sign up with a code. */
export const isUsable = ({ disabled, available }: Pick<Invite, 'disabled' | 'available'>): boolean =>
  !disabled && available > 0

/** All invite codes, newest first, streamed page by page (com.atproto.admin.getInviteCodes). */
export async function* listInvites(
  pds: PdsView,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Invite> {
  let cursor: string | undefined
  do {
    const params = { sort: 'recent' as const, limit: 500, ...(cursor === undefined ? {} : { cursor }) }
    const page = await pds.query('com.atproto.admin.getInviteCodes', params, { signal })
    yield* page.codes.map(toInvite)
    cursor = page.codes.length === 0 || page.cursor === cursor ? undefined : page.cursor
  } while (cursor !== undefined)
}

/** The invite codes that are wanted, newest first. Failure: failed `invite-not-found`, which names those that are not there. */
export async function findInvites(
  pds: PdsView,
  codes: readonly string[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Invite[]> {
  const wanted = new Set(codes)
  const found: Invite[] = []
  for await (const invite of listInvites(pds, options)) {
    if (wanted.delete(invite.code)) found.push(invite)
    if (wanted.size === 0) return found
  }
  throw failed(
    'invite-not-found',
    `no such invite code: ${[...wanted].join(', ')}`,
    'see: kimbia-ops invite list',
  )
}

/** A code that others may see: whoever knows the whole of it can sign up. */
export const maskCode = (code: string): string => `${code.slice(0, -5)}…`

/** An invite as it is shown, of com.atproto.server.defs#inviteCode, whose `available` is the number of uses in all. */
export const toInvite = (view: InviteCodeView): Invite => ({
  code: view.code,
  uses: view.available,
  available: Math.max(0, view.available - view.uses.length),
  disabled: view.disabled,
  forAccount: view.forAccount,
  createdBy: view.createdBy,
  createdAt: view.createdAt,
  usedBy: view.uses.map(({ usedBy, usedAt }) => ({ did: usedBy, usedAt })),
})

/** In which state a code is. */
export function inviteState(invite: Invite): InviteState {
  if (invite.disabled) return 'disabled'
  if (invite.available === 0) return 'exhausted'
  return invite.usedBy.length === 0 ? 'unused' : 'used'
}
