import { fromOneLine } from '../../ssh/session/line-encoding.ts'
import { act, type Shell } from '../../ssh/shell.ts'
import { remoteScript } from './remote/load.ts'

/** What an agent of a change is there for, from its first word on. */
export type Errand = 'begin' | 'adopt' | 'break'

export interface AgentOptions {
  /** The files of its upload. */
  readonly writes?: readonly string[]
  /** A change is taken over also where its program may be from anybody. */
  readonly unverified?: 'allowed' | undefined
}

/** Holds a change for the one who talks to it, until its standard input ends. */
export function agent(
  dir: string,
  errand: Errand,
  { writes = [], unverified }: AgentOptions = {},
): Shell<'act'> {
  const { line } = act`# hold a change
state_dir=${dir} errand=${errand} writes=${writes.join(' ')} unverified=${unverified ?? ''}
decode_line=${fromOneLine}`
  const scripts = [
    remoteScript('change-place.sh'),
    remoteScript('process-identity.sh'),
    remoteScript('lock-state.sh'),
    remoteScript('agent-lock.sh'),
    remoteScript('agent-take-over.sh'),
    remoteScript('agent-serve.sh'),
    remoteScript('agent.sh'),
  ]
  return { effect: 'act', line: [line, ...scripts].join('\n') }
}
