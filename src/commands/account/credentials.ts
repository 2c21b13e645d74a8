import { usage } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import type { Views } from '../../runner/command/views.ts'

// Without 0/O, 1/l/I: a password is sometimes read out over the phone.
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** A new password of four groups of six: 24 of 56 letters, 139 bits. */
export function generatePassword(): Secret {
  const group = (): string => Array.from({ length: 6 }, randomLetter).join('')
  return new Secret(Array.from({ length: 4 }, group).join('-'))
}

/** Bytes past the last whole multiple are thrown away, so that every letter is as likely. */
function randomLetter(): string {
  const fair = 256 - (256 % letters.length)
  for (;;) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1))
    if (byte < fair) return letters[byte % letters.length] as string
  }
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
