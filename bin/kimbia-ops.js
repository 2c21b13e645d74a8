#!/usr/bin/env node
// Not by name: Node 20 has no such export, and could not even say that it is too old.
import * as nodeModule from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(`error: kimbia-ops needs Node 22.22 or newer; this is ${process.version}\n`)
  process.exitCode = 2
} else {
  nodeModule.enableCompileCache?.()
  const { main } = await import('../dist/cli.js')
  process.exitCode = await main()
}
