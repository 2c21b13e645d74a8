import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { HostConfig } from '../../src/config.ts'
import { readComposeEngine, readEngine } from '../../src/host/engine.ts'
import { type Host, openHost } from '../../src/host/host.ts'
import { ask } from '../../src/ssh/shell.ts'
import { failureOf } from '../support/failing.ts'
import { type LocalPds, localPds, sessionWith, wrapped } from '../support/local-host.ts'

interface Labels {
  readonly project?: string
  readonly service?: string
  readonly dir?: string
  readonly files?: string
  readonly oneoff?: string
}

const container = (name: string, labels: Labels = {}) => ({
  Id: Buffer.from(name).toString('hex').padEnd(64, '0'),
  Name: `/${name}`,
  Image: 'sha256:abc',
  RestartCount: 2,
  Args: ['--interval', '30'],
  State: { Status: 'running', ExitCode: 0, StartedAt: '2026-11-22T18:00:00Z', FinishedAt: '' },
  Config: {
    Image: 'registry.test/pds:0.4',
    Env: ['PDS_PORT=3000', 'URL=a=b', 'EMPTY='],
    Labels: {
      ...(labels.project && { 'com.docker.compose.project': labels.project }),
      ...(labels.service && { 'com.docker.compose.service': labels.service }),
      ...(labels.dir && { 'com.docker.compose.project.working_dir': labels.dir }),
      ...(labels.files && { 'com.docker.compose.project.config_files': labels.files }),
      ...(labels.oneoff && { 'com.docker.compose.oneoff': labels.oneoff }),
    },
  },
  HostConfig: { NetworkMode: 'host' },
  Mounts: [{ Source: '/srv/pds', Destination: '/pds' }],
})

/** What `docker ps` says of it: its id, its image, and its service. */
const listed = (container: object): string[] => {
  const { Id, Config } = container as {
    Id: string
    Config: { Image: string; Labels: Record<string, string> }
  }
  return [Id, Config.Image, JSON.stringify(Config.Labels['com.docker.compose.service'] ?? '')]
}

/** A program `docker` that knows these containers; it lets nobody in but by `sudo` where that is asked. */
async function withDocker(
  pds: LocalPds,
  containers: readonly object[],
  {
    config = {},
    refuse = '',
    images = {},
  }: { config?: Partial<HostConfig>; refuse?: string; images?: Record<string, string> } = {},
): Promise<Host> {
  const bin = join(pds.dir, '..', 'programs')
  await mkdir(bin)
  await writeFile(join(bin, 'inspect.json'), JSON.stringify(containers))
  const program = `#!/bin/sh
${refuse && `[ -n "$BY_SUDO" ] || { echo '${refuse}' >&2; exit 1; }`}
case $1 in ps) printf '%s %s %s\\n' ${ask`${containers.flatMap(listed)}`.line} ;;
image) case "$*" in ${Object.entries(images)
    .map(([name, told]) => ask`*${name}) echo ${told} ;;`.line)
    .join(' ')} *) exit 1 ;; esac ;;
inspect) cat ${ask`${join(bin, 'inspect.json')}`.line} ;; *) exit 9 ;; esac
`
  await writeFile(join(bin, 'docker'), program)
  await writeFile(join(bin, 'sudo'), '#!/bin/sh\n[ "$1" = -n ] || exit 1\nshift\nBY_SUDO=1 exec "$@"\n')
  await writeFile(join(bin, 'id'), '#!/bin/sh\necho 1000\n')
  for (const name of ['docker', 'sudo', 'id']) await chmod(join(bin, name), 0o755)
  const session = wrapped((line) => ask`PATH=${bin}:"$PATH" exec sh -c ${line}`.line)
  return openHost(async () => session, { ...pds.config, ...config })
}

