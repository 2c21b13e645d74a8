import type { Identity } from '../change/step.ts'
import type { Container } from '../docker/containers.ts'
import { dataMounts, dataSettings, settingsAfter } from '../docker/data-places.ts'
import { composeLabel } from '../docker/own-container.ts'
import type { EnvFile } from '../env/parse.ts'

type Changes = ReadonlyMap<string, string | undefined>

/**
 * What must hold of a container once it was made anew: as it is now, but for the settings that a change names. `written`
 * is pds.env as it will be read then: of a public name that was edited there and not applied yet, both count.
 */
export function expectedIdentity(
  container: Container,
  { changes = new Map(), written }: { readonly changes?: Changes | undefined; readonly written?: EnvFile },
): Identity {
  const after = settingsAfter(container, changes)
  const dids = [after, settingsAfter(container), (key: string) => written?.get(key)].flatMap(serverDid)
  return {
    project: composeLabel(container, 'project') || undefined,
    service: composeLabel(container, 'service') || undefined,
    mounts: dataMounts(container, changes),
    settings: dataSettings.flatMap((key) => {
      const value = after(key)
      return value === undefined ? [] : [[key, value] as const]
    }),
    dids: [...new Set(dids)],
  }
}

/** What must hold of a container that is made where there was none: it answers as the server that pds.env names. */
export const expectedServer = (written: EnvFile): Identity => ({
  mounts: [],
  settings: [],
  dids: serverDid((key) => written.get(key)),
})

/** The DID that a PDS answers as (packages/pds/src/config/config.ts); none where its name is not written out. */
function serverDid(setting: (key: string) => string | undefined): string[] {
  const [did, hostname] = [setting('PDS_SERVICE_DID'), setting('PDS_HOSTNAME')]
  const found = did || (hostname && `did:web:${hostname}`)
  return found && /^did:[A-Za-z0-9:.%_-]+$/.test(found) ? [found] : []
}
