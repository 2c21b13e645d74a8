#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(`error: kimbia-ops needs Node 22.22 or newer; this is ${process.version}\n`)
  process.exitCode = 2
} else {
  enableCompileCache?.()
  const { main } = await import('../dist/cli.js')
  process.exitCode = await main()
}
