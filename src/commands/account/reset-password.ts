import { failed, usage } from '../../base/failure.ts'
import { finding } from '../../moderation/find-options.ts'
import { named } from '../../pds/accounts/accounts.ts'
import { findAccount } from '../../pds/accounts/find-account.ts'
import { xrpc } from '../../plan/steps/xrpc.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { argument, flag } from '../../runner/command/parameters.ts'
import { account, did, handle, optional, password, yesNo } from '../../runner/command/types.ts'
import { choosePassword } from './credentials.ts'

/** Sets a new password, or sends the account holder the PDS's own reset mail. */
export default procedure({
  name: 'account reset-password',
  summary: 'Set a new password, or mail a reset code',
  about:
    'A new password ends the password sessions of the account. App passwords and OAuth sessions survive it: if the account was stolen, take it down first. With --send-mail nothing changes until the account holder uses the code of the mail.',
  examples: [
    'kimbia-ops account reset-password alice.kimbia.social',
    'kimbia-ops account reset-password alice --send-mail --yes',
    'pass show alice | kimbia-ops account reset-password alice --password-stdin --yes',
  ],
  risk: 'disruptive',
  input: {
    account: argument(account, 'handle, DID, URL or email'),
    passwordStdin: flag('take the password from the first line of standard input'),
    sendMail: flag('let the PDS mail a reset code instead'),
  },
  output: {
    handle: column(handle, 'current handle'),
    did: column(did, 'permanent identifier'),
    password: column(optional(password), 'generated password, shown this once; null when none was generated'),
    mailed: column(yesNo, 'whether a reset mail was asked for'),
  },
  async plan({ account: ref, passwordStdin, sendMail }, views) {
    if (passwordStdin && sendMail) throw usage('--password-stdin and --send-mail exclude each other')
    const secret = sendMail ? undefined : await choosePassword(passwordStdin, views)
    const found = await findAccount(views.pds, ref, finding(views))
    const common = { subject: named(found), did: found.did }
    const rows = [{ handle: found.handle, did: found.did, password: secret?.shown ?? null, mailed: sendMail }]
    if (secret === undefined) {
      const { email } = found
      if (email === null)
        throw failed(
          'no-email',
          `${named(found)} has no email address`,
          'set a password instead: leave --send-mail out',
        )
      const mail = xrpc(
        `Ask the PDS to mail a reset code to ${email}`,
        'com.atproto.server.requestPasswordReset',
        { email },
        { as: 'nobody' },
      )
      return {
        title: `mail a password reset code to ${named(found)}`,
        confirm: found.handle,
        items: [{ ...common, steps: [mail], rows }],
        afterwards: ['the PDS took the request; whether the mail left depends on its PDS_EMAIL_SMTP_URL'],
      }
    }
    const set = xrpc(
      `Set a new password for ${found.handle}`,
      'com.atproto.admin.updateAccountPassword',
      { did: found.did, password: secret.value },
      {
        repeatable: 'yes',
        proof: { kind: 'login', identifier: found.did, password: secret.value },
      },
    )
    return {
      title: `reset the password of ${named(found)}`,
      confirm: found.handle,
      items: [{ ...common, steps: [set], rows }],
      afterwards: [
        'app passwords and OAuth sessions of the account still work; to end them too: account takedown, then account restore',
      ],
    }
  },
})
