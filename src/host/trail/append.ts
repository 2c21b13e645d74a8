import { Failure, failed } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import { act, type Shell } from '../../ssh/shell.ts'
import type { Host } from '../access/host.ts'

/** One line of `<dir>/kimbia-ops/trail.jsonl`: an intent before a change, or its outcome after. */
export interface TrailEntry {
  /** ISO 8601 UTC. */
  readonly time: string
  /** Ties an intent to its outcome. */
  readonly id: string
  /** The run that wrote it; one run has as many changes as it has targets. Absent in lines of versions without it. */
  readonly operation?: string
  readonly event: 'intent' | 'outcome'
  /** Local user and machine, and the user on the host. */
  readonly operator: { readonly user: string; readonly machine: string; readonly ssh: string }
  readonly command: string
  readonly subject: string
  readonly did?: string
  /** The status of the account before and after a change of it, as planned in an intent and as read back in an outcome. */
  readonly status?: StatusTransition
  readonly reason?: string
  /** The steps in one line each; intents only. Never holds a secret. */
  readonly steps?: readonly string[]
  /** `ok`, or how it failed; outcomes only. */
  readonly outcome?: string
  readonly message?: string
  readonly version: string
}

/** What the status of an account was, and what it was changed to. */
export interface StatusTransition {
  readonly from: string
  readonly to: string
}

/** Appends to the trail; each write is confirmed by the host before it resolves. */
export interface Trail {
  write(entry: TrailEntry): Promise<void>
  end(): Promise<void>
}

/** A directory of root's alone, and the file in it. */
export interface TrailPlace {
  readonly dir: string
  readonly name: string
}

/** Where the trail of a host is. */
export const trailPlace = ({ dir }: HostConfig): TrailPlace => ({
  dir: `${dir}/kimbia-ops`,
  name: 'trail.jsonl',
})

/**
 * Answers each line that it reads with `ok` once the line is in the file, or with why it is not.
 * It follows no symbolic link, and starts a new line where an earlier writer was cut off in the middle of one.
 * A long line is put together by dd: a shell may print it in pieces, between which another writer's line could fall.
 */
const writer = ({ dir, name }: TrailPlace): Shell<'act'> => act`# keep the trail
set -- ${dir} ${name}
umask 077
f=$1/$2 problem= torn=
newline='
'
append() {
  if [ \${#line} -lt 2000 ]; then printf '%s%s\\n' "$torn" "$line" >>"$f"
  else printf '%s%s\\n' "$torn" "$line" | dd obs=1048576 >>"$f"
  fi 2>/dev/null
}
explain() { printf '%s\\n' "$*" | tr '\\n' ' '; echo; }
if [ -L "$1" ] || [ -L "$f" ]; then problem='it is a symbolic link'
elif [ ! -d "$1" ] && ! why=$(mkdir -p "$1" 2>&1); then problem=$why
elif [ -e "$f" ] && [ ! -f "$f" ]; then problem='it is not a regular file'
elif [ -f "$f" ]; then
  chmod 600 "$f" 2>/dev/null
  [ -z "$(tail -c 1 "$f")" ] || torn=$newline
fi
while IFS= read -r line; do
  if [ -n "$problem" ]; then explain "$problem"
  elif [ "$line" = sync ]; then
    if ! command -v sync >/dev/null; then echo ok
    elif why=$(sync "$f" 2>&1); then echo ok
    else explain "$why"
    fi
  elif append; then
    torn=
    echo ok
  else
    torn=$newline
    explain "$(echo | tee -a "$f" 2>&1 >/dev/null)" 'the line was not written'
  fi
done`

/**
 * Starts the writer of a host's trail. Pipelined writes cost one round trip, and the intents that are written
 * together are brought to the disk together before they resolve.
 */
export async function openTrail(host: Host, config?: HostConfig): Promise<Trail> {
  const place = trailPlace(config ?? (await host.config()))
  const conversation = await host.converse(writer(place))
  const say = async (line: string): Promise<void> => {
    const answer = await conversation.say(line).catch((cause) => {
      if (cause instanceof Failure && cause.outcome === 'failed') return cause.message
      throw cause
    })
    if (answer !== 'ok') throw notWritable(`${await host.where()}:${place.dir}/${place.name}`, answer)
  }

  let syncing: Promise<void> | undefined
  const sync = (): Promise<void> => {
    syncing ??= Promise.resolve().then(() => {
      syncing = undefined
      return say('sync')
    })
    return syncing
  }
  return {
    async write(entry) {
      const written = say(JSON.stringify(entry))
      await Promise.all(entry.event === 'intent' ? [written, sync()] : [written])
    },
    async end() {
      await conversation.end()
    },
  }
}

const notWritable = (file: string, why: string): Failure =>
  failed(
    'trail-not-writable',
    `${file} cannot be written: ${why.trim()}`,
    'nothing is changed on a host whose trail cannot be written',
  )
