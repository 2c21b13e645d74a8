/** `node rig/warm.ts`: makes the images of rigs with Docker, so that the first such rig need not wait for them. */
import { canDocker } from './docker/docker.ts'
import { holdEngine } from './docker/engine.ts'

const { can, why } = canDocker()
if (can) await (await holdEngine('kimbia-rig-warm')).letGo()
else console.error(`rig: no Docker here: ${why}`)
