import { type Failure, failed } from '../../base/failure.ts'
import type { Settings } from '../../host/access/host.ts'
import type { Container } from '../../host/docker/containers.ts'
import type { PdsView } from '../../pds/xrpc/client.ts'

/** A Failure unless the PDS takes the admin password that pds.env holds: a rotation starts from one that works. */
export async function refuseDisagreement(
  pds: PdsView,
  { adminPassword }: Pick<Settings, 'adminPassword'>,
  container: Container | undefined,
  where: string,
): Promise<void> {
  if (await pds.acceptsAdmin(adminPassword)) return
  const own = container?.env.get('PDS_ADMIN_PASSWORD')
  const other = own !== undefined && own.reveal() !== adminPassword.reveal() ? own : undefined
  throw disagreement(where, other && (await pds.acceptsAdmin(other)) ? 'its container' : 'neither')
}

const disagreement = (where: string, takes: 'its container' | 'neither'): Failure =>
  failed(
    'admin-password-disagrees',
    takes === 'its container'
      ? `the PDS on ${where} does not take the admin password of pds.env: it takes the one that its container was made with`
      : `the PDS on ${where} takes neither the admin password of pds.env nor that of its container`,
    'pds.env is right? kimbia-ops restart --recreate applies it; then rotate',
  )
