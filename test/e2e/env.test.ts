import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canDocker, docker } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { ended, problem, type Ran, row, run, start } from './cli.ts'
import { endScreens, onScreen, plain } from './screen.ts'

const required = process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')

describe.skipIf(!canDocker().can && !required)(
  'pds.env of a PDS in a container',
  { timeout: 180_000 },
  () => {
    let rig: RigHost
    let file: string
    let first: string

    beforeAll(async () => {
      rig = await startRig({ docker: {}, rateLimits: false, env: { PDS_SERVICE_NAME: 'first' } })
      file = join(rig.pdsDir, 'pds.env')
      first = text()
    }, 300_000)
    afterEach(endScreens)
    afterAll(async () => rig?.stop(), 120_000)
    beforeEach(() => write(first))

    const text = (): string => readFileSync(file, 'utf8')
    const write = (content: string): void => {
      writeFileSync(file, content)
      chmodSync(file, 0o600)
    }
    const tool = (...args: string[]): Promise<Ran> => run(rig, [...args, '--json'])
    const env = (...args: string[]): Promise<Ran> => tool('env', ...args)
    const container = async <T>(field: string): Promise<T> =>
      JSON.parse(
        await docker('inspect', '--format', `{{json .${field}}}`, rig.docker?.containerName ?? ''),
      ) as T
    const running = async (key: string): Promise<string | undefined> =>
      (await container<string[]>('Config.Env')).find((it) => it.startsWith(`${key}=`))?.slice(key.length + 1)
    const healthy = async (): Promise<boolean> => (await fetch(`${rig.pdsUrl}/xrpc/_health`)).ok
    const replaced = (line: string, by: string, content = first): string => {
      expect(content).toContain(line)
      return content.replace(line, by)
    }

    test('a value is set, applied and served; nothing else in the file changes', async () => {
      const text1 = replaced('PDS_SERVICE_NAME=first\n', '# my name\n\nPDS_SERVICE_NAME=first\n')
      write(text1)
      const ran = await env('set', 'PDS_SERVICE_NAME=second', '--yes')
      expect(ran.code, ran.stderr).toBe(0)
      const { outageMs, ...rest } = row<{ outageMs: number }>(ran)
      expect(rest).toEqual({
        keys: ['PDS_SERVICE_NAME'],
        file,
        applied: true,
        version: expect.stringMatching(/^\d+\.\d+/),
        changed: true,
        operation: expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{4}$/),
      })
      expect(outageMs).toBeGreaterThan(0)
      expect(text()).toBe(replaced('PDS_SERVICE_NAME=first', 'PDS_SERVICE_NAME=second', text1))
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(statSync(file).uid).toBe(0)
      expect(await running('PDS_SERVICE_NAME')).toBe('second')
      expect(await healthy()).toBe(true)
    })

    test('what is so already is left alone', async () => {
      await env('set', 'PDS_SERVICE_NAME=same', '--settle', '1s', '--yes')
      const [id, content] = [await container<string>('Id'), text()]
      const ran = await env('set', 'PDS_SERVICE_NAME=same')
      expect(ran.code, ran.stderr).toBe(0)
      expect(row(ran)).toMatchObject({ changed: false })
      expect([await container<string>('Id'), text()]).toEqual([id, content])
    })

    test('what was edited by hand and never applied is told, then applied', async () => {
      await env('set', 'PDS_SERVICE_NAME=third', '--settle', '1s', '--yes')
      write(replaced('PDS_SERVICE_NAME=third', 'PDS_SERVICE_NAME=fourth', text()))
      const told = await env('diff')
      expect(told.code).toBe(3)
      expect(row(told)).toMatchObject({
        agree: false,
        differences: [
          { key: 'PDS_SERVICE_NAME', lines: ['- PDS_SERVICE_NAME=third', '+ PDS_SERVICE_NAME=fourth'] },
        ],
      })
      expect((await env('set', 'PDS_SERVICE_NAME=fourth', '--settle', '1s', '--yes')).code).toBe(0)
      expect(await running('PDS_SERVICE_NAME')).toBe('fourth')
      const agreed = await env('diff')
      expect([agreed.code, row(agreed)]).toEqual([
        0,
        expect.objectContaining({ agree: true, differences: [] }),
      ])
    })

    test('a value that keeps the PDS from starting is put back, and the old one serves', async () => {
      await env('set', 'PDS_SERVICE_NAME=good', '--settle', '1s', '--yes')
      const content = text()
      const ran = await env('set', 'PDS_SERVICE_HANDLE_DOMAINS=nodot', '--force', '--settle', '1s', '--yes')
      expect(ran.code, ran.stderr).toBe(1)
      expect(text()).toBe(content)
      expect(await running('PDS_SERVICE_HANDLE_DOMAINS')).toBe('.test')
      expect(await healthy()).toBe(true)
    })

    test.each(['$(touch /tmp/x)', 'a b', 'a;b', '`id`', "it's", '"', 'a#b', 'é'])(
      'the value %j is refused before anything is contacted',
      async (value) => {
        const refused = await env('set', `PDS_SERVICE_NAME=${value}`, '--settle', '1s', '--yes')
        expect([refused.code, problem(refused).code]).toEqual([2, 'env-value'])
        expect(text()).toBe(first)
      },
    )

    test('in quotes, all of that arrives as it is', async () => {
      const value = '$(touch /tmp/x) $HOME $$ a;b `id` "q" \\n #c é'
      const ran = await env('set', `PDS_SERVICE_NAME=${value}`, '--quote', '--settle', '1s', '--yes')
      expect(ran.code, ran.stderr).toBe(0)
      expect(await running('PDS_SERVICE_NAME')).toBe(value)
    })

    test('CR LF and what stands twice', async () => {
      write(`${first}PDS_SERVICE_NAME=again\n`.replaceAll('\n', '\r\n'))
      expect(row(await env('get', 'PDS_SERVICE_NAME'))).toMatchObject({ value: 'again' })
      const ran = await env('set', 'PDS_SERVICE_NAME=once', '--settle', '1s', '--yes')
      expect(ran.code, ran.stderr).toBe(0)
      const wanted = replaced('PDS_SERVICE_NAME=first', 'PDS_SERVICE_NAME=once')
      expect(text()).toBe(wanted.replaceAll('\n', '\r\n'))
      expect(await running('PDS_SERVICE_NAME')).toBe('once')
    })

    test('a secret goes by standard input, and is in no output and not in the trail', async () => {
      const secret = 'smtp://me:pa55-hush@127.0.0.1:1'
      const both = `PDS_EMAIL_SMTP_URL=${secret}\nPDS_EMAIL_FROM_ADDRESS=a@b.test\n`
      const ran = await run(rig, ['env', 'set', '-', '--settle', '1s', '--yes', '--verbose'], { stdin: both })
      expect(ran.code, ran.stderr).toBe(0)
      expect(await running('PDS_EMAIL_SMTP_URL')).toBe(secret)
      const shown = await run(rig, ['env', 'list'])
      expect(shown.stdout).toContain('smtp://me:‹secret›@127.0.0.1:1')
      const trail = readFileSync(join(rig.pdsDir, 'kimbia-ops/trail.jsonl'), 'utf8')
      expect(ran.stdout + ran.stderr + shown.stdout + trail).not.toContain('hush')
    })

    test('what another has changed between plan and consent is not written over', async () => {
      const screen = onScreen(rig, ['env', 'set', 'PDS_SERVICE_NAME=mine'])
      await screen.shows('(y/N)')
      const theirs = replaced(
        'PDS_SERVICE_NAME=first',
        'PDS_SERVICE_NAME=theirs\nPDS_REDIS_SCRATCH_PASSWORD=hush',
      )
      write(theirs)
      const id = await container<string>('Id')
      screen.type('y\r')
      expect(await screen.ended).toBe(1)
      expect(plain(screen.text())).toContain('PDS_SERVICE_NAME=theirs')
      expect(screen.text()).not.toContain('hush')
      expect(text()).toBe(theirs)
      expect(id).not.toBe('')
    })

    test('of two at the same time, one is done and the other changes nothing', async () => {
      const both = ['mine', 'theirs'].map((name) =>
        start(rig, ['env', 'set', `PDS_SERVICE_NAME=${name}`, '--yes', '--json']),
      )
      const ends = await Promise.all(both.map(ended))
      const codes = ends.map(({ code }) => code)
      expect(codes.filter((code) => code === 0)).toHaveLength(1)
      expect([1, 7]).toContain(codes.find((code) => code !== 0))
      const winner = codes[0] === 0 ? 'mine' : 'theirs'
      expect(text()).toContain(`PDS_SERVICE_NAME=${winner}\n`)
      expect(await running('PDS_SERVICE_NAME')).toBe(winner)
    })

    test('mistakes are found, and who may read the file', async () => {
      write(replaced('PDS_RATE_LIMITS_ENABLED=false', 'PDS_RATE_LIMITS_ENABLED=yes'))
      chmodSync(file, 0o644)
      const ran = await env('check')
      expect(ran.code).toBe(3)
      const { findings } = row<{ findings: { key: string; problem: string }[] }>(ran)
      expect(findings.find(({ key }) => key === 'PDS_RATE_LIMITS_ENABLED')?.problem).toContain(
        'rate limits are OFF',
      )
      expect(findings.some(({ problem }) => problem.includes('its mode is 644'))).toBe(true)
      expect(ran.stdout).not.toContain(rig.adminPassword)
    })
  },
)
