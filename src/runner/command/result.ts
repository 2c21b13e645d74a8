import { type Columns, column, detail } from './columns.ts'
import type { Command } from './command.ts'
import { optional, text, yesNo } from './types.ts'

/** The fields that the runner adds to every row of a procedure's result. */
export const added = {
  changed: column(yesNo, 'false when there was nothing to do'),
  operation: detail(
    optional(text),
    'the run that changed it, for trail and undo; null when there was nothing to do',
  ),
} as const satisfies Columns

/** All fields of a command's result, in order. */
export function resultOf(command: Command): Columns {
  switch (command.kind) {
    case 'query':
      return command.output
    case 'procedure':
      return { ...command.output, ...added }
    case 'printer':
    case 'passthrough':
      return {}
  }
}
