import { once } from 'node:events'
import { connect } from 'node:net'
import { type RigHost, type RigOptions, startRig } from '../../rig/host.ts'
import { Secret } from '../../src/base/secret.ts'
import { openPds, type PdsOptions } from '../../src/pds/xrpc/atproto-client.ts'
import type { Pds } from '../../src/pds/xrpc/client.ts'
import { tunnelFetch } from '../../src/ssh/http-tunnel.ts'

/** The real PDS of a rig of its own, behind the real adapter, without ssh between them. */
export interface RealPds extends AsyncDisposable {
  readonly rig: RigHost
  readonly pds: Pds
  /** The same PDS by another adapter, say with another admin password. */
  open(options: Partial<PdsOptions>): Pds
}

/** Starts a rig, which ends with `await using` or by `[Symbol.asyncDispose]`. */
export async function realPds(options: RigOptions = {}): Promise<RealPds> {
  const rig = await startRig({ rateLimits: false, ...options })
  const dial = async () => {
    const socket = connect({ port: rig.pdsPort, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  const adminPassword = new Secret(rig.adminPassword)
  const open = (options: Partial<PdsOptions>) =>
    openPds({ fetch: tunnelFetch(dial), adminPassword, where: 'the PDS of the rig', ...options })
  const pds = open({})
  return {
    rig,
    pds,
    open,
    async [Symbol.asyncDispose]() {
      pds.dispose()
      await rig.stop()
    },
  }
}
