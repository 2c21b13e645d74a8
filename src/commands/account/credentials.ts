import { randomInt } from 'node:crypto'
import { usage } from '../../failure.ts'
import type { Views } from '../../runner/command.ts'
import { Secret } from '../../secret.ts'

// Without 0/O, 1/l/I: a password is sometimes read out over the phone.
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** A new password of four groups of six: 24 of 56 letters, 139 bits. */
export function generatePassword(): Secret {
  const group = (): string => Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join('')
  return new Secret(Array.from({ length: 4 }, group).join('-'))
}

/** The password to set: from standard input, or a new one that is to be shown once. */
export async function choosePassword(
  fromStdin: boolean,
  { reader }: Pick<Views, 'reader'>,
): Promise<{ value: Secret; shown: Secret | null }> {
  if (!fromStdin) {
    const value = generatePassword()
    return { value, shown: value }
  }
  const line = await reader.line()
  if (line.length < 8) throw usage('the password on standard input is shorter than 8 characters')
  if (line.length > 256) throw usage('the password on standard input is longer than 256 characters')
  return { value: new Secret(line), shown: null }
}
