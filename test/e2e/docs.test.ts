import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'
import { powerCut, reached } from '../support/change-watch.ts'
import { blocksOf, pageText, root, shownIn } from '../support/doc-pages.ts'
import { withoutDocker } from '../support/local-host.ts'
import { finallyShown } from '../support/terminal-text.ts'
import { bin, start } from './cli.ts'

const exec = promisify(execFile)
const pages = ['docs/runbooks.md', 'docs/scripting.md']

/** The examples of a page are run in order on one host; `KIMBIA_DOCS=write` puts into the page what came. */
describe.skipIf(withoutDocker).each(pages)('what %s shows', { timeout: 240_000 }, (path) => {
  let rig: RigHost
  let work: string
  let env: NodeJS.ProcessEnv

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false, inviteRequired: false })
    work = mkdtempSync(join(tmpdir(), 'kimbia-docs-'))
    const program = join(work, 'kimbia-ops')
    writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${bin} "$@"\n`)
    chmodSync(program, 0o755)
    const { FORCE_COLOR, ...inherited } = process.env
    env = {
      ...{ ...inherited, CI: '', NO_COLOR: '1', SHELL: '/bin/sh', TERM: 'xterm' },
      ...{ ...rig.env, HOME: work, PATH: `${work}:${process.env.PATH}` },
    }
    await seedAccounts(rig, 3, { prefix: 'bot' })
    const kimbia = (...args: string[]) => exec(program, args, { env })
    await kimbia('account', 'create', 'alice@example.com', 'alice', '--json')
  }, 300_000)
  afterAll(async () => {
    await rig?.stop()
    if (work) rmSync(work, { recursive: true, force: true })
  }, 60_000)

  /** What must have happened before an example: a page says so in a comment, `<!-- first: NAME -->`. */
  const first: Readonly<Record<string, () => Promise<unknown>>> = {
    async 'the host goes down in a change'() {
      const child = start(rig, ['env', 'set', 'PDS_SERVICE_NAME=Kimbia', '--settle', '9s', '--yes', '--json'])
      await reached(rig, 'begin 4', child)
      await powerCut(rig)
      child.kill('SIGKILL')
    },
  }

  /** A line of a shell on a terminal. */
  async function onTerminal(line: string): Promise<string> {
    const child = spawn('script', ['-qec', `stty rows 50 cols 120; ${line}`, '/dev/null'], {
      cwd: work,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    await once(child, 'close')
    return finallyShown(text)
  }

  /** What is of this machine and of the rig, by the names that a page has for it. */
  function asInPages(text: string): string {
    const image = rig.docker?.image ?? ''
    const names: readonly (readonly [string | RegExp, string])[] = [
      [rig.pdsDir, '/pds'],
      [work, '~'],
      [`${userInfo().username}@${hostname()}`, 'ops@laptop'],
      [rig.docker?.containerName || 'no container', 'pds'],
      [image || 'no image', 'ghcr.io/bluesky-social/pds'],
      [rig.dir, '/rig'],
      [/127\.0\.0\.1:\d+/g, 'kimbia.example'],
      [/\blocalhost(:\d+)?\b/g, 'kimbia.example'],
      [/\bkimbia-rig-[0-9a-f]+@/g, 'ops@'],
      [/\bkimbia-rig-[0-9a-f]+\b/g, 'pds'],
      [/\b(on|of) rig\b/g, '$1 kimbia'],
      [/^(\s*)rig$/gm, '$1kimbia'],
      [/\bas kimb[\w-]*…/g, 'as ops'],
      [/\/tmp\/(kimbia-rig-|pds)\S*…/g, '/pds/pds.env'],
    ]
    return names.reduce((now, [from, to]) => now.replaceAll(from, to), text)
  }

  test('comes again', async () => {
    const write = process.env.KIMBIA_DOCS === 'write'
    const text = pageText(path)
    const lines = text.split('\n')
    const made: string[] = []
    let at = 0
    for (const block of blocksOf(text).filter(({ language }) => language === 'console')) {
      const above = lines.slice(at, block.from - 1)
      made.push(...above)
      for (const [, name = ''] of above.join('\n').matchAll(/<!-- first: (.*?) -->/g)) {
        expect(Object.keys(first)).toContain(name)
        await first[name]?.()
      }
      for (const shown of shownIn(block)) {
        const came = asInPages(await onTerminal(shown.command)).trimEnd()
        made.push(`$ ${shown.command}`, ...(came === '' ? [] : came.split('\n')))
        if (write) continue
        expect.soft(shapeOf(came.split('\n')), shown.command).toEqual(shapeOf(shown.output))
      }
      at = block.from - 1 + block.lines.length
      if (write) writeFileSync(join(root, path), [...made, ...lines.slice(at)].join('\n'))
    }
  })
})

/** The same for each run: numbers, times and ids are masked, and how wide a table is does not count. */
const shapeOf = (lines: readonly string[]): readonly string[] =>
  lines
    .map((line) =>
      line
        .replace(/did:plc:[a-z2-7]+/g, 'did:plc:‹id›')
        .replace(/\d{8}T\d{6}Z-[0-9a-f]{4}/g, '‹operation›')
        // As the table of the trail cuts it: the last four characters.
        .replace(/^(\d{4}-.*\s)…?[0-9a-f]{4}$/, '$1‹operation›')
        .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '‹id›')
        .replace(/^(rev\s+)[a-z2-7]{13}$/, '$1‹rev›')
        .replace(/\bbafy[a-z2-7]+/g, '‹cid›')
        .replace(/sha256:[0-9a-f]+/g, '‹digest›')
        .replace(/\b[a-z0-9-]+(?:-[a-z2-7]{5}){2}\b/g, '‹code›')
        .replace(/\b[0-9a-f]{12,}\b/g, '‹hex›')
        .replace(/\d[\d.:,TZ-]*( (ms|s|min|MB|kB|GB|%))?/g, '#')
        .replace(/[-─]{3,}/g, '---')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    // The engine of the tests may run the Watchtower of another rig.
    .filter((line) => line !== '' && !line.startsWith('warning: Watchtower'))
