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
