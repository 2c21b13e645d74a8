import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { docker } from '../../rig/docker/docker.ts'
import type { DockerFacts } from '../../rig/docker/docker-host.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { pointTag } from '../../rig/image/images.ts'
import { before } from '../support/docker-state.ts'
import { withoutDocker } from '../support/local-host.ts'
import { problem, type Ran, row, run } from './cli.ts'

describe.skipIf(withoutDocker)('images as compose has them', { timeout: 180_000 }, () => {
  let rig: RigHost
  let facts: DockerFacts
  let first: string
  const digests: Record<string, string> = {}

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false })
    facts = rig.docker as DockerFacts
    first = file()
    for (const tag of [facts.tags.good, facts.tags.next]) digests[tag] = await digestOf(tag)
  }, 300_000)
  afterAll(async () => rig?.stop(), 120_000)
  beforeEach(async () => {
    for (const name of ['.env', 'base.yaml', 'more.yaml']) rmSync(path(name), { force: true })
    await pointTag(rig, '0.4', facts.tags.good)
    await docker('pull', '--quiet', `${facts.image}:0.4`)
  })
  /** Has the container made of this compose file. */
  const begin = async (text = first): Promise<void> => {
    put('compose.yaml', text)
    await rig.restartPds()
  }

  const path = (name: string): string => join(rig.pdsDir, name)
  const file = (): string => readFileSync(facts.composeFile, 'utf8')
  const put = (name: string, text: string): void => {
    writeFileSync(path(name), text)
    chmodSync(path(name), 0o644)
  }
  const update = (...args: string[]): Promise<Ran> => run(rig, ['update', ...args, '--json'])
  const apply = (...args: string[]): Promise<Ran> => update('apply', '--settle', '1s', ...args, '--yes')
  const container = (format: string): Promise<string> =>
    docker('inspect', '--format', format, facts.containerName)
  const version = async (): Promise<unknown> =>
    ((await (await fetch(`${rig.pdsUrl}/xrpc/_health`)).json()) as { version: string }).version
  /** What the registry itself says. */
  const digestOf = async (tag: string): Promise<string> => {
    const name = facts.image.slice(facts.registry.length + 1)
    const accept = 'application/vnd.docker.distribution.manifest.v2+json'
    const answer = await fetch(`http://${facts.registry}/v2/${name}/manifests/${tag}`, {
      headers: { accept },
    })
    return answer.headers.get('docker-content-digest') ?? ''
  }
  /** The compose file with another image. */
  const withImage = (image: string): string => {
    expect(first).toContain(`image: ${facts.image}:0.4 #`)
    return first.replace(`image: ${facts.image}:0.4 #`, () => `image: ${image} #`)
  }

  test.each<[string, () => void, string]>([
    [
      'put together from .env',
      () => {
        put('.env', 'TAG=0.4\n')
        put('compose.yaml', withImage(`${facts.image}:\${TAG}`))
      },
      'edit TAG',
    ],
    [
      'extended',
      () => {
        put('base.yaml', first)
        put(
          'compose.yaml',
          `name: ${facts.project}\nservices:\n  pds:\n    extends: {file: base.yaml, service: pds}\n`,
        )
      },
      'extends another service',
    ],
    [
      'included',
      () => {
        put('more.yaml', first.replace(/^name: .*\n/, ''))
        put('compose.yaml', `name: ${facts.project}\ninclude: [more.yaml]\n`)
      },
      'includes',
    ],
  ])('%s: read, updated by its tag, and only what has to be edited is refused', async (_, lay, words) => {
    await begin()
    lay()
    const [id, text] = [await container('{{.Id}}'), file()]
    const checked = await update('check')
    expect(checked.code, checked.stderr).toBe(0)
    expect(row(checked)).toMatchObject({
      image: `${facts.image}:0.4`,
      pinned: false,
      available: 'up to date',
    })
    const nothing = await apply()
    expect([nothing.code, row(nothing).changed], nothing.stderr).toEqual([0, false])
    for (const args of [['apply', '--to', '0.5.35'], ['pin']]) {
      const refused = await update(...args, '--yes')
      expect([refused.code, problem(refused).code], refused.stderr).toEqual([1, 'image-elsewhere'])
      expect(`${problem(refused).message} ${problem(refused).hint}`).toContain(words)
    }
    expect([await container('{{.Id}}'), file()]).toEqual([id, text])

    await pointTag(rig, '0.4', facts.tags.next)
    expect(row(await update('check'))).toMatchObject({ available: 'update available' })
    const applied = await apply()
    expect(applied.code, applied.stderr).toBe(0)
    expect(row(applied)).toMatchObject({ from: '0.5.34', to: '0.5.35' })
    expect([await version(), file()]).toEqual(['0.5.35', text])

    await pointTag(rig, '0.4', facts.tags.neverStarts)
    const bad = await apply()
    expect([bad.code, problem(bad).code], bad.stderr).toEqual([1, 'restarted'])
    expect([await version(), file()]).toEqual(['0.5.35', text])
  })

  test('a tag in .env that was edited by hand is applied, and gone back from', async () => {
    put('.env', 'TAG=0.4\n')
    await begin(withImage(`${facts.image}:\${TAG}`))
    put('.env', `TAG=${facts.tags.neverStarts}\n`)
    const bad = await apply()
    expect([bad.code, problem(bad).code], bad.stderr).toEqual([1, 'restarted'])
    expect(await version()).toBe('0.5.34')
    put('.env', `TAG=${facts.tags.next}\n`)
    const applied = await apply()
    expect(applied.code, applied.stderr).toBe(0)
    expect(await version()).toBe('0.5.35')
    expect(await container('{{.Config.Image}}')).toBe(`${facts.image}:${facts.tags.next}`)
  })

  test.each<[string, string, (image: string, digest: string) => string]>([
    ['a tag and a digest', '', (image, digest) => `${image}:0.4.5034@${digest}`],
    ['a digest alone', '', (image, digest) => `${image}@${digest}`],
    ['in quotes', '"', (image, digest) => `${image}:0.4.5034@${digest}`],
  ])('pinned by %s stays pinned, by the digest that was pulled', async (_, quote, pinned) => {
    const old = pinned(facts.image, digests[facts.tags.good] ?? '')
    await begin(withImage(`${quote}${old}${quote}`))
    const ran = await apply('--to', '0.5.35')
    expect(ran.code, ran.stderr).toBe(0)
    const digest = digests[facts.tags.next]
    const wanted = `${facts.image}:${facts.tags.next}@${digest}`
    expect(row(ran)).toMatchObject({ image: wanted, digest, to: '0.5.35' })
    expect(file()).toBe(withImage(`${quote}${wanted}${quote}`))
    expect(await container('{{.Config.Image}}')).toBe(wanted)
    const runs = await docker(
      'image',
      'inspect',
      '--format',
      '{{json .RepoDigests}}',
      await container('{{.Image}}'),
    )
    expect(runs).toContain(`${facts.image}@${digest}`)
    const again = await apply('--to', '0.5.35')
    expect([again.code, row(again).changed], again.stderr).toEqual([0, false])

    const back = await update('rollback', '--settle', '1s', '--yes')
    expect(back.code, back.stderr).toBe(0)
    expect(file()).toBe(withImage(`${quote}${old}${quote}`))
    expect(await version()).toBe('0.5.34')

    const pin = await update('pin', '0.5.35', '--yes')
    expect(pin.code, pin.stderr).toBe(0)
    expect(row(pin)).toMatchObject({ image: wanted, pinned: true })
    const closed = await run(rig, ['signup', 'close', '--yes', '--json'])
    expect(closed.code, closed.stderr).toBe(0)
    expect(file()).toContain(facts.image)
    expect(await version()).toBe('0.5.34')
  })

  test('a tag that is moved between the plan and the pull changes nothing', async () => {
    await begin(withImage(`${facts.image}:0.4.5034@${digests[facts.tags.good]}`))
    await pointTag(rig, 'moves', facts.tags.next)
    const moved = join(rig.dir, 'moved')
    const restore = before(rig, 'docker', `case "$*" in pull*) touch ${moved}; sleep 3 ;; esac`)
    try {
      const applying = apply('--to', 'moves')
      while (!existsSync(moved)) await new Promise((resolve) => setTimeout(resolve, 50))
      await pointTag(rig, 'moves', facts.tags.neverStarts)
      const ran = await applying
      expect(ran.code, ran.stderr).toBe(0)
    } finally {
      restore()
    }
    expect(await version()).toBe('0.5.35')
    expect(await container('{{.Config.Image}}')).toBe(`${facts.image}:moves@${digests[facts.tags.next]}`)
  })
})
