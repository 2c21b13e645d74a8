/** A PLC directory alone, for a PDS in a container. argv: its URL. stdin: anything, answered when it is up; its end ends it. */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { serve } from '../process/child-lines.ts'
import { startPlc } from './loopback.ts'

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/rig', import.meta.url)))
const started = startPlc(process.argv[2] ?? '')
await serve(() => started)
process.exit(0)
