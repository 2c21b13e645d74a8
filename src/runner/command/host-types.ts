import { usage } from '../../base/failure.ts'
import { type Type, text } from './types.ts'

/** A text of a certain shape. */
const matching = (name: string, pattern: RegExp, hint: string): Type<string> => ({
  ...text,
  name,
  parse(word) {
    if (pattern.test(word)) return word
    throw usage(`“${word}” is not a ${name}`, hint)
  },
})
/** What a host is called, or a compose service. */
export const hostName = matching(
  'name',
  /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  'use letters, digits, “.”, “_” and “-”',
)
/** Where to connect to. */
export const target = matching(
  'target',
  /^[^\s-]\S*$/,
  'write [user@]host[:port], an alias of the ssh config, or local',
)
/** A directory of the host. */
export const directory = matching('directory', /^\/\S*$/, 'write an absolute path on the host, such as /pds')
/** A compose file of the host. */
export const composeFile = matching(
  'file',
  /^[^\s-]\S*$/,
  'write a path on the host, absolute or from the directory of pds.env on',
)
/** A compose project, as compose takes its name. */
export const projectName = matching(
  'project',
  /^[a-z0-9][a-z0-9_-]*$/,
  'use small letters, digits, “_” and “-”',
)
