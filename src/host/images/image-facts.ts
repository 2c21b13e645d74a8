import { unreachable } from '../../base/failure.ts'
import { ask, type Shell } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import type { ComposeEngine } from '../docker/engine.ts'
import { type PreviousImage, parsePrevious, previousFile } from './image-history.ts'

/** An image in docker's store. */
export interface LocalImage {
  /** `sha256:…` */
  readonly id: string
  /** What it was pulled as. */
  readonly digests: readonly { readonly repository: string; readonly digest: string }[]
  /** `linux/amd64`. */
  readonly platform: string
}

/** A file of a database on the host, with what its log holds: its size in bytes. */
export interface DatabaseSize {
  readonly path: string
  readonly bytes: number
}

/** What an update needs to know of a host, beside its containers. */
export interface ImageFacts {
  /** The running image; undefined when docker has it no longer. */
  readonly local: LocalImage | undefined
  /** Of the server; empty when it does not tell. */
  readonly dockerVersion: string
  /** Bytes free where docker keeps its images, and where the copies of the databases go. */
  readonly free: { readonly images: number | undefined; readonly copies: number | undefined }
  /** Those of the asked databases that are there. */
  readonly databases: readonly DatabaseSize[]
  /** The images that earlier updates went away from, newest first. */
  readonly previous: readonly PreviousImage[]
  /** What cannot be read of what was noted of them; undefined where nothing is wrong. */
  readonly unreadable: string | undefined
}

/** Reads them in one remote script. */
export async function readImageFacts(
  engine: ComposeEngine,
  imageId: string,
  databases: readonly string[],
  host: HostView,
): Promise<ImageFacts> {
  const { dir } = await host.config()
  const answer = await host.ask(look(engine.docker, imageId, dir, databases))
  if (!answer.stdout.includes('kimbia-ops:end'))
    throw unreachable(
      'no-facts',
      `what ${await host.where()} has of images cannot be read: ${answer.stderr.trim().slice(-300) || `exit code ${answer.code}`}`,
      'kimbia-ops health --verbose',
    )
  return parseFacts(answer.stdout, previousFile(dir))
}

const look = (
  docker: readonly string[],
  id: string,
  dir: string,
  databases: readonly string[],
): Shell<'ask'> => ask`# look at the image, its room and the databases
echo kimbia-ops:image
if ! ${docker} image inspect --format '{{json .}}' ${id} 2>/dev/null; then
  why=$(${docker} image inspect ${id} 2>&1 >/dev/null)
  case $why in *[Nn]'o such '*) ;; *) printf '%s\\n' "$why" >&2; exit 1 ;; esac
fi
echo kimbia-ops:docker
info=$(${docker} info --format '{{.ServerVersion}} {{.DockerRootDir}}' 2>/dev/null)
echo "\${info%% *}"
room() { df -Pk "$1" 2>/dev/null | awk 'NR > 1 { free = $4 } END { print free }'; }
echo kimbia-ops:images
room "\${info#* }"
echo kimbia-ops:copies
room ${dir}
echo kimbia-ops:databases
for f in ${databases}; do
  [ ! -f "$f" ] || echo "$(( $(wc -c <"$f") + $(cat "$f-wal" 2>/dev/null | wc -c) )) $f"
done
echo kimbia-ops:previous
set -- ${previousFile(dir)}
[ ! -d "\${1%/*}" ] || cd "\${1%/*}" || exit
if [ -e "$1" ]; then cat "$1" || exit; fi
echo kimbia-ops:end`

/** Reads what the script prints. */
export function parseFacts(stdout: string, file: string): ImageFacts {
  const parts = new Map(
    stdout
      .split(/^kimbia-ops:(?=[a-z]+$)/m)
      .map((part) => [part.split('\n', 1)[0] ?? '', part.slice(part.indexOf('\n') + 1)]),
  )
  const part = (name: string): string => (parts.get(name) ?? '').trim()
  const { images: previous, unreadable } = parsePrevious(part('previous'))
  return {
    local: parseLocal(part('image')),
    dockerVersion: part('docker'),
    free: { images: bytes(part('images')), copies: bytes(part('copies')) },
    databases: part('databases')
      .split('\n')
      .flatMap((line) => {
        const [, size, path] = /^(\d+) (.+)$/.exec(line) ?? []
        return size && path ? [{ path, bytes: Number(size) }] : []
      }),
    previous,
    unreadable:
      unreadable.length === 0 ? undefined : `${file} cannot be read at line ${unreadable.join(', ')}`,
  }
}

const bytes = (kilobytes: string): number | undefined =>
  /^\d+$/.test(kilobytes) ? Number(kilobytes) * 1024 : undefined

function parseLocal(json: string): LocalImage | undefined {
  if (!json.startsWith('{')) return undefined
  const { Id, RepoDigests, Os, Architecture, Variant } = JSON.parse(json) as Record<string, unknown>
  if (typeof Id !== 'string') return undefined
  return {
    id: Id,
    digests: (Array.isArray(RepoDigests) ? RepoDigests : []).map((it) => {
      const [repository = '', digest = ''] = String(it).split('@')
      return { repository, digest }
    }),
    platform: [Os, Architecture, Variant].filter(Boolean).join('/'),
  }
}
