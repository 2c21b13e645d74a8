import { usage } from '../../base/failure.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { argument, flag, option } from '../../runner/command/parameters.ts'
import { anything, reason, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { nsid } from './shared.ts'

/** A body as it is sent, what it says, and how it may be shown. */
interface Body {
  readonly bytes?: Uint8Array
  readonly json?: unknown
  readonly shown?: string
}

async function readBody(body: string | undefined, { reader }: Views): Promise<Body> {
  if (body === undefined) return {}
  const from =
    body === '-' || body.startsWith('@') ? await reader.text(body === '-' ? '-' : body.slice(1)) : body
  let json: unknown
  try {
    json = JSON.parse(from)
  } catch (cause) {
    throw usage(
      `--body is not JSON: ${(cause as Error).message}`,
      'give JSON, @FILE, or - for standard input',
    )
  }
  return { bytes: new TextEncoder().encode(from), json, shown: JSON.stringify(masked(json)) }
}

const secret = /password|token|secret|jwt/i

/** The same without the values of fields that are secrets by their name. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, secret.test(name) ? '‹secret›' : masked(field)]),
  )
}

/** The DID that a body is about, where it names one as the methods of com.atproto do. */
function didIn(json: unknown): string | undefined {
  const { did, subject, account } = (json ?? {}) as Record<string, unknown>
  const within = (subject as { did?: unknown } | null | undefined)?.did
  return [did, within, account].find((it) => typeof it === 'string' && /^did:[a-z]+:[\w.:%-]+$/.test(it)) as
    | string
    | undefined
}

/** Any procedure of the PDS. What it does is not known here, so it is asked about and written to the trail. */
export default procedure({
  name: 'xrpc post',
  summary: 'Call any procedure of the PDS',
  about:
    'For what has no command of its own. Nothing checks the body or reads the result back. The body is shown before it is sent, without the values of fields whose name says password, token, secret or jwt, and the trail keeps none of it. A secret belongs in a file or on standard input, not on the command line.',
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
    const { bytes: body, json, shown } = await readBody(input.body, views)
    const did = didIn(json)
    const { name } = await views.host.config()
    const deletes = input.nsid.endsWith('.deleteAccount')
    const why = `Call ${input.nsid}`
    const step = {
      kind: 'raw',
      why,
      nsid: input.nsid,
      body,
      shown,
      contentType: 'application/json',
      as: input.anonymous ? 'nobody' : 'admin',
      keep: 'call',
    } as const
    return {
      title: `call ${input.nsid}`,
      confirm: deletes ? (did ?? name) : name,
      ...(deletes && { risk: 'irreversible' as const }),
      reason: input.reason,
      items: [
        {
          subject: input.nsid,
          ...(did !== undefined && { did }),
          steps: [step],
          rows: [{ answer: later('call.answer') }],
        },
      ],
    }
  },
})
