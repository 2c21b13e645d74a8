import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { commands } from '../../../src/commands/index.ts'
import { foreignPhrases } from '../../../src/runner/parse/foreign-words.ts'
import { parse } from '../../../src/runner/parse/parse.ts'

const around = { env: {}, version: '1.2.3', color: false, columns: 80 }

/** What somebody who typed this line is told to type. */
async function hintOf(line: string): Promise<string> {
  const thrown: unknown = await parse(line.split(' '), commands, around).catch((cause: unknown) => cause)
  if (!(thrown instanceof Failure)) throw new Error(`${line} is not refused`)
  expect(thrown).toMatchObject({ outcome: 'usage' })
  return thrown.hint ?? ''
}

/** The commands that a hint names. */
const named = (hint: string): readonly string[] =>
  [...hint.matchAll(/`kimbia-ops ([^`]+)`/g)].map(([, name]) => name ?? '')

describe('a word of another tool', () => {
  test.each([
    ['account untakedown', ['account restore']],
    ['account unban', ['account restore']],
    ['account unsuspend', ['account restore']],
    ['account enable', ['account restore']],
    ['account unrestore', ['account takedown']],
    ['account ban', ['account takedown']],
    ['account suspend', ['account takedown']],
    ['account disable', ['account takedown']],
    ['account show', ['account info']],
    ['account get', ['account info']],
    ['account ls', ['account list']],
    ['account find', ['account list']],
    ['account rm', ['account takedown', 'account delete']],
    ['untakedown', ['account restore']],
    ['ban', ['account takedown']],
    ['unban', ['account restore']],
    ['restore', ['account restore']],
    ['restor', ['account restore']],
    ['takedown', ['account takedown']],
    ['reset-password', ['account reset-password']],
    ['create-invite-code', ['invite create']],
    ['create-invites', ['invite create']],
    ['show', ['status', 'account info', 'env list']],
    ['get', ['status', 'account info', 'env list']],
    ['ls', ['account list', 'invite list', 'hosts']],
    ['find', ['account list']],
    ['rm', ['account takedown', 'account delete']],
    ['disable', ['account takedown', 'invite disable']],
    ['enable', ['account restore']],
    ['signup disable', ['signup close']],
    ['signup enable', ['signup open']],
    ['invite rm', ['invite disable']],
    ['env rm', ['env unset']],
    ['update unlock', ['update unpin']],
    ['admin-password get', ['admin-password status']],
    ['Account', ['account']],
  ])('%s', async (line, meant) => {
    expect(named(await hintOf(line))).toEqual(meant)
  })

  test.each([
    ['invite enable', 'cannot enable an invite code again'],
    ['account undelete', 'cannot be brought back'],
    ['exec', 'there is no shell here'],
    ['stop', 'nothing here stops the PDS'],
    ['admin account list', 'leave that word out'],
  ])('%s has no command, and that is said', async (line, words) => {
    expect(await hintOf(line)).toContain(words)
  })
})

describe('no guess', () => {
  const secret = commands.filter(({ prints }) => prints === 'secret').map(({ name }) => name)

  test('among the words of other tools names what is not there, or what shows a secret', () => {
    const names = commands.map(({ name }) => name)
    for (const [phrase, meaning] of foreignPhrases()) {
      expect(names, phrase).not.toContain(phrase)
      if (typeof meaning === 'string') continue
      for (const name of meaning)
        expect(
          names.some((one) => `${one} `.startsWith(`${name} `)),
          `${phrase}: ${name}`,
        ).toBe(true)
      expect(meaning.filter((name) => secret.includes(name))).toEqual([])
    }
    expect(secret).toEqual(['admin-password show'])
  })

  test.each([
    'account untakedwn',
    'account unrestored',
    'invite enabel',
    'update unpni',
    'show',
    'admin-password shw',
    'admin-password reveal',
    'account shwo',
    'account select',
    'start',
  ])('shows a secret, turns the meaning round or deletes: %s', async (line) => {
    const opposite = /untakedwn/.test(line)
      ? 'account takedown'
      : /unrest/.test(line)
        ? 'account restore'
        : ''
    const never = [...secret, 'account delete', 'invite disable', 'update pin', 'restart', opposite]
    expect(named(await hintOf(line)).filter((name) => never.includes(name))).toEqual([])
  })

  test.each([
    ['account delte', 'account delete'],
    ['account takedwon', 'account takedown'],
    ['update unpni', 'update unpin'],
    ['env unste', 'env unset'],
    ['statsu', 'status'],
  ])('is lost for what is only misspelt: %s', async (line, meant) => {
    expect(named(await hintOf(line))).toEqual([meant])
  })

  test.each([
    ['account list --confirmed', '--unconfirmed'],
    ['env set A=1 --no-force', '--force'],
  ])('turns an option round: %s', async (line, opposite) => {
    expect(await hintOf(line)).not.toContain(`${opposite}?`)
  })
})
