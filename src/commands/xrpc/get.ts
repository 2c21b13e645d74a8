import { failed, usage } from '../../base/failure.ts'
import { jsonOf } from '../../pds/xrpc/health-answer.ts'
import { column } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { argument, flag, manyArguments } from '../../runner/command/parameters.ts'
import { anything, type Json, text } from '../../runner/command/types.ts'
import { nsid } from './shared.ts'

/** `key=value` words as query parameters; a repeated key becomes a list. */
export function parameters(words: readonly string[]): Record<string, string | string[]> {
  const found: Record<string, string[]> = {}
  for (const word of words) {
    const at = word.indexOf('=')
    if (at < 1) throw usage(`“${word}” is not a parameter`, 'write it as key=value')
    const key = word.slice(0, at)
    found[key] = [...(found[key] ?? []), word.slice(at + 1)]
  }
  return Object.fromEntries(
    Object.entries(found).map(([key, values]) => [key, values.length === 1 ? (values[0] as string) : values]),
  )
}

/** Any query of the PDS that answers JSON, as admin unless `--anonymous`. */
export default query({
  name: 'xrpc get',
  summary: 'Call any query of the PDS that answers JSON',
  about:
    'What answers something else, such as com.atproto.sync.getRepo and com.atproto.sync.getBlob, is refused.',
  examples: [
    'kimbia-ops xrpc get com.atproto.server.describeServer',
    'kimbia-ops xrpc get com.atproto.admin.getInviteCodes limit=5 sort=usage',
  ],
  input: {
    nsid: argument(nsid, 'name of the query'),
    parameters: manyArguments(text, 'key=value; a repeated key is a list'),
    anonymous: flag('without the admin password'),
  },
  output: { answer: column(anything, 'what the PDS answered') },
  result: 'one',
  bare: 'answer',
  async read(input, { pds }) {
    const answer = await pds.get(input.nsid, parameters(input.parameters), {
      as: input.anonymous ? 'nobody' : 'admin',
    })
    const { body, contentType } = answer
    if (!/^application\/([\w.-]+\+)?json\b/.test(contentType)) {
      throw failed(
        'not-json',
        `${input.nsid} answered ${body.length} bytes of ${contentType || 'an unnamed type'}, which is not JSON`,
        'xrpc get is for queries that answer JSON: not for repos, blobs and images',
      )
    }
    return { answer: jsonOf(answer, input.nsid) as Json }
  },
})
