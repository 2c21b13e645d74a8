import { unreachable } from '../base/failure.ts'
import { ask, type Shell } from '../ssh/shell.ts'
import type { HostView } from './access/host.ts'

/** A file system of the host, in bytes. */
export interface Disk {
  /** Where it is mounted. */
  readonly mount: string
  readonly size: number
  readonly free: number
  /** As df counts it: of what users may use. */
  readonly usedPercent: number
}

/** What the data of a PDS takes up, and how much room there is. */
export interface DiskUse {
  /** The file systems of its directory and of docker's data, each once. */
  readonly disks: readonly Disk[]
  /** Bytes of the databases at the top of the directory, with what they have not yet taken in. */
  readonly databases: number
}

/** Looks at the disks of a host in one question; what cannot be seen is left out. */
export async function readDisk(host: HostView): Promise<DiskUse> {
  const { dir } = await host.config()
  const { code, stdout, stderr } = await host.ask(look(dir))
  const [, told = '', sizes] = /^([\s\S]*)kimbia-ops:databases\n([\s\S]*)kimbia-ops:end\n$/.exec(stdout) ?? []
  const disks = parseDisks(told)
  if (sizes !== undefined && disks.length > 0) return { disks, databases: parseSizes(sizes) }
  throw unreachable(
    'disk-not-readable',
    `the disks and databases of ${await host.where()}:${dir} cannot be looked at: ${stderr.trim().slice(-300) || `exit code ${code}`}`,
    `on the host: df -kP ${dir}; ls -l ${dir}`,
  )
}

/** Docker's data is taken to be where it mostly is: to ask docker takes longer than all the rest. */
const look = (dir: string): Shell<'ask'> => ask`# look at the disks
set -- ${dir}
root=/var/lib/docker
[ -d "$root" ] || root=
df -kP -- "$1" $root
echo kimbia-ops:databases
dir=$1
set --
for f in "$dir"/*.sqlite "$dir"/*.sqlite-wal; do
  [ ! -e "$f" ] || set -- "$@" "$f"
done
[ $# = 0 ] || wc -c "$@" || for f; do
  [ ! -e "$f" ] || [ -r "$f" ] || exit 1
done
echo kimbia-ops:end`

/** Reads `df -kP`; a file system that is mounted at two places counts once. */
export function parseDisks(text: string): readonly Disk[] {
  const disks = new Map<string, Disk>()
  for (const line of text.split('\n')) {
    const [, device, size, free, used, mount] =
      /^(.*?)\s+(\d+)\s+\d+\s+(-?\d+)\s+(\d+)%\s+(\/.*)$/.exec(line) ?? []
    if (mount === undefined || disks.has(`${device} ${size}`)) continue
    disks.set(`${device} ${size}`, {
      mount,
      size: Number(size) * 1024,
      free: Math.max(0, Number(free)) * 1024,
      usedPercent: Number(used),
    })
  }
  return [...disks.values()]
}

/** The sum of what `wc -c` counted, without its own. */
const parseSizes = (text: string): number =>
  text
    .split('\n')
    .map((line) => /^\s*(\d+) \//.exec(line)?.[1])
    .reduce((sum, bytes) => sum + Number(bytes ?? 0), 0)
