import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Unmounts whatever is mounted below these directories, the innermost first. */
export function unmount(below: string[]): void {
  const places = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => below.some((dir) => place.startsWith(`${dir}/`)))
  for (const place of places.reverse()) spawnSync('umount', ['-l', place])
}
