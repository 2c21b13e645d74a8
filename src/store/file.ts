import { checkWritable, isMissing, placeOf, removeFile, replaceFile, unusable } from '../base/atomic-file.ts'
import { failed } from '../base/failure.ts'
import type { Secret } from '../base/secret.ts'
import type { Store } from './store.ts'
import { held, same, unverified } from './verify.ts'

/** A store of two files that only their owner may read: PATH, and PATH.pending. */
export function fileStore(name: string, path: string): Store {
  const pendingPath = `${path}.pending`
  return {
    name,
    readable: 'yes',
    async check() {
      for (const file of [path, pendingPath]) {
        await checkPrivate(file)
        await checkWritable(file)
      }
    },
    async read() {
      return { current: await readSecret(path), pending: await readSecret(pendingPath) }
    },
    writePending: (next) => writeSecret(pendingPath, next),
    async markCurrent(now) {
      await writeSecret(path, now)
      await removeFile(pendingPath)
    },
    discard: () => removeFile(pendingPath),
  }
}

async function readSecret(path: string): Promise<Secret | undefined> {
  await checkPrivate(path)
  const { readFile } = await import('node:fs/promises')
  try {
    return held(await readFile(path, 'utf8'))
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw unusable(path, cause)
  }
}

async function writeSecret(path: string, secret: Secret): Promise<void> {
  await checkPrivate(path)
  const { writeFile } = await import('node:fs/promises')
  await replaceFile(path, (beside) => writeFile(beside, `${secret.reveal()}\n`))
  if (!same(await readSecret(path), secret)) throw unverified(path, `see what writes to it: ls -l '${path}'`)
}

/** Others may not read the file, nor put another in its place; what is not there yet will be made so. */
async function checkPrivate(path: string): Promise<void> {
  const { stat } = await import('node:fs/promises')
  const place = await placeOf(path)
  const wanted = [
    { path: place.folder, open: 0o022, mode: 'go-w', what: 'can be written by' },
    { path: place.path, open: 0o077, mode: '600', what: 'is open to' },
  ]
  for (const { path: one, open, mode, what } of wanted) {
    const found = await stat(one).catch((cause: unknown) => {
      if (isMissing(cause)) return undefined
      throw unusable(one, cause)
    })
    if (found && found.mode & open)
      throw failed(
        'store-not-private',
        `${one} ${what} other users of this machine (mode ${(found.mode & 0o777).toString(8)})`,
        `run: chmod ${mode} '${one}'`,
      )
  }
}
