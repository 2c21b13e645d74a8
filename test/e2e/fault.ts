import { expect } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { problem, type Ran } from './cli.ts'

/** The error of a `--json` run that failed in this way: no result, and a hint whose commands exist. */
export function faultOf(ran: Ran, exit: number, code: string): { message: string; hint: string } {
  const { code: said, message, hint } = problem(ran)
  expect({ exit: ran.code, stdout: ran.stdout, code: said, message }).toEqual({
    exit,
    stdout: '',
    code,
    message: expect.stringMatching(/./),
  })
  expect(hint, `the hint of ${code}`).toBeTruthy()
  for (const [, words = ''] of (hint ?? '').matchAll(/kimbia-ops (?!does )((?:[a-z-]+ ?)+)/g))
    expect(commands.map(({ name }) => name).some((name) => `${words} `.startsWith(`${name} `))).toBe(true)
  return { message, hint: hint ?? '' }
}
