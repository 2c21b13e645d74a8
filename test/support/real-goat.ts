import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Where its modules are, the newest first: what the official image has, and where it came from. */
const sources = [
  'github.com/bluesky-social/goat@v0.2.3',
  'github.com/bluesky-social/indigo/cmd/goat@v0.0.0-20251003000214-3259b215110e',
]

const kept = join(import.meta.dirname, '../../node_modules/.cache/rig')

/** Builds the real goat, once; undefined where there is no Go, or nobody serves its modules. */
export async function realGoat(): Promise<string | undefined> {
  if (spawnSync('go', ['version']).status !== 0) return undefined
  for (const source of sources) {
    const program = join(kept, `goat-${source.replaceAll(/[^\w.-]/g, '-')}`)
    if (existsSync(program)) return program
    const fresh = join(kept, `go.${process.pid}`)
    await mkdir(fresh, { recursive: true })
    const env = { ...process.env, GOBIN: fresh, GOFLAGS: '-buildvcs=false' }
    const built = await promisify(execFile)('go', ['install', source], { env, timeout: 240_000 }).catch(
      () => undefined,
    )
    if (built === undefined) continue
    await rename(join(fresh, 'goat'), program)
    return program
  }
  return undefined
}
