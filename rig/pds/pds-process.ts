/**
 * A PLC directory and a PDS in one process, both on loopback.
 * argv: the pds.env and the log file. stdin: "start" or "stop", answered when done; the end of stdin ends it.
 */
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import type { PDS } from '@atproto/pds'
import { load } from '../image/load.js'
import { serve } from '../process/child-lines.ts'
import { bundlePds } from './bundle.ts'
import { onLoopback, startPlc } from './loopback.ts'

const [envFile, logFile] = process.argv.slice(2) as [string, string]

/** What the container engine does with env_file: the settings of the file, read at each start, and no older ones. */
function loadEnv(): Record<string, string> {
  for (const key of Object.keys(process.env)) if (key.startsWith('PDS_')) delete process.env[key]
  const settings = parseEnv(readFileSync(envFile, 'utf8')) as Record<string, string>
  Object.assign(process.env, settings)
  return settings
}

// What loads the PLC directory is many files.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/rig', import.meta.url)))
const settings = loadEnv()
await startPlc(settings.PDS_DID_PLC_URL ?? '')
process.env.LOG_ENABLED = settings.LOG_ENABLED ?? 'false'
process.env.LOG_DESTINATION = logFile
const loaded = load(await bundlePds())
const pdsModule: typeof import('@atproto/pds') = loaded.exports

let pds: PDS | undefined

async function stop(): Promise<void> {
  const running = pds
  pds = undefined
  await running?.destroy()
}

async function start(): Promise<void> {
  await stop()
  loadEnv()
  const created = onLoopback(await pdsModule.PDS.fromEnv())
  await created.start()
  pds = created
  loaded.keep()
}

await serve((request: 'start' | 'stop') => (request === 'start' ? start() : stop()))
process.exit(0)
