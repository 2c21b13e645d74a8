import { spawnSync } from 'node:child_process'

/** A small file system in memory, until it is disposed of; for root only. */
export function mount(dir: string, options: string): Disposable {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`mount: ${stderr}`)
  return { [Symbol.dispose]: () => void spawnSync('umount', ['-l', dir]) }
}
