#!/usr/bin/env node
const { join } = require('node:path')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(`error: kimbia-ops needs Node 22.22 or newer; this is ${process.version}\n`)
  process.exitCode = 2
} else {
  const dist = join(__dirname, '..', 'dist')
  require('../dist/start.cjs')
    .start(dist)
    .then((code) => {
      process.exitCode = code
    })
}
