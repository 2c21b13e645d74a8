import { checkWritable, isMissing, removeFile, replaceFile, unusable } from '../base/atomic-file.ts'
import { type Failure, failed } from '../base/failure.ts'
import { runProgram } from '../base/local-program.ts'
import { Secret } from '../base/secret.ts'
import { notReadable, readBoth, readingLine } from './command.ts'
import { checkLine, deadline, outputOf, readFrom, type Slot } from './shell-command.ts'
import type { Store, StoreOptions } from './store.ts'
import { same, unverified } from './verify.ts'

/** A store of two files encrypted with age to a recipient: PATH, and PATH.pending. */
export function ageStore(
  name: string,
  recipient: string,
  path: string,
  { hostName, readCommand }: StoreOptions,
): Store {
  const files = { current: path, pending: `${path}.pending` } as const
  const reading = (slot: Slot) =>
    readCommand === undefined ? undefined : readingLine(readCommand, slot, hostName)
  return {
    name,
    readable: readCommand === undefined ? 'no' : 'yes',
    async check() {
      await encrypt(recipient, new Secret(''), [])
      for (const file of Object.values(files)) await checkWritable(file)
      const back = reading('current')
      if (back) await checkLine(back)
    },
    async read() {
      const [current, pending] = [reading('current'), reading('pending')]
      if (!current || !pending) throw notReadable(name)
      if (!(await isThere(path))) return { current: undefined, pending: undefined }
      const kept = await readBoth(current, pending)
      return (await isThere(files.pending)) ? kept : { ...kept, pending: undefined }
    },
    async writePending(next) {
      await replaceFile(files.pending, (beside) => encrypt(recipient, next, ['-o', beside]))
      await proveEncrypted(files.pending)
    },
    async markCurrent(now) {
      await replaceFile(path, (beside) => encrypt(recipient, now, ['-o', beside]))
      await proveEncrypted(path)
      const back = reading('current')
      if (back && !same(await readFrom(back), now))
        throw unverified(path, 'does “read” in the config decrypt this file? run it by hand')
      await removeFile(files.pending)
    },
    discard: () => removeFile(files.pending),
  }
}

async function encrypt(recipient: string, secret: Secret, words: readonly string[]): Promise<void> {
  // A line of its own in the file, as a text file has it.
  const stdin = new Secret(`${secret.reveal()}\n`)
  const ended = await runProgram({
    file: 'age',
    words: ['-r', recipient, ...words],
    stdin,
    deadline,
    group: 'own',
  })
  if (ended.kind === 'not-started') throw noAge(ended.reason)
  outputOf(ended, 'age', [secret])
}

const noAge = (reason: string): Failure =>
  failed(
    'store-tool-missing',
    `age cannot be run on this machine: ${reason}`,
    'install it (Debian, Ubuntu, Homebrew: the package “age”), or put its folder in PATH',
  )

/** Only the key of the recipient could tell more. */
async function proveEncrypted(path: string): Promise<void> {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(path, 'latin1').catch((cause: unknown) => {
    throw unusable(path, cause)
  })
  if (!text.startsWith('age-encryption.org/v1\n'))
    throw unverified(path, 'is “age” the encryption tool of that name? see: age --version')
}

async function isThere(path: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises')
  return stat(path).then(
    () => true,
    (cause: unknown) => {
      if (isMissing(cause)) return false
      throw unusable(path, cause)
    },
  )
}
