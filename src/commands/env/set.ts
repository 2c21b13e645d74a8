import { spellValue } from '../../host/env/quote.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, manyArguments } from '../../runner/command/parameters.ts'
import { text } from '../../runner/command/types.ts'
import { editColumns, editOptions, planEdit } from './shared.ts'
import { readAssignments } from './words.ts'

/** Settings are changed where they stand, applied, and put back if the PDS does not come up healthy with them. */
export default procedure({
  name: 'env set',
  summary: 'Change settings in pds.env, and apply them',
  about:
    'Comments, order and everything else in the file stay. The container is recreated, since a restart does not read pds.env again; if the PDS does not come up healthy, file and container are put back. Secrets are taken from standard input alone.',
  examples: [
    'kimbia-ops env set PDS_BLOB_UPLOAD_LIMIT=104857600',
    'kimbia-ops env set PDS_RATE_LIMITS_ENABLED=true LOG_LEVEL=warn --yes',
    'pass show smtp-url | kimbia-ops env set PDS_EMAIL_SMTP_URL --stdin --yes',
    'kimbia-ops env set - --dry-run < new-settings.env',
  ],
  risk: 'disruptive',
  on: 'host',
  input: {
    settings: manyArguments(text, 'KEY=VALUE, KEY with --stdin, or - for lines KEY=VALUE on standard input'),
    stdin: flag('take the value from the first line of standard input'),
    quote: flag('put a value in single quotes where it needs them; goat reads those differently'),
    unknown: flag('set what no PDS is known to read'),
    ...editOptions,
  },
  output: editColumns,
  async plan({ settings, quote, stdin, unknown, ...rest }, views) {
    const changes = await readAssignments({ words: settings, stdin, unknown }, views)
    const quoting = quote ? 'single' : 'none'
    for (const [key, value] of changes) spellValue(key, value, quoting)
    return await planEdit({ verb: 'set', changes, quoting, ...rest }, views)
  },
})
