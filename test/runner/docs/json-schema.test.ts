import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import print from '../../../src/commands/schema.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { findCommand } from '../../../src/runner/command/names.ts'
import { schema } from '../../../src/runner/docs/json-schema.ts'
import { showDryRun, showFailure } from '../../../src/runner/output/report.ts'
import { violations } from '../../support/json-schema.ts'
import { commands } from '../declared.ts'

function of(...words: readonly string[]) {
  const command = findCommand(commands, words)
  if (!command) throw new Error(`no ${words.join(' ')}`)
  return schema(command)
}

describe('the schema of a command', () => {
  it('has its input by JSON names, with what must be there and what holds without', () => {
    expect(of('thing', 'make')).toMatchObject({
      title: 'thing make',
      kind: 'procedure',
      risk: 'disruptive',
      input: {
        type: 'object',
        properties: {
          kind: { enum: ['red', 'blue'], description: 'which kind' },
          size: { type: 'integer', minimum: 1, maximum: 9 },
          names: { type: 'array', items: { type: 'string' } },
          uses: { type: 'integer', default: 1 },
        },
        required: ['kind', 'size'],
      },
      examples: ['kimbia-ops thing make one two --count 3'],
    })
  })

  it('has the fields of its result, and for a procedure what the runner adds', () => {
    expect(of('thing', 'list').output).toMatchObject({
      properties: { seen: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] } },
      required: ['name', 'status', 'uses', 'seen', 'note'],
    })
    expect(of('thing', 'make').output).toMatchObject({ properties: { changed: { type: 'boolean' } } })
    expect(of('box', 'list').output).toMatchObject({
      properties: {
        checks: {
          type: 'array',
          items: { properties: { ms: { type: 'integer', description: 'how long' } } },
        },
      },
    })
  })

  it('has any words for a passed-through program', () => {
    expect(of('tool')).toMatchObject({ kind: 'passthrough', input: { required: ['args'] } })
    expect(of('tool')).not.toHaveProperty('output')
  })
})

describe('schema COMMAND', () => {
  const refusal = (...command: readonly string[]): Failure => {
    try {
      print.print({ command }, commands)
    } catch (cause) {
      if (cause instanceof Failure) return cause
    }
    throw new Error('not refused')
  }

  it('prints JSON for the words of a command, together or apart', () => {
    const text = print.print({ command: ['thing', 'make'] }, commands)
    expect(JSON.parse(text)).toMatchObject({ title: 'thing make' })
    expect(print.print({ command: ['thing make'] }, commands)).toBe(text)
  })

  it('prints all commands in short where none is named, the error object and the line of a dry run', () => {
    const all = JSON.parse(print.print({ command: [] }, commands))
    expect(all.commands).toContainEqual(expect.objectContaining({ name: 'thing make', risk: 'disruptive' }))
    expect(all.exitCodes[6]).toMatchObject({ outcome: 'partial' })
    const plain = { color: false }
    const failure = new Failure({ outcome: 'failed', code: 'not-there', message: 'gone', hint: 'look' })
    expect(violations(all.error, JSON.parse(showFailure(failure, 'json', plain)))).toEqual([])
    const plan: Plan<unknown> = {
      title: 'do it',
      confirm: 'it',
      on: 'machine',
      items: [
        {
          subject: 'it',
          steps: [{ kind: 'save', why: 'Save it', path: '/x', content: 'y', mode: 0o600 }],
          rows: [],
        },
      ],
      refused: [{ subject: 'other', code: 'not-there', message: 'gone' }],
    }
    const lines = showDryRun(plan, { json: true, risk: 'routine' }, plain).trim().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(violations(all.dryRun, JSON.parse(line))).toEqual([])
  })

  it('refuses what is no command, and says what was meant', () => {
    expect(refusal('thing', 'mkae')).toMatchObject({
      code: 'unknown-command',
      hint: 'did you mean `kimbia-ops thing make`?',
    })
    expect(refusal('thing').hint).toContain('list, make')
    expect(refusal('thing', 'make', 'more').outcome).toBe('usage')
  })
})
