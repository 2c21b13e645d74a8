import { type Failure, failed } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'

/** The end of what a program said, for a message, in which none of these secrets stands. */
export function said(text: string, hidden: readonly Secret[]): string {
  const values = hidden.map((secret) => secret.reveal()).filter((value) => value !== '')
  const spellings = values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
  // The longest first: one may hold another.
  const masked = spellings
    .sort((a, b) => b.length - a.length)
    .reduce((rest, value) => rest.replaceAll(value, String(new Secret(''))), text)
    .trim()
  return masked === '' ? '' : `: ${masked.slice(-500)}`
}

/** Whether both hold the same password. */
export const same = (one: Secret | undefined, other: Secret | undefined): boolean =>
  one?.reveal() === other?.reveal()

/** What a place holds: the text without the newline that ends it, or nothing. */
export function held(text: string): Secret | undefined {
  const value = text.replace(/\r?\n$/, '')
  return value === '' ? undefined : new Secret(value)
}

/** What was read back is not what was written. */
export const unverified = (where: string, hint: string): Failure =>
  failed('store-unverified', `${where} was written, but what is read back from it is something else`, hint)
