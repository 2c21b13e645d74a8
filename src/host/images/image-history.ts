import { act, type Shell } from '../../ssh/shell.ts'

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

/** What the file holds. */
export interface PreviousImages {
  readonly images: readonly PreviousImage[]
  /** The numbers of the lines that cannot be read, such as one that was cut off. */
  readonly unreadable: readonly number[]
}

/** Reads the file. */
export function parsePrevious(text: string): PreviousImages {
  const lines = text.split('\n').map((line, index) => ({ number: index + 1, line: line.trim() }))
  const read = lines
    .filter(({ line }) => line !== '')
    .map(({ number, line }) => ({ number, image: toImage(line) }))
  return {
    images: read.flatMap(({ image }) => (image ? [image] : [])),
    unreadable: read.filter(({ image }) => !image).map(({ number }) => number),
  }
}

function toImage(line: string): PreviousImage | undefined {
  try {
    const it = JSON.parse(line) as PreviousImage | null
    return typeof it?.stamp === 'string' && typeof it.imageId === 'string' ? it : undefined
  } catch {
    return undefined
  }
}

/** The local name under which an image is kept. */
export const keptAs = (project: string, service: string, stamp: string): string =>
  `kimbia-ops/${project.toLowerCase()}-${service.toLowerCase()}:before-${stamp.toLowerCase()}`

/** How many are kept. */
const count = 3

/** How many directories of copies of databases are kept. */
const copies = 2

/** Functions of sh that write the file anew: whole, or it stays as it was. */
const anew = `# FILE STAMP: the lines of other updates
others() {
  [ -f "$1" ] || return 0
  grep -vF "$2" "$1" || [ $? = 1 ]
}
# FILE
settle() { sync && mv -f "$1.new" "$1"; }
trap 'rm -f "$f.new"' EXIT
trap 'exit 1' TERM INT HUP`

/** Names the image and writes it down, newest first. Repeating it changes nothing. */
export const remember = (docker: readonly string[], dir: string, it: PreviousImage): Shell<'act'> =>
  act`# keep ${it.imageId} as ${it.keep}
umask 077
f=${previousFile(dir)}
eval ${anew}
${docker} tag ${it.imageId} ${it.keep} || exit
mkdir -p "\${f%/*}" || exit
{ printf '%s\\n' ${JSON.stringify(it)} && others "$f" ${it.stamp}; } >"$f.new" && settle "$f"`

/** Takes the note and the name back: the update did not happen. Both stay where another image runs, or none, or no note can be written. */
export const forget = (
  docker: readonly string[],
  dir: string,
  container: string,
  { stamp, imageId, keep }: PreviousImage,
): Shell<'act'> =>
  act`# forget the image of ${stamp} if it runs again
umask 077
f=${previousFile(dir)}
eval ${anew}
runs=$(${docker} inspect --type container --format '{{.State.Running}} {{.Image}} {{.Config.Image}}' ${container} 2>/dev/null)
case $runs in
${`true ${imageId}`}' '*) ;;
*) echo ${`the old image does not run: it stays as ${keep}`}; exit 0 ;;
esac
if [ -f "$f" ]; then others "$f" ${stamp} >"$f.new" && settle "$f" || { echo "$f stays as it is"; exit 0; }; fi
case $runs in *' '${keep}) exit 0 ;; esac
${docker} image rm ${keep} >/dev/null 2>&1 || :`

/**
 * Once an update has proven itself: the newest three notes stay, the names of noted images, and the newest two copies
 * of databases. A copy that was put back from stays too, since newer databases lie beside it. It never fails.
 */
export const prune = (docker: readonly string[], dir: string, { keep }: PreviousImage): Shell<'act'> =>
  act`# keep the newest ${count} images and the newest ${copies} copies of databases
umask 077
f=${previousFile(dir)}
eval ${anew}
if [ -f "$f" ]; then
  if head -n ${count} "$f" >"$f.new"; then settle "$f"; fi
  timeout 30 ${docker} image ls --format '{{.Repository}}:{{.Tag}}' ${keep.replace(/:.*/, '')} |
    while read -r name; do
      grep -qF '"keep":"'"$name"'"' "$f" || timeout 30 ${docker} image rm "$name" >/dev/null 2>&1 || :
    done
fi
cd ${`${dir}/kimbia-ops/databases`} 2>/dev/null || exit 0
for one in [0-9]*; do
  set -- "$one"/after*
  [ -e "$1" ] || echo "$one"
done | grep -E '^[0-9]{8}T[0-9]{6}Z$' | sort -r | tail -n +${copies + 1} |
  while read -r old; do rm -rf "./$old"; done
exit 0`