describe('the container of the service', () => {
  test('is the one that compose made in the directory, with its own project and files', async () => {
    await using pds = await localPds()
    const host = await withDocker(pds, [
      container('other', { project: 'other', service: 'pds', dir: '/elsewhere', files: '/elsewhere/c.yaml' }),
      container('once', { project: 'mine', service: 'pds', dir: pds.dir, files: 'x', oneoff: 'True' }),
      container('mine', {
        project: 'mine',
        service: 'pds',
        dir: pds.dir,
        files: `${pds.dir}/docker-compose.yml,${pds.dir}/more.yml`,
      }),
    ])
    const engine = await readComposeEngine(host)
    expect(engine.pds).toMatchObject({
      name: 'mine',
      restarts: 2,
      state: 'running',
      image: 'registry.test/pds:0.4',
      network: 'host',
      args: ['--interval', '30'],
      mounts: [{ source: '/srv/pds', target: '/pds' }],
    })
    expect(engine.pds?.env.get('URL')?.reveal()).toBe('a=b')
    expect(engine.containers).toHaveLength(3)
    expect(engine.project.words).toEqual([
      ...['docker', 'compose', '--project-directory', pds.dir],
      ...['--file', `${pds.dir}/docker-compose.yml`, '--file', `${pds.dir}/more.yml`],
      ...['--project-name', 'mine'],
    ])
  })

  test('is the only one of that service, wherever it was made', async () => {
    await using pds = await localPds()
    const labels = { project: 'app', service: 'server', dir: '/srv/app', files: '/srv/app/stack.yml' }
    const host = await withDocker(pds, [container('x', labels)], { config: { service: 'server' } })
    const { project } = await readComposeEngine(host)
    expect(project).toMatchObject({ dir: '/srv/app', files: ['/srv/app/stack.yml'], name: 'app' })
  })

  test('is not guessed among several of other directories', async () => {
    await using pds = await localPds()
    const labels = { service: 'pds', dir: '/a', files: '/a/c.yaml' }
    const two = [container('a', { ...labels, project: 'a' }), container('b', { ...labels, project: 'b' })]
    expect((await readEngine(await withDocker(pds, two))).pds).toBeUndefined()
  })

  test('is told by the config where several could be it', async () => {
    await using pds = await localPds()
    const labels = { service: 'pds', dir: '/a', files: '/a/c.yaml' }
    const two = [container('a', { ...labels, project: 'a' }), container('b', { ...labels, project: 'b' })]
    const host = await withDocker(pds, two, { config: { project: 'b' } })
    expect((await readEngine(host)).pds?.name).toBe('b')
  })

  test('is one by its name where compose made none', async () => {
    await using pds = await localPds()
    const host = await withDocker(pds, [container('pds')])
    const engine = await readEngine(host)
    expect(engine.pds?.name).toBe('pds')
    expect(engine.project).toBeUndefined()
    const failure = await failureOf(readComposeEngine(host))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-compose-file' })
  })
})

describe('the compose files', () => {
  test('are found by their usual names, the override laid over', async () => {
    await using pds = await localPds()
    await writeFile(pds.path('docker-compose.yml'), '')
    await writeFile(pds.path('docker-compose.override.yml'), '')
    const { project } = await readEngine(await withDocker(pds, []))
    expect(project?.files).toEqual([pds.path('docker-compose.yml'), pds.path('docker-compose.override.yml')])
  })

  test('are read with it, whatever they hold', async () => {
    await using pds = await localPds()
    const odd = "kimbia-ops:files\n/x\nkimbia-ops:texts\n3 /y\nné's\n"
    await writeFile(pds.path('compose.yml'), odd)
    await writeFile(pds.path('compose.override.yml'), 'no newline')
    const { project } = await readEngine(await withDocker(pds, []))
    expect([...(project?.texts ?? [])]).toEqual([
      [pds.path('compose.yml'), odd],
      [pds.path('compose.override.yml'), 'no newline'],
    ])
  })

  test('count as not read where they are no UTF-8', async () => {
    await using pds = await localPds()
    await writeFile(pds.path('compose.yml'), Buffer.from('# caf\xe9\nservices: {}\n', 'latin1'))
    const { project } = await readEngine(await withDocker(pds, []))
    expect(project?.files).toEqual([pds.path('compose.yml')])
    expect(project?.texts.size).toBe(0)
  })

  test('are what the config says', async () => {
    await using pds = await localPds()
    await writeFile(pds.path('compose.yaml'), '')
    await writeFile(pds.path('stack.yaml'), '')
    const host = await withDocker(pds, [], { config: { composeFile: 'stack.yaml', project: 'p' } })
    expect((await readEngine(host)).project).toMatchObject({ files: [pds.path('stack.yaml')], name: 'p' })
  })
})

