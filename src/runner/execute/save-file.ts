import { dirname, join } from 'node:path'
import { failed } from '../../base/failure.ts'
import type { SaveStep } from '../../plan/steps/save.ts'

/** Writes a file of this machine whole or not at all: beside it, flushed, then renamed. Its folder is made 0700. */
export async function saveFile({ path, content, mode }: SaveStep): Promise<void> {
  const { chmod, mkdir, open, realpath, rename, rm } = await import('node:fs/promises')
  // A config that is a link into a folder of dotfiles stays one.
  const target = await realpath(path).catch(() => path)
  const beside = join(dirname(target), `.${process.pid}.kimbia-ops.tmp`)
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    const file = await open(beside, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await chmod(beside, mode)
    await rename(beside, target)
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {})
    throw failed('file-not-written', `cannot write ${path}: ${(cause as Error).message}`, undefined, cause)
  }
}
