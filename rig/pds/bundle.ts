import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'rolldown'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the bundle does not hold: a package with a native addon, and one whose files are served as they are. */
export const BESIDE = ['better-sqlite3', '@atproto/oauth-provider-ui']

/**
 * The PDS as one file, for it to start in a third of the time that its four thousand files take; made where there is
 * none of these versions yet.
 */
export async function bundlePds(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', 'rig/pds/bundle.ts']) hash.update(readFileSync(join(root, file)))
  const cache = join(root, 'node_modules/.cache/rig')
  const dir = join(cache, `pds-${hash.digest('hex').slice(0, 12)}`)
  if (!existsSync(dir)) await build(cache, dir)
  return join(dir, 'pds.cjs')
}

/** Made beside and renamed, so that nobody finds half of it. */
async function build(cache: string, dir: string): Promise<void> {
  const { rolldown } = await import('rolldown')
  await mkdir(cache, { recursive: true })
  const fresh = `${dir}.${process.pid}`
  const bundle = await rolldown({
    platform: 'node',
    cwd: join(root, 'rig'),
    input: { pds: '@atproto/pds' },
    external: [...builtinModules, /^node:/, ...BESIDE],
    plugins: [linearReserved(), inAscii()],
    onLog: () => {},
  })
  await bundle.write({
    dir: fresh,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    codeSplitting: false,
    comments: false,
  })
  await bundle.close()
  await rename(fresh, dir).catch(() => rm(fresh, { recursive: true }))
  if (!existsSync(dir)) throw new Error(`rig: the PDS could not be bundled into ${dir}`)
}

/** The set of reserved handles is copied anew for each of its thousand entries, which is a fifth of the whole start. */
function linearReserved(): Plugin {
  const copying = /\.reduce\(\(acc, cur\) => \{\s*return \{\s*\.\.\.acc,\s*\[cur\]: true,\s*\};\s*\}, \{\}\)/
  return {
    name: 'linear-reserved',
    transform(code, id) {
      if (!id.endsWith('/@atproto/pds/dist/handle/reserved.js')) return null
      return code.replace(copying, '.reduce((acc, cur) => Object.assign(acc, { [cur]: true }), {})')
    },
  }
}

/** Of a text that has other characters, Node keeps and reads two bytes for each. */
function inAscii(): Plugin {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return {
    name: 'in-ascii',
    renderChunk: (code) => code.replace(/[^\x00-\x7f]/g, escaped),
  }
}
