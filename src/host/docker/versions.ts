import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'

/** The versions of docker and of compose on the host; null for what does not answer. */
export async function dockerVersions(host: HostView): Promise<[string | null, string | null]> {
  const answer = await host.ask(
    ask`for about in ${'version --format {{.Server.Version}}'} ${'compose version --short'}; do
      line=$(docker $about 2>/dev/null) || line=
      printf '%s\\n' "$line"
    done`,
  )
  const [docker = '', compose = ''] = answer.stdout.split('\n').map((line) => line.trim())
  return [docker || null, compose || null]
}
