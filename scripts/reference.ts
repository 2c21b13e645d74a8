import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commands, nouns } from '../src/commands/index.ts'
import { manPages } from '../src/runner/docs/man-page.ts'
import { referencePages } from '../src/runner/docs/reference.ts'

/** Writes all generated pages: the reference of the commands, the exit codes, the manual; with --check it only compares. */
const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const pages = new Map([...referencePages(commands, nouns), ...manPages(commands, nouns, version)])
const there = ['docs/commands', 'man'].flatMap((dir) =>
  existsSync(join(root, dir)) ? readdirSync(join(root, dir)).map((name) => `${dir}/${name}`) : [],
)
const stale = there.filter((path) => !pages.has(path))
const read = (path: string) =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
const changed = [...pages].filter(([path, text]) => read(path) !== text)
const all = [...changed.map(([path]) => path), ...stale]
if (all.length === 0) console.error(`${pages.size} generated pages are current`)
else if (process.argv.includes('--check')) {
  console.error(`not current: ${all.join(', ')}; run: npm run reference`)
  process.exitCode = 1
} else {
  for (const [path, text] of changed) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const path of stale) rmSync(join(root, path))
  console.error(`written: ${all.join(', ')}`)
}
