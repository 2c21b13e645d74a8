import type { Change } from '../host/trail/history.ts'

type Words = string | ((change: Change) => string)

const restoreByName = 'bring the accounts back by name: kimbia-ops account restore ACCOUNT…'

/** What to type instead of `undo`, by the command that was run. */
const ways: Readonly<Record<string, Words>> = {
  'account takedown': restoreByName,
  'account restore': 'take the accounts down by name: kimbia-ops account takedown ACCOUNT…',
  undo: 'see kimbia-ops trail, then kimbia-ops account restore or takedown by name',
  'account create': ({ did, subject }) =>
    `to stop serving it: kimbia-ops account takedown ${did ?? subject}; to delete it for good: kimbia-ops account delete ${did ?? subject}`,
  'account update': ({ did, subject }) =>
    `set what it was before (the trail calls it ${subject}; it keeps no addresses): kimbia-ops account update ${did ?? 'ACCOUNT'} --handle HANDLE, or --email ADDRESS`,
  'account reset-password': ({ did }) =>
    `nobody knows the former password; for another one: kimbia-ops account reset-password ${did ?? 'ACCOUNT'}`,
  'account delete': 'an account that was deleted cannot be brought back',
  'invite create': ({ time }) =>
    `see the codes: kimbia-ops invite list --since ${time}; then end them: kimbia-ops invite disable CODE`,
  'invite disable': 'a PDS cannot enable an invite code again; make new ones: kimbia-ops invite create',
  'signup open': 'kimbia-ops signup close',
  'signup close': 'kimbia-ops signup open',
  'env set':
    'the former pds.env is a dated copy under kimbia-ops/backups on the host; set what it had: kimbia-ops env set KEY=VALUE',
  'env unset':
    'the former pds.env is a dated copy under kimbia-ops/backups on the host; set what it had: kimbia-ops env set KEY=VALUE',
  'update apply': 'kimbia-ops update rollback',
  'update rollback': 'a second rollback goes forward again: kimbia-ops update rollback',
  'update pin': 'kimbia-ops update unpin',
  'update unpin': 'kimbia-ops update pin',
  'admin-password rotate': 'the former password is dead; for another one: kimbia-ops admin-password rotate',
  'admin-password show':
    'it changed nothing; if somebody saw it who should not: kimbia-ops admin-password rotate',
  restart: 'a restart leaves nothing to go back to',
  recover: 'see what it finished or undid: kimbia-ops trail',
  'xrpc post': 'what it did is not known here; call what reverses it: kimbia-ops xrpc post NSID',
  goat: 'what it did is not known here; call what reverses it: kimbia-ops goat',
  pdsadmin: 'what it did is not known here; call what reverses it: kimbia-ops pdsadmin',
}

/** The commands whose runs are told apart. */
export const knownRuns: readonly string[] = Object.keys(ways)

/** What to type to go back from a run that cannot be reversed from the trail. */
export function wayBackOf(change: Change): string {
  const words = ways[change.command ?? '']
  if (words === undefined) return 'see what it did: kimbia-ops trail'
  return typeof words === 'string' ? words : words(change)
}
