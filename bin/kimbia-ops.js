#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs'
import module from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 22)) {
  const here = fileURLToPath(new URL('../node_modules/.bin', import.meta.url))
  const hint = existsSync(join(here, 'node'))
    ? `there is one in this clone: export PATH='${here}':"$PATH"`
    : 'install it: https://nodejs.org/en/download'
  process.stderr.write(
    `error: kimbia-ops needs Node 22.22 or newer; this is ${process.version}\nhint: ${hint}\n`,
  )
  process.exitCode = 2
} else {
  keepCompiled()
  const { run } = await import('../dist/cli.js')
  process.exitCode = await run()
}

/**
 * Has Node keep what it compiles below the user's cache directory: never in the shared default below /tmp, and not in
 * a home that belongs to somebody else, as after sudo, since what is kept there is run. A dry run writes nothing anywhere.
 */
function keepCompiled() {
  if (process.argv.some((word) => word === '--dry-run' || /^-[a-z]*n/.test(word))) return
  const { XDG_CACHE_HOME = '', HOME } = process.env
  try {
    const [owned, cache] = isAbsolute(XDG_CACHE_HOME)
      ? [XDG_CACHE_HOME, XDG_CACHE_HOME]
      : [HOME || homedir(), join(HOME || homedir(), '.cache')]
    if (statSync(owned).uid === process.geteuid?.()) module.enableCompileCache(join(cache, 'kimbia-ops'))
  } catch {
    // Without a home nothing is kept.
  }
}
