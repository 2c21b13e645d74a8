// Runs the service once, while the image is made, for it to keep what V8 has compiled at the first healthy answer.
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'

const data = '/tmp/warm'
Object.assign(process.env, {
  PDS_HOSTNAME: 'localhost',
  PDS_PORT: '3000',
  PDS_JWT_SECRET: randomBytes(16).toString('hex'),
  PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString('hex'),
  PDS_DATA_DIRECTORY: data,
  PDS_BLOBSTORE_DISK_LOCATION: `${data}/blocks`,
  PDS_DID_PLC_URL: 'http://localhost:1',
  PDS_CRAWLERS: '',
  PDS_DEV_MODE: 'true',
})
mkdirSync(data)
void import('/app/index.js')
for (const deadline = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
  const answer = await fetch('http://127.0.0.1:3000/xrpc/_health').catch(() => undefined)
  if (answer?.ok) break
  if (Date.now() > deadline) throw new Error('the PDS of the image is not healthy after a minute')
}
rmSync(data, { recursive: true })
process.exit()
