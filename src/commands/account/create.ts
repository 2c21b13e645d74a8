import { failed, usage } from '../../base/failure.ts'
import { fullHandle } from '../../pds/accounts/accounts.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { type XrpcStep, xrpc } from '../../plan/steps/xrpc.ts'
import { column, detail } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, option, optionalArgument } from '../../runner/command/parameters.ts'
import { did, email, handle, newHandle, optional, password, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { assertFree } from './assert-free.ts'
import { choosePassword } from './credentials.ts'

interface Wanted {
  readonly handle: string
  readonly email: string
}

/** Handle and email in whichever order they came, or asked for. */
async function wanted(
  words: readonly (string | undefined)[],
  flags: { handle: string | undefined; email: string | undefined },
  views: Views,
): Promise<Wanted> {
  const given = words.filter((word) => word !== undefined)
  const isEmail = (word: string): boolean => word.replace(/^@/, '').includes('@')
  const emails = [...given.filter(isEmail), ...(flags.email === undefined ? [] : [flags.email])]
  const handles = [
    ...given.filter((word) => !isEmail(word)),
    ...(flags.handle === undefined ? [] : [flags.handle]),
  ]
  if (emails.length > 1) throw usage(`two emails were given: ${emails.join(' and ')}`)
  if (handles.length > 1) throw usage(`two handles were given: ${handles.join(' and ')}`)
  const [handle] = handles.map((word) => newHandle.parse(word))
  return {
    email: email.parse(emails[0] ?? (await views.askFor('Email address', '<email>'))),
    handle: handle ?? newHandle.parse(await askForHandle(views)),
  }
}

/** Nobody need know by heart what the server adds to a bare name. */
async function askForHandle(views: Views): Promise<string> {
  const question = async () => {
    const { availableUserDomains } = await views.pds.query('com.atproto.server.describeServer', {})
    const [domain] = availableUserDomains
    return domain === undefined ? 'Handle' : `Handle (a name alone gets ${domain})`
  }
  return await views.askFor(question, '<handle>')
}

const inviteStep = (name: string): XrpcStep =>
  xrpc(
    'Make an invite code of one use, as this server demands one',
    'com.atproto.server.createInviteCode',
    { useCount: 1 },
    {
      keep: 'invite',
      ifLost:
        'kimbia-ops invite list; one made just now and not used by anyone may be it: kimbia-ops invite disable',
      undo: xrpc(
        `Disable the invite code made for ${name}`,
        'com.atproto.admin.disableInviteCodes',
        { codes: [later('invite.code')] },
        { repeatable: 'yes', proof: { kind: 'invites disabled', codes: [later('invite.code')] } },
      ),
    },
  )

/** Makes an account, with an invite code only where one is demanded, and proves it by a login. */
export default procedure({
  name: 'account create',
  summary: 'Make an account',
  about:
    'A handle without a dot gets the domain of the server. A strong password is generated and printed once, unless it comes on standard input. Where the server demands an invite code, one of one use is made, and disabled again if the account cannot be made.',
  examples: [
    'kimbia-ops account create alice@example.com alice',
    'kimbia-ops account create alice@example.com alice.kimbia.social --json',
    'pass show alice | kimbia-ops account create alice@example.com alice --password-stdin',
  ],
  risk: 'routine',
  input: {
    emailWord: optionalArgument(text, 'address of the account holder', { called: 'email' }),
    handleWord: optionalArgument(text, 'handle, or its first part', { called: 'handle' }),
    email: option(text, 'the address, when it is not given as a word'),
    handle: option(text, 'the handle, when it is not given as a word'),
    passwordStdin: flag('take the password from the first line of standard input'),
  },
  output: {
    handle: column(handle, 'handle of the new account'),
    did: column(did, 'permanent identifier'),
    email: column(email, 'address'),
    password: column(
      optional(password),
      'generated password, shown this once; null when it came on standard input',
    ),
    inviteCode: detail(optional(text), 'code that was made and used for it'),
  },
  async plan(input, views) {
    const { email, handle: name } = await wanted([input.emailWord, input.handleWord], input, views)
    const secret = await choosePassword(input.passwordStdin, views)
    const server = await views.pds.query('com.atproto.server.describeServer', {})
    const handle = fullHandle(name, server.availableUserDomains)
    if (!server.availableUserDomains.some((domain) => handle.endsWith(domain))) {
      throw failed(
        'handle-not-here',
        `${handle} is not under a domain of this server (${server.availableUserDomains.join(', ')})`,
        'make it under a domain of the server, then: account update <account> --handle <handle>',
      )
    }
    const invited = server.inviteCodeRequired === true
    await assertFree({ handle, email }, views)
    const create = xrpc(
      `Make the account ${handle}`,
      'com.atproto.server.createAccount',
      {
        handle,
        email,
        password: secret.value,
        ...(invited && { inviteCode: later('invite.code') }),
      },
      {
        as: 'nobody',
        keep: 'account',
        proof: { kind: 'login', identifier: later('account.did'), password: secret.value },
        ifLost: `kimbia-ops account info ${handle}; if it is there, kimbia-ops account reset-password ${handle}`,
      },
    )
    return {
      title: `make the account ${handle} for ${email}`,
      confirm: handle,
      items: [
        {
          subject: handle,
          steps: invited ? [inviteStep(handle), create] : [create],
          rows: [
            {
              handle,
              did: later('account.did'),
              email,
              password: secret.shown,
              inviteCode: invited ? later('invite.code') : null,
            },
          ],
        },
      ],
    }
  },
})
