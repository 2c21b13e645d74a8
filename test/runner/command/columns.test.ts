import { describe, expect, it } from 'vitest'
import { commands } from '../../../src/commands/index.ts'
import { type Columns, labelOf } from '../../../src/runner/command/columns.ts'
import { resultOf } from '../../../src/runner/command/result.ts'

describe('the label of a field', () => {
  it.each([
    ['createdAt', 'created'],
    ['outageMs', 'outage'],
    ['ms', 'ms'],
    ['did', 'DID'],
    ['inviteCodeRequired', 'invite code required'],
    ['imageId', 'image ID'],
  ])('of %s is %s', (key, label) => {
    expect(labelOf(key, {})).toBe(label)
  })

  it('may be given', () => {
    expect(labelOf('newAccounts24h', { label: 'new in 24 h' })).toBe('new in 24 h')
  })

  const labelsOf = (columns: Columns): string[] =>
    Object.entries(columns).map(([key, it]) => labelOf(key, it))

  it.each(commands.map((command) => [command.name, resultOf(command)] as const))(
    'of each field of %s is its own, and no name of a field',
    (_, columns) => {
      const all = [columns, ...Object.values(columns).flatMap(({ rows }) => (rows ? [rows] : []))]
      for (const labels of all.map(labelsOf)) {
        expect(new Set(labels).size).toBe(labels.length)
        for (const label of labels) expect(label).not.toMatch(/[a-z][A-Z0-9]/)
      }
    },
  )
})
