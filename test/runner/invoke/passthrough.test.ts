import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { engineAnswer } from '../../support/scripted-engine.ts'
import { type ScriptedHost, scriptedHost } from '../../support/scripted-host.ts'
import { errorOf, nothing, scriptedWorld, told } from '../../support/world.ts'

const own = ['# which container is the PDS', engineAnswer([{ id: 'c0ffee' }])] as const

const streams = () => ({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() })
const hostWith = (code: number): ScriptedHost =>
  scriptedHost()
    .on(...own)
    .on('# find goat', 'container\n')
    .on('exec docker exec', { code, stdout: 'out\n' })
const run = (host: ScriptedHost, ...words: string[]) =>
  scriptedWorld({ host, streams: streams() }).run(...words)

describe('a program of the host', () => {
  test.each([
    [0, 'ok goat account list'],
    [7, 'failed goat account list: exit-code: it ended with exit code 7'],
    [1, 'failed goat account list: exit-code: it ended with exit code 1'],
  ])('ends with its own exit code %i, and is kept in the trail', async (code, outcome) => {
    const ran = await run(hostWith(code), 'goat', 'account', 'list')
    expect(ran).toMatchObject({ code, stderr: '', changes: [] })
    expect(told(ran)).toEqual(['intent goat account list', outcome])
    expect(ran.acts).toEqual(['# keep the trail', expect.stringContaining('exec docker exec -i c0ffee')])
  })

  test('is begun only once its intent is in the trail', async () => {
    const host = hostWith(0)
    const { attach } = host
    let before = 0
    host.attach = (...args) => {
      before = host.trail.length
      return attach(...args)
    }
    await run(host, 'goat', 'account', 'list')
    expect(before).toBe(1)
  })

  test('keeps the values of its flags out of the trail', async () => {
    const words = [
      'goat',
      'pds',
      'admin',
      'account',
      'create',
      '--password',
      'correct horse',
      '--email=a@b.c',
      '-x',
    ]
    const ran = await run(hostWith(0), ...words)
    expect(ran.trail[0]?.subject).toBe('goat pds admin account create --password --email -x')
    expect(JSON.stringify(ran.trail)).not.toMatch(/correct horse|a@b\.c/)
  })

  test('is not run when the trail cannot be written', async () => {
    const host = scriptedHost({ refuse: () => 'No space left' })
      .on(...own)
      .on('# find goat', 'container\n')
    const ran = await run(host, 'goat', 'account', 'list')
    expect(ran).toMatchObject({ code: 1, trail: [], acts: ['# keep the trail'] })
    expect(ran.stderr).toContain('cannot be written: No space left')
  })

  test('leaves its outcome unknown when the way there breaks', async () => {
    const host = hostWith(0).on('exec docker exec', unreachable('link-lost', 'gone'))
    const ran = await run(host, 'goat', 'account', 'list')
    expect(ran).toMatchObject({ code: 5 })
    expect(told(ran)).toEqual(['intent goat account list'])
  })

  test('cannot be run dry', async () => {
    const ran = await scriptedWorld().run('--dry-run', '--json', 'goat', 'account', 'list')
    expect(ran).toMatchObject({ code: 2, happened: [], ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'no-dry-run' })
  })
})
