import { dirname, join } from 'node:path'
import { failed } from '../failure.ts'
import type { SaveStep } from './plan.ts'

/** Writes a file of this machine whole or not at all: beside it, flushed, then renamed. Its folder is made 0700. */
export async function saveFile({ path, content, mode }: SaveStep): Promise<void> {
  const { chmod, mkdir, open, rename, rm } = await import('node:fs/promises')
  const beside = join(dirname(path), `.${process.pid}.kimbia-ops.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(beside, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await chmod(beside, mode)
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true })
    throw failed('file-not-written', `cannot write ${path}: ${(cause as Error).message}`, undefined, cause)
  }
}
