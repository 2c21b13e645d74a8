import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory that is gone afterwards. */
export interface Scratch extends AsyncDisposable {
  readonly dir: string
  /** The path of a name in it. */
  file(name: string): string
}

/** Makes a directory of one's own. */
export async function scratch(): Promise<Scratch> {
  const dir = await mkdtemp(join(tmpdir(), 'kimbia-'))
  return {
    dir,
    file: (name) => join(dir, name),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

/** Makes one that other users of this machine may write to as well. */
export async function scratchForAll(): Promise<Scratch> {
  const place = await scratch()
  await chmod(place.dir, 0o777)
  return place
}
