import { usage } from '../../failure.ts'
import { argument, column, flag, option, procedure, type Views } from '../../runner/command.ts'
import { later } from '../../runner/plan.ts'
import { anything, text } from '../../runner/type.ts'
import { reason } from '../account/shared.ts'
import { nsid } from './shared.ts'

async function readBody(body: string | undefined, { reader }: Views): Promise<Uint8Array | undefined> {
  if (body === undefined) return undefined
  const from =
    body === '-' || body.startsWith('@') ? await reader.text(body === '-' ? '-' : body.slice(1)) : body
  try {
    JSON.parse(from)
  } catch (cause) {
    throw usage(
      `--body is not JSON: ${(cause as Error).message}`,
      'give JSON, @FILE, or - for standard input',
    )
  }
  return new TextEncoder().encode(from)
}

/** Any procedure of the PDS. What it does is not known here, so it is asked about and written to the trail. */
export default procedure({
  name: 'xrpc post',
  summary: 'Call any procedure of the PDS',
  about:
    'For what has no command of its own. Nothing checks the body or reads the result back. A secret belongs in a file or on standard input, not on the command line.',
  examples: [
    `kimbia-ops xrpc post com.atproto.admin.disableAccountInvites --body '{"account":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"}'`,
    'kimbia-ops xrpc post com.atproto.admin.sendEmail --body @mail.json --yes',
  ],
  risk: 'disruptive',
  input: {
    nsid: argument(nsid, 'name of the procedure'),
    body: option(text, 'JSON, @FILE, or - for standard input'),
    anonymous: flag('without the admin password'),
    reason: option(reason, 'kept in the trail'),
  },
  output: { answer: column(anything, 'what the PDS answered, null when nothing') },
  bare: 'answer',
  async plan(input, views) {
    const body = await readBody(input.body, views)
    const { name } = await views.host.config()
    const why = `Call ${input.nsid}`
    const step = {
      kind: 'raw',
      why,
      nsid: input.nsid,
      body,
      contentType: 'application/json',
      as: input.anonymous ? 'nobody' : 'admin',
      keep: 'call',
    } as const
    return {
      title: `call ${input.nsid}`,
      confirm: name,
      reason: input.reason,
      items: [{ subject: input.nsid, steps: [step], rows: [{ answer: later('call.answer') }] }],
    }
  },
})
