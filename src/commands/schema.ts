import { usage } from '../base/failure.ts'
import { safeJson } from '../base/sanitize.ts'
import { printer } from '../runner/command/command.ts'
import { findCommand, subcommands } from '../runner/command/names.ts'
import { manyArguments } from '../runner/command/parameters.ts'
import { text } from '../runner/command/types.ts'
import { overview, schema } from '../runner/docs/json-schema.ts'
import { unknownCommand } from '../runner/parse/usage-errors.ts'

/** The declaration of a command as JSON Schema, for scripts that call it. */
export default printer({
  name: 'schema',
  summary: 'Print what a command takes and gives as JSON Schema',
  about:
    'The input by its JSON names (an option’s name is the same in kebab-case), and the object that --json prints: one, or one per line. Fields are only ever added. Without a command: all of them in short, the error object, the line of a dry run and the exit codes.',
  examples: [
    'kimbia-ops schema | jq -r ".commands[].name"',
    'kimbia-ops schema account list',
    'kimbia-ops schema account takedown | jq .output.properties',
  ],
  input: { command: manyArguments(text, 'the words of a command') },
  print({ command: words }, commands) {
    if (words.length === 0) return `${safeJson(overview(commands), 2)}\n`
    const typed = words.flatMap((word) => word.split(' '))
    const found = findCommand(commands, typed)
    if (found) return `${safeJson(schema(found), 2)}\n`
    const known = typed.findIndex(
      (word, index) => !subcommands(commands, typed.slice(0, index)).includes(word),
    )
    if (known >= 0) throw unknownCommand(typed[known] ?? '', typed.slice(0, known), commands)
    const verbs = subcommands(commands, typed).join(', ')
    throw usage(
      `\`${typed.join(' ')}\` is only the first word of a command`,
      `add one of ${verbs}`,
      'unknown-command',
    )
  },
})
