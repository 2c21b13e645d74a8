/** What a word of another tool means here: the commands to suggest, the mildest first, or what to say instead. */
export type Meaning = readonly string[] | string

/** Words of pdsadmin, goat, kubectl, docker and gh, by the noun before them; many words of one meaning in a line. */
type Words = Readonly<Record<string, Meaning>>

const account: Words = {
  'untakedown unban unsuspend unblock unlock unfreeze unmute undisable undeactivate enable activate reactivate reinstate reopen':
    ['account restore'],
  'ban suspend block lock disable deactivate freeze mute kick hide close quarantine shadowban unrestore': [
    'account takedown',
  ],
  'rm remove del destroy purge erase drop wipe unregister': ['account takedown', 'account delete'],
  'show get view describe inspect display cat read lookup whois status resolve': ['account info'],
  'ls find search query grep filter all': ['account list'],
  'new add make register': ['account create'],
  'edit set modify change rename mv patch update-handle update-email set-handle set-email': [
    'account update',
  ],
  'passwd password pw reset set-password update-password change-password': ['account reset-password'],
  recover: ['account restore', 'account reset-password'],
  undelete: 'a deleted account cannot be brought back; what was taken down can: kimbia-ops account restore',
}

const invite: Words = {
  'ls show get find search view describe inspect codes all status': ['invite list'],
  'new add make generate issue code create-code': ['invite create'],
  'rm remove del delete destroy revoke expire cancel purge block ban': ['invite disable'],
  'enable undisable restore reactivate unrevoke':
    'a PDS cannot enable an invite code again; make a new one: kimbia-ops invite create',
}

const signup: Words = {
  'show get info view describe check ls list': ['signup status'],
  'disable lock stop off pause shut block deny': ['signup close'],
  'enable unlock start on allow resume reopen unblock': ['signup open'],
}

const env: Words = {
  'ls show cat view print describe all': ['env list'],
  'add edit put change update modify write': ['env set'],
  'rm remove del delete clear drop': ['env unset'],
  'validate lint test verify': ['env check'],
  compare: ['env diff'],
}

const update: Words = {
  'ls list show get status info view': ['update check'],
  'run install upgrade do now pull': ['update apply'],
  'undo revert back downgrade restore': ['update rollback'],
  'lock hold freeze': ['update pin'],
  'unlock unhold unfreeze release': ['update unpin'],
}

const adminPassword: Words = {
  'get print view reveal read cat display check age info': ['admin-password status'],
  'change reset set update renew new generate': ['admin-password rotate'],
}

const xrpc: Words = {
  query: ['xrpc get'],
  'procedure put': ['xrpc post'],
  call: ['xrpc get', 'xrpc post'],
}

/** Behind no noun; what is not here is looked for among the words about accounts. */
const first: Words = {
  'show get': ['status', 'account info', 'env list'],
  'describe inspect info view': ['status', 'account info'],
  'ls list': ['account list', 'invite list', 'hosts'],
  edit: ['env set', 'account update'],
  disable: ['account takedown', 'invite disable'],
  'close off': ['signup close'],
  'user users accounts actor actors member members': ['account'],
  'code codes invites': ['invite'],
  'config settings setting': ['env'],
  'secret secrets': ['env list', 'admin-password status'],
  password: ['admin-password status', 'account reset-password'],
  'create-invite-code create-invite create-invites create-invite-codes': ['invite create'],
  'disable-invite disable-invites revoke': ['invite disable'],
  'list-invites': ['invite list'],
  'log tail journal journalctl': ['logs'],
  'history audit events': ['trail'],
  'top stats df': ['status'],
  'check doctor ping diagnose': ['health', 'env check', 'update check'],
  'upgrade pull': ['update check', 'update apply'],
  revert: ['undo', 'update rollback'],
  'reload bounce rollout reboot': ['restart'],
  'context contexts use use-context get-contexts whoami': ['hosts'],
  'login auth setup configure': ['init'],
  'api curl call': ['xrpc get', 'xrpc post'],
  'request-crawl crawl': ['pdsadmin'],
  'repo blob record plc firehose bsky lex key resolve': ['goat'],
  'pds admin': 'leave that word out: kimbia-ops account list, kimbia-ops invite create, kimbia-ops status',
  'exec sh shell bash ssh attach':
    'there is no shell here: use ssh itself; the tools of the host are kimbia-ops goat and kimbia-ops pdsadmin',
  'up start':
    'kimbia-ops ps tells whether the PDS runs; kimbia-ops restart starts it, and interrupts it where it runs',
  'down stop kill halt shutdown':
    'nothing here stops the PDS; kimbia-ops ps tells how it is, and kimbia-ops signup close keeps newcomers out',
}

const byNoun: Readonly<Record<string, Words>> = {
  '': first,
  account,
  invite,
  signup,
  env,
  update,
  'admin-password': adminPassword,
  xrpc,
}

const lookUp = (word: string, words: Words): Meaning | undefined =>
  Object.entries(words).find(([names]) => names.split(' ').includes(word))?.[1]

/** What a word means behind these words; undefined where no other tool is known to have it. */
export const foreignMeaning = (word: string, before: readonly string[]): Meaning | undefined =>
  lookUp(word, byNoun[before.join(' ')] ?? {})

/** What a word means that stands alone, though it is said of accounts. */
export const accountMeaning = (word: string): Meaning | undefined => lookUp(word, account)

/** All words that are known, each behind its noun. */
export const foreignPhrases = (): readonly (readonly [phrase: string, meaning: Meaning])[] =>
  Object.entries(byNoun).flatMap(([noun, words]) =>
    Object.entries(words).flatMap(([names, meaning]) =>
      names.split(' ').map((name) => [noun === '' ? name : `${noun} ${name}`, meaning] as const),
    ),
  )
