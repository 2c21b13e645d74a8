import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import goat from '../../src/commands/goat.ts'
import pdsadmin from '../../src/commands/pdsadmin.ts'
import type { Host } from '../../src/host/access/host.ts'
import { openHost } from '../../src/host/open-host.ts'
import type { Passthrough } from '../../src/runner/command/command.ts'
import { ask } from '../../src/ssh/shell.ts'
import { failureOf } from '../support/failing.ts'
import { type LocalPds, localPds, wrapped } from '../support/local-host.ts'
import { engineAnswer } from '../support/scripted-engine.ts'
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

const id = 'c0ffee'.padEnd(64, '0')

/** A docker with one container, which compose has made or nobody; it runs what is executed in it right here. */
const docker = (dir: string, made: 'by compose' | 'by hand', goatInside: 'goat' | 'no goat'): string => {
  const service = made === 'by compose' ? 'my-pds' : ''
  const labels =
    made === 'by compose'
      ? { 'com.docker.compose.service': service, 'com.docker.compose.project.working_dir': dir }
      : {}
  const inspected = JSON.stringify([
    {
      Id: id,
      Name: '/my-pds',
      State: { Status: 'running' },
      Config: { Env: ['PDS_PORT=3456'], Labels: labels },
      HostConfig: { NetworkMode: 'host' },
    },
  ])
  return `
case "$1 $*" in
  "ps ps --all "*) printf '%s image "%s"\\t%s\\t\\t\\n' ${id} '${service}' '${service && dir}' ;;
  "inspect inspect "*) echo '${inspected}' ;;
  "exec exec ${id} sh -c command -v goat") ${goatInside === 'goat' ? 'exit 0' : 'exit 127'} ;;
  "exec exec -i ${id} sh -c "*) shift 3; PDS_PORT=2583 exec "$@" ;;
  *) echo "unexpected: $*" >&2; exit 99 ;;
esac`
}

describe('goat', () => {
  test.each(['by compose', 'by hand'] as const)('runs in the container, made %s', async (made) => {
    await using pds = await localPds()
    const programs = { docker: docker(pds.dir, made, 'goat'), goat: `echo "$PDS_HOST"; ${show}` }
    const { code, stdout, line } = await run(goat, await hostWith(pds, programs), odd, 'in\n')
    expect(stdout).toBe(`http://localhost:2583\n${shown(odd)}in\n`)
    expect(code).toBe(7)
    expect(line).not.toContain('s3 cret')
  })

  test.each([
    ['there is no docker', () => ({})],
    ['the container has none', (dir: string) => ({ docker: docker(dir, 'by compose', 'no goat') })],
  ])('runs on the host when %s', async (_, programs) => {
    await using pds = await localPds()
    const all = { ...programs(pds.dir), goat: `echo "$PDS_HOST $PDS_ADMIN_PASSWORD"; ${show}` }
    const { code, stdout, line } = await run(goat, await hostWith(pds, all), odd, 'in\n')
    expect(stdout).toBe(`http://127.0.0.1:3456 s3 cret\n${shown(odd)}in\n`)
    expect(code).toBe(7)
    expect(line).not.toContain('s3 cret')
  })

  test('is never run in a container of somebody else, nor given our password for it', async () => {
    await using pds = await localPds()
    const programs = { docker: docker('/srv/other', 'by compose', 'goat'), goat: show }
    const failure = await failureOf(run(goat, await hostWith(pds, programs), []))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-container' })
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
    const host = scriptedHost({ settings: { elevation } })
      .on('# which container is the PDS', engineAnswer([{ id: 'c0ffee' }]))
      .on('goat', 'container\n')
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
