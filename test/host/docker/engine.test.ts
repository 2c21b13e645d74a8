import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { HostConfig } from '../../../src/config/host-config.ts'
import type { Host } from '../../../src/host/access/host.ts'
import { readComposeEngine, readEngine } from '../../../src/host/docker/engine.ts'
import { openHost } from '../../../src/host/open-host.ts'
import { ask } from '../../../src/ssh/shell.ts'
import { failureOf } from '../../support/failing.ts'
import { type LocalPds, localPds, sessionWith, wrapped } from '../../support/local-host.ts'

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
  const label = (name: string): string => Config.Labels[`com.docker.compose.${name}`] ?? ''
  return [
    ...[Id, Config.Image, JSON.stringify(label('service'))],
    ...[label('project.working_dir'), label('project.config_files')],
  ]
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
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'inspect.json'), JSON.stringify(containers))
  const program = `#!/bin/sh
${refuse && `[ -n "$BY_SUDO" ] || { echo '${refuse}' >&2; exit 1; }`}
case $1 in ps) printf '%s %s %s\\t%s\\t%s\\t\\n' ${ask`${containers.flatMap(listed)}`.line} ;;
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
    for (const name of ['docker-compose.yml', 'more.yml']) await writeFile(pds.path(name), '')
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

  test.each([
    ['by its path', (dir: string) => `${dir}/pds.env`],
    ['from where it lies', () => './../pds/pds.env'],
  ])('is one made elsewhere whose compose file names this pds.env %s', async (_, path) => {
    await using pds = await localPds()
    const app = join(pds.dir, '..', 'app')
    const file = join(app, 'stack.yml')
    await mkdir(app)
    await writeFile(file, `services:\n  server:\n    env_file: [ "${path(pds.dir)}" ]\n`)
    const labels = { project: 'app', service: 'server', dir: app, files: file }
    const host = await withDocker(pds, [container('x', labels)], { config: { service: 'server' } })
    expect((await readComposeEngine(host)).project).toMatchObject({ dir: app, files: [file], name: 'app' })
  })

  test('is one that sees the directory, wherever it was made', async () => {
    await using pds = await localPds()
    const labels = { project: 'app', service: 'pds', dir: '/srv/app', files: '/srv/app/stack.yml' }
    const it = { ...container('x', labels), Mounts: [{ Source: `${pds.dir}/data`, Destination: '/data' }] }
    expect((await readEngine(await withDocker(pds, [it]))).pds?.name).toBe('x')
  })

  test('is one of the same directory by another name', async () => {
    await using pds = await localPds()
    const link = join(pds.dir, '..', 'link')
    await symlink(pds.dir, link)
    const labels = { project: 'app', service: 'pds', dir: link, files: `${link}/compose.yaml` }
    const host = await withDocker(pds, [container('x', labels)])
    expect((await readEngine(host)).pds?.name).toBe('x')
    const other = await withDocker(pds, [container('y', { ...labels, dir: pds.dir, files: 'x' })], {
      config: { dir: link },
    })
    expect((await readEngine(other)).pds?.name).toBe('y')
  })

  test('of another directory is never taken for it, and named', async () => {
    await using pds = await localPds()
    const labels = { project: 'app', service: 'pds', dir: '/srv/app', files: '/srv/app/stack.yml' }
    await writeFile(pds.path('compose.yaml'), '')
    const host = await withDocker(pds, [container('x', labels)])
    expect(await readEngine(host)).toMatchObject({ pds: undefined, elsewhere: [{ name: 'x' }] })
    const failure = await failureOf(readComposeEngine(host))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-container' })
    expect(failure.message).toContain(`has no container of “pds” that belongs to ${pds.dir}`)
    expect(failure.message).toContain('x (project “app” in /srv/app, running)')
    expect(failure.hint).toContain('project:')
  })

  test('run by hand is never one that keeps its data elsewhere', async () => {
    await using pds = await localPds()
    const it = {
      ...container('pds'),
      Mounts: [{ Type: 'bind', Source: '/srv/other', Destination: '/data' }],
    }
    it.Config.Env.push('PDS_DATA_DIRECTORY=/data')
    expect(await readEngine(await withDocker(pds, [it]))).toMatchObject({
      pds: undefined,
      elsewhere: [{ name: 'pds' }],
    })
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

describe('the project', () => {
  test('is that of the directory of a compose file that the config names', async () => {
    await using pds = await localPds()
    await writeFile(join(pds.dir, '..', 'docker-compose.yml'), '')
    const host = await withDocker(pds, [], { config: { composeFile: '../docker-compose.yml' } })
    const { project } = await readComposeEngine(host)
    expect(project.dir).toBe(join(pds.dir, '..'))
    expect(project.files).toEqual([join(pds.dir, '..', 'docker-compose.yml')])
  })

  test('is read anew where the files that its labels name are gone, and keeps its name', async () => {
    await using pds = await localPds()
    await writeFile(pds.path('compose.yaml'), '')
    const labels = { project: 'app', service: 'pds', dir: pds.dir, files: `${pds.dir}/gone.yaml` }
    const { project } = await readComposeEngine(await withDocker(pds, [container('x', labels)]))
    expect(project).toMatchObject({ dir: pds.dir, files: [pds.path('compose.yaml')], name: 'app' })
  })

  test('has the files that .env names, and that .env', async () => {
    await using pds = await localPds()
    for (const name of ['base.yml', 'more.yml', 'compose.yaml']) await writeFile(pds.path(name), '')
    await writeFile(pds.path('.env'), 'A=b\nCOMPOSE_FILE="base.yml:more.yml"\n')
    const { project } = await readEngine(await withDocker(pds, []))
    expect(project?.files).toEqual([pds.path('base.yml'), pds.path('more.yml')])
    expect(project?.words).toContain(pds.path('.env'))
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
  const made = { project: 'mine', dir: pds.dir, files: `${pds.dir}/x` }
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
  const made = [container('odd', { service: odd }), container('pds', { service: 'pds', dir: pds.dir })]
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
    const made = container('pds', { service: 'pds', project: 'p', dir: pds.dir })
    const host = await withDocker(pds, [made], { refuse: 'permission denied' })
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
