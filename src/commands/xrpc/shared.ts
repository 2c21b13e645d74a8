import { usage } from '../../base/failure.ts'
import type { Type } from '../../runner/command/types.ts'

/** The name of a method (atproto.com/specs/nsid), or one that begins with `_` such as `_health`. */
export const nsid: Type<string> = {
  name: 'nsid',
  schema: { type: 'string' },
  parse(word) {
    if (/^(_[a-z]+|[a-z0-9-]+(\.[a-zA-Z0-9-]+){2,})$/i.test(word)) return word
    throw usage(`“${word}” is not the name of a method`, 'such as com.atproto.server.describeServer')
  },
  show: (value) => value,
  json: (value) => value,
}
