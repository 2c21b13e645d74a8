import { outcomes } from '../../base/failure.ts'
import type { Columns } from '../command/columns.ts'
import type { Command } from '../command/command.ts'
import { examplesOf, paramsOf } from '../command/names.ts'
import type { Param, Params } from '../command/parameters.ts'
import { resultOf } from '../command/result.ts'
import type { JsonSchema } from '../command/types.ts'

/** A command for programs: its input and its result as JSON Schema (draft 2020-12). */
export function schema(command: Command): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: command.name,
    description: [command.summary, command.about].filter(Boolean).join('\n\n'),
    kind: command.kind,
    ...(command.kind === 'procedure' && { risk: command.risk }),
    ...(command.kind === 'query' && { result: command.result }),
    input: command.kind === 'passthrough' ? anyWords : inputSchema(paramsOf(command)),
    ...outputOf(command),
    examples: examplesOf(command),
  }
}

const anyWords: JsonSchema = {
  type: 'object',
  properties: { args: { type: 'array', items: { type: 'string' } } },
  required: ['args'],
}

function inputSchema(params: Params): JsonSchema {
  const entries = Object.entries(params)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([key, param]) => [key, paramSchema(param)])),
    required: entries.filter(([, { count }]) => count === 'one').map(([key]) => key),
    additionalProperties: false,
  }
}

function paramSchema({ type, count, about, fallback }: Param<unknown>): JsonSchema {
  const value: JsonSchema = count === 'many' ? { type: 'array', items: type.schema } : type.schema
  return { ...value, description: about, ...(fallback !== undefined && { default: type.json(fallback) }) }
}

/** What stands on stdout with `--json`: one object, or one object per line. */
function outputOf(command: Command): { readonly output?: JsonSchema } {
  if (command.kind !== 'query' && command.kind !== 'procedure') return {}
  const columns: Columns = resultOf(command)
  const bare = command.bare === undefined ? undefined : columns[command.bare]
  return { output: bare ? { ...bare.type.schema, description: bare.about } : rowSchema(columns) }
}

function rowSchema(columns: Columns): JsonSchema {
  const fields = Object.entries(columns)
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map(([key, { type, about, rows }]) => [
        key,
        { ...(rows ? { type: 'array', items: rowSchema(rows) } : type.schema), description: about },
      ]),
    ),
    required: fields.map(([key]) => key),
  }
}

/** All commands in short, and what any of them may print beside its result: for whoever writes the first script. */
export function overview(commands: readonly Command[]): JsonSchema {
  return {
    commands: commands.map((command) => ({
      name: command.name,
      kind: command.kind,
      ...(command.kind === 'procedure' && { risk: command.risk }),
      summary: command.summary,
    })),
    error,
    dryRun,
    exitCodes: Object.fromEntries(
      Object.entries(outcomes).map(([name, { code, meaning }]) => [code, { outcome: name, meaning }]),
    ),
  }
}

const words = { type: 'string' }

/** The object on standard error with `--json`, where the exit code is not 0 (`health` and the like aside). */
const error: JsonSchema = {
  type: 'object',
  description: 'the last line of standard error with --json, where a command has failed',
  properties: {
    error: {
      type: 'object',
      description: 'some have more fields, such as the targets that failed',
      properties: {
        code: {
          ...words,
          pattern: '^[a-z0-9-]+$',
          description: 'what went wrong, in a word that stays the same',
        },
        message: { ...words, description: 'what was tried, where, and what came back' },
        hint: { ...words, description: 'what to type next' },
      },
      required: ['code', 'message'],
    },
  },
  required: ['error'],
}

/** The line of a target with `--dry-run --json`. */
const dryRun: JsonSchema = {
  type: 'object',
  description: 'one line a target on standard output with --dry-run --json',
  properties: {
    dryRun: { enum: [true] },
    subject: { ...words, description: 'what would be changed' },
    did: { ...words, description: 'of an account' },
    steps: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          why: { ...words, description: 'a sentence for people' },
          does: { ...words, description: 'the exact request, line or file, without secrets' },
        },
        required: ['why', 'does'],
      },
    },
    changed: { type: 'boolean', description: 'whether there is anything to do' },
    error: {
      description: 'why this target cannot be changed',
      ...(error.properties as { error: JsonSchema }).error,
    },
  },
  required: ['dryRun', 'subject', 'steps', 'changed'],
}
