import { column, detail, table } from '../../runner/command/columns.ts'
import { code, count, did, moment, text, yesNo } from '../../runner/command/types.ts'

/** The fields of an invite code (com.atproto.server.defs#inviteCode), with uses counted. */
export const inviteColumns = {
  code: column(code, 'the code'),
  uses: column(count, 'how often it may be used in all'),
  available: column(count, 'uses left'),
  disabled: column(yesNo, 'whether it was disabled'),
  forAccount: column(text, 'account it belongs to, or admin'),
  createdBy: detail(text, 'who made it'),
  createdAt: column(moment, 'when it was made, UTC'),
  usedBy: table(
    { did: column(did, 'account that used it'), usedAt: column(moment, 'when, UTC') },
    'accounts that used it',
  ),
}
