import { attempt } from '../base/attempt.ts'
import { type Failure, failed } from '../base/failure.ts'
import type { HostView } from '../host/access/host.ts'
import { parseEnvFile } from '../host/env/parse.ts'
import type { PdsView } from '../pds/xrpc/client.ts'

/**
 * The public hostname of a PDS: the config's, else the one that the running PDS carries in its own DID, else the
 * PDS_HOSTNAME that is written in pds.env. A Failure where none of them tells.
 */
export async function publicName({
  host,
  pds,
}: {
  readonly host: HostView
  readonly pds: PdsView
}): Promise<string> {
  const { hostname: configured } = await host.config()
  if (configured !== undefined) return configured
  const { hostname: written, text } = await host.settings()
  const ownDid = parseEnvFile(text.reveal()).entries.some(({ key }) => key === 'PDS_SERVICE_DID')
  const found = ownDid ? undefined : await nameInDid(pds)
  if (typeof found === 'string') return found
  if (written !== undefined) return written
  throw failed(
    'public-name-unknown',
    `the public name is not known: pds.env alone does not tell PDS_HOSTNAME, and ${found ? `the PDS does not answer (${found.message})` : 'the DID of the PDS does not carry it'}`,
    'set “hostname:” in the config',
  )
}

/** The name in `did:web:NAME`; undefined where the DID is of another kind, a Failure where the PDS does not tell. */
const nameInDid = (pds: PdsView): Promise<string | Failure | undefined> =>
  attempt(async () => {
    const { did } = await pds.query('com.atproto.server.describeServer', {}, { as: 'nobody' })
    const [, name] = /^did:web:([A-Za-z0-9.-]+)(?:%3A\d+)?$/i.exec(did) ?? []
    return name
  })
