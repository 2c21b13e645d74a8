import { createRequire } from 'node:module'

const LOOPBACK = '127.0.0.1'

/** Makes a server of atproto, which listens with a port alone and so on every interface, listen on loopback only. */
export function onLoopback<T extends { app: { listen: unknown } }>(server: T): T {
  const app = server.app as { listen: (port: number, host?: string) => unknown }
  const listen = app.listen.bind(app)
  app.listen = (port) => listen(port, LOOPBACK)
  return server
}

/** Starts a PLC directory in memory where `PDS_DID_PLC_URL` says; it writes no log. */
export async function startPlc(url: string): Promise<void> {
  const logging = process.env.LOG_ENABLED
  process.env.LOG_ENABLED = 'false'
  // An import would look through all of it for what it exports, for longer than it takes to load.
  const require = createRequire(import.meta.url)
  const { PlcServer, Database }: typeof import('@did-plc/server') = require('@did-plc/server')
  process.env.LOG_ENABLED = logging ?? 'false'
  const plc = PlcServer.create({ db: Database.mock(), port: Number(new URL(url).port) })
  await onLoopback(plc).start()
}
