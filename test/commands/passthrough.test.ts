import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import goat from '../../src/commands/goat.ts'
import pdsadmin from '../../src/commands/pdsadmin.ts'
import { type Host, openHost } from '../../src/host/host.ts'
import type { Passthrough } from '../../src/runner/command.ts'
import { ask } from '../../src/ssh/shell.ts'
import { failureOf } from '../support/failing.ts'
import { type LocalPds, localPds, wrapped } from '../support/local-host.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { viewsOf } from '../support/views.ts'

/** A host whose PATH holds these programs before all others, each a shell script. */
async function hostWith(pds: LocalPds, programs: Readonly<Record<string, string>>): Promise<Host> {
  const bin = pds.path('bin')
  await mkdir(bin)
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(`${bin}/${name}`, `#!/bin/sh\n${script}\n`)
    await chmod(`${bin}/${name}`, 0o755)
  }
  const session = wrapped((line) => ask`PATH=${bin}:/usr/bin:/bin; export PATH; exec sh -c ${line}`.line)
  return openHost(async () => session, { ...pds.config, service: 'my-pds' })
}

const odd = ['a b', `it's "x"`, '$HOME', '', '-it', '*', 'é\nf']

/** Runs it as the runner does; `$0` of the fake programs shows what they were given. */
async function run(command: Passthrough, host: Host, args: readonly string[], input = '') {
  const { shell, first } = await command.locate(args, 'no', viewsOf({ host }))
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(input)
  const code = await host.attach(shell, { stdin, stdout, stderr, ...(first && { first }) })
  stdout.end()
  return { code, stdout: await text(stdout), line: shell.line }
}

const show = 'printf "<%s>" "$@"; echo; cat; exit 7'
const shown = (args: readonly string[]): string => `${args.map((arg) => `<${arg}>`).join('')}\n`

/** A docker with one container, found as asked; it runs what is executed in it right here. */
const docker = (found: 'by service' | 'by name', goatInside: 'goat' | 'no goat'): string => `
case "$1 $*" in
  "compose compose --project-directory /"*"/pds ps -q my-pds") ${found === 'by service' ? 'echo c0ffee' : 'exit 1'} ;;
  "ps ps -q --filter name=^my-pds$") echo c0ffee ;;
  "exec exec c0ffee sh -c command -v goat") ${goatInside === 'goat' ? 'exit 0' : 'exit 127'} ;;
  "exec exec -i c0ffee sh -c "*) shift 3; PDS_PORT=2583 exec "$@" ;;
  *) echo "unexpected: $*" >&2; exit 99 ;;
esac`

describe('goat', () => {
  test.each(['by service', 'by name'] as const)('runs in the container, found %s', async (found) => {
    await using pds = await localPds()
    const programs = { docker: docker(found, 'goat'), goat: `echo "$PDS_HOST"; ${show}` }
    const { code, stdout, line } = await run(goat, await hostWith(pds, programs), odd, 'in\n')
    expect(stdout).toBe(`http://localhost:2583\n${shown(odd)}in\n`)
    expect(code).toBe(7)
    expect(line).not.toContain('s3 cret')
  })

  test.each([
    ['there is no docker', {}],
    ['the container has none', { docker: docker('by service', 'no goat') }],
  ])('runs on the host when %s', async (_, programs) => {
    await using pds = await localPds()
    const all = { ...programs, goat: `echo "$PDS_HOST $PDS_ADMIN_PASSWORD"; ${show}` }
    const { code, stdout, line } = await run(goat, await hostWith(pds, all), odd, 'in\n')
    expect(stdout).toBe(`http://127.0.0.1:3456 s3 cret\n${shown(odd)}in\n`)
    expect(code).toBe(7)
    expect(line).not.toContain('s3 cret')
  })

  test('is nowhere', async () => {
    await using pds = await localPds()
    const failure = await failureOf(run(goat, await hostWith(pds, {}), []))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-goat' })
    expect(failure.hint).toContain('service:')
  })

  test.each([
    ['yes', 'sudo', '-it'],
    ['no', 'sudo', '-i'],
    ['yes', 'sudo with a password', '-i'],
  ] as const)('with a terminal (%s) and %s it gets %s', async (tty, elevation, flag) => {
    const host = scriptedHost({ settings: { elevation } }).on('goat', 'container c0ffee\n')
    const { shell, first } = await goat.locate(['a'], tty, viewsOf({ host }))
    expect(shell.line).toContain(`docker exec ${flag} c0ffee `)
    expect(shell.effect).toBe('act')
    expect(first).toBeUndefined()
    expect(host.changes).toEqual([])
  })
})

describe('pdsadmin', () => {
  test('runs on the host with its arguments as they are', async () => {
    await using pds = await localPds()
    const { code, stdout } = await run(pdsadmin, await hostWith(pds, { pdsadmin: show }), odd, 'in\n')
    expect({ code, stdout }).toEqual({ code: 7, stdout: `${shown(odd)}in\n` })
  })

  test('is missing', async () => {
    const host = scriptedHost().on('pdsadmin', { code: 1 })
    const failure = await failureOf(pdsadmin.locate([], 'no', viewsOf({ host })))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-pdsadmin' })
  })
})
