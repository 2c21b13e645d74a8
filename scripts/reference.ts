import { readFileSync, writeFileSync } from 'node:fs'
import { commands } from '../src/commands/index.ts'
import { reference, withReference } from '../src/runner/docs/reference.ts'

/** Writes the reference of all commands into README.md; with --check it only says whether it is current. */
const readme = new URL('../README.md', import.meta.url)
const before = readFileSync(readme, 'utf8')
const after = withReference(before, reference(commands))
if (after === before) console.error('README.md is current')
else if (process.argv.includes('--check')) {
  console.error('README.md is not current: npm run reference')
  process.exitCode = 1
} else {
  writeFileSync(readme, after)
  console.error('README.md is rewritten')
}
