import { basename, dirname, join } from 'node:path'
import { Failure, failed } from './failure.ts'

/** Where a path leads, links followed, and the folder of that place. */
export interface Place {
  readonly path: string
  readonly folder: string
}

/** Follows the path; one that is not there yet stands for itself. */
export async function placeOf(path: string): Promise<Place> {
  const { lstat, realpath } = await import('node:fs/promises')
  try {
    const real = await realpath(path)
    return { path: real, folder: dirname(real) }
  } catch (cause) {
    if (!isMissing(cause)) throw unusable(path, cause)
    if (await lstat(path).catch(() => undefined))
      throw failed('store-file-unusable', `${path} is a link to what is not there`, `see it: ls -l '${path}'`)
    return { path, folder: dirname(path) }
  }
}

/** Writes a file (0600) whole or not at all: beside it, flushed, renamed, its folder flushed too. Its folder is made 0700. */
export async function replaceFile(path: string, fill: (beside: string) => Promise<void>): Promise<void> {
  const { chmod, mkdir, open, rename, rm } = await import('node:fs/promises')
  const place = await placeOf(path)
  // Always the same name, so that what a crash has left does not stay.
  const beside = join(place.folder, `.${basename(place.path)}.kimbia-ops.tmp`)
  try {
    await mkdir(place.folder, { recursive: true, mode: 0o700 })
    await rm(beside, { force: true })
    await (await open(beside, 'wx', 0o600)).close()
    await fill(beside)
    await chmod(beside, 0o600)
    await flush(beside)
    await rename(beside, place.path)
    await flush(place.folder)
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {})
    throw cause instanceof Failure ? cause : notWritten(path, cause)
  }
}

/** Removes a file, if it is there, for good. */
export async function removeFile(path: string): Promise<void> {
  const { rm } = await import('node:fs/promises')
  try {
    const place = await placeOf(path)
    await rm(place.path)
    await flush(place.folder)
  } catch (cause) {
    if (isMissing(cause)) return
    throw cause instanceof Failure ? cause : notWritten(path, cause)
  }
}

/** Looks whether a file could be written there, changing nothing. */
export async function checkWritable(path: string): Promise<void> {
  const { access, constants, stat } = await import('node:fs/promises')
  const place = await placeOf(path)
  const found = await stat(place.path).catch(() => undefined)
  if (found && !found.isFile())
    throw failed('store-file-unusable', `${path} is not a file`, `see what it is: ls -ld '${path}'`)
  let folder = place.folder
  for (;;) {
    try {
      await access(folder, constants.W_OK | constants.X_OK)
      return
    } catch (cause) {
      if (!isMissing(cause) || dirname(folder) === folder) throw notWritten(path, cause)
      folder = dirname(folder)
    }
  }
}

/** Whether that is the error of a file that is not there. */
export const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'

/** A file of a store that cannot be looked at. */
export const unusable = (path: string, cause: unknown): Failure =>
  failed(
    'store-file-unusable',
    `cannot read ${path}: ${(cause as Error).message}`,
    `see what it is: ls -ld '${path}'`,
  )

const notWritten = (path: string, cause: unknown): Failure =>
  failed(
    'store-not-written',
    `cannot write ${path}: ${(cause as Error).message}`,
    `see its folder and the room on its disk: ls -ld '${dirname(path)}'; df -h '${dirname(path)}'`,
  )

async function flush(path: string): Promise<void> {
  const { open } = await import('node:fs/promises')
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
