import { act, type Shell } from '../ssh/shell.ts'

/** An image that an update went away from, as it is remembered on the host. */
export interface PreviousImage {
  /** When the update began, `20261122T180000Z`; names it. */
  readonly stamp: string
  /** What compose.yaml said. */
  readonly reference: string
  /** `sha256:…` */
  readonly imageId: string
  /** Of its repository, where docker knew it. */
  readonly digest: string | null
  /** What the PDS answered. */
  readonly version: string | null
  /** The name that keeps docker from removing it as dangling. */
  readonly keep: string
  /** Where the copies of the databases lie that were taken then. */
  readonly backup: string | null
}

/** Where they are remembered, newest first, one JSON line each. */
export const previousFile = (dir: string): string => `${dir}/kimbia-ops/images.jsonl`

/** Reads the file; a line that is none is left out. */
export const parsePrevious = (text: string): readonly PreviousImage[] =>
  text.split('\n').flatMap((line) => {
    try {
      const it = JSON.parse(line) as PreviousImage
      return typeof it.stamp === 'string' && typeof it.imageId === 'string' ? [it] : []
    } catch {
      return []
    }
  })

/** The local name under which an image is kept. */
export const keptAs = (project: string, service: string, stamp: string): string =>
  `kimbia-ops/${project.toLowerCase()}-${service.toLowerCase()}:before-${stamp.toLowerCase()}`

/** How many are kept. */
const count = 3

/** Names the image and writes it down; of the older ones the newest two are kept. Repeating it changes nothing. */
export const remember = (docker: readonly string[], dir: string, it: PreviousImage): Shell<'act'> =>
  act`# keep ${it.imageId} as ${it.keep}
set -e
umask 077
f=${previousFile(dir)}
${docker} tag ${it.imageId} ${it.keep}
mkdir -p "\${f%/*}"
{ printf '%s\\n' ${JSON.stringify(it)}; [ ! -f "$f" ] || grep -vF ${it.stamp} "$f" || :; } >"$f.new"
head -n ${count} "$f.new" >"$f.next"
rm -f "$f.new"
sync
mv -f "$f.next" "$f"
${docker} image ls --format '{{.Repository}}:{{.Tag}}' ${it.keep.replace(/:.*/, '')} | sort -r | tail -n +${count + 1} |
  while read -r old; do ${docker} image rm "$old" >/dev/null 2>&1 || :; done`

/** Takes the newest note back: the update did not happen. */
export const forget = (dir: string, { stamp }: PreviousImage): Shell<'act'> =>
  act`# forget the image of ${stamp}: it runs again
f=${previousFile(dir)}
[ -f "$f" ] || exit 0
umask 077
grep -vF ${stamp} "$f" >"$f.next"
sync
mv -f "$f.next" "$f"`
