import type { RawAnswer } from './client.ts'
import { unexpectedAnswer } from './failures.ts'

/** The JSON of a raw answer to the method `nsid`. Failure: unreachable `pds-garbage`, for no PDS answers so. */
export function jsonOf(answer: RawAnswer, nsid: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(answer.body))
  } catch (error) {
    throw unexpectedAnswer({ nsid, where: 'the PDS' }, answer, error)
  }
}

/** The version that an answer to `_health` tells. Failure: unreachable `pds-garbage`, where there is none in it. */
export function versionOf(answer: RawAnswer): string {
  const { version } = (jsonOf(answer, '_health') ?? {}) as { version?: unknown }
  if (typeof version === 'string' && version !== '') return version
  throw unexpectedAnswer({ nsid: '_health', where: 'the PDS' }, answer)
}