test('what the reference of the service names is looked at with it', async () => {
  await using pds = await localPds()
  const reference = 'registry.test/pds:0.4'
  const images = { [reference]: 'sha256:ab ["PATH=/bin","PDS_PORT=3000"]' }
  const made = { project: 'mine', dir: pds.dir, files: 'x' }
  const containers = [
    container('db', { ...made, service: 'db' }),
    container('pds', { ...made, service: 'pds' }),
  ]
  const before = Math.floor(Date.now() / 1000)
  const engine = await readEngine(await withDocker(pds, containers, { images }))
  expect(engine.image).toEqual({ reference, id: 'sha256:ab', env: ['PATH=/bin', 'PDS_PORT=3000'] })
  expect(engine.containers.map(({ name }) => name)).toEqual(['db', 'pds'])
  expect(engine.seen).toBeGreaterThanOrEqual(before)
  expect(engine.seen).toBeLessThanOrEqual(Date.now() / 1000)
})

test('a label that goes over several lines is no words for docker', async () => {
  await using pds = await localPds()
  const odd = 'x\n--format=forged y "pds"\n'
  const images = { 'registry.test/pds:0.4': 'sha256:ab []' }
  const made = [container('odd', { service: odd }), container('pds', { service: 'pds' })]
  const host = await withDocker(pds, made, { images })
  const engine = await readEngine(host)
  expect(engine.containers.map(({ name }) => name)).toEqual(['odd', 'pds'])
  expect(engine.image?.id).toBe('sha256:ab')
})

test('a reference that names nothing any more is not taken for one', async () => {
  await using pds = await localPds()
  const engine = await readEngine(await withDocker(pds, [container('pds', { service: 'pds' })]))
  expect(engine.image).toBeUndefined()
})

describe('docker', () => {
  test('is reached by sudo where it refuses the user', async () => {
    await using pds = await localPds()
    await writeFile(pds.path('compose.yaml'), '')
    const host = await withDocker(pds, [container('pds')], { refuse: 'permission denied' })
    const engine = await readComposeEngine(host)
    expect(engine.docker).toEqual(['sudo', '-n', 'docker'])
    expect(engine.project.words.slice(0, 4)).toEqual(['sudo', '-n', 'docker', 'compose'])
    expect(engine.pds?.name).toBe('pds')
  })

  test('that is not there is told, with what works without it', async () => {
    await using pds = await localPds()
    const session = await sessionWith(pds.path('shell'), ['sh'], ['id', 'cat'])
    const failure = await failureOf(readEngine(openHost(async () => session, pds.config)))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-docker' })
    expect(failure.hint).toContain('accounts, invites')
  })

  test('that does not answer is told with its own words', async () => {
    await using pds = await localPds()
    const bin = join(pds.dir, '..', 'programs')
    await mkdir(bin)
    await writeFile(join(bin, 'docker'), '#!/bin/sh\necho "Cannot connect to the daemon" >&2\nexit 1\n')
    await chmod(join(bin, 'docker'), 0o755)
    const session = wrapped((line) => ask`PATH=${bin}:"$PATH" exec sh -c ${line}`.line, [])
    const failure = await failureOf(readEngine(openHost(async () => session, pds.config)))
    expect(failure.message).toContain('Cannot connect to the daemon')
    expect(failure.code).toBe('no-engine')
  })

  test('settings never show in what is printed of a container', async () => {
    await using pds = await localPds()
    const engine = await readEngine(await withDocker(pds, [container('pds')]))
    expect(JSON.stringify([...(engine.pds?.env ?? [])])).not.toContain('a=b')
  })
})
