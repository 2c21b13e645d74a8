/** What each noun is about, for the pages of the reference; the commands of a single word are about the host. */
export const nouns: Readonly<Record<string, string>> = {
  host: 'The host and the PDS as a whole, and this program itself',
  account: 'Accounts: find, make, change, take down, delete',
  invite: 'Invite codes',
  signup: 'Whether anybody may sign up without an invite code',
  update: 'The image that the PDS runs',
  env: 'The settings in pds.env',
  'admin-password': 'The admin password and its rotation',
  xrpc: 'Any endpoint of the PDS',
}
