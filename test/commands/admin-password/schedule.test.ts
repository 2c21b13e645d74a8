import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ended } from '../../../src/base/local-program.ts'
import { cronLine, serviceUnit } from '../../../src/commands/admin-password/units.ts'
import { errorOf, rowsOf } from '../../support/world.ts'
import { type RotatingScript, rotating } from './rotating.ts'

const schedule = ['admin-password', 'schedule', '--json']
const runs =
  '/usr/bin/node /opt/kimbia-ops/bin/kimbia-ops.js admin-password rotate --if-due --host kimbia --config /config.yaml --quiet --no-input --yes'
const done = (code = 0, stdout = ''): Ended => ({ kind: 'code', code, stdout, stderr: '' })

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kimbia-home-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** This machine: its programs, and what was run of them. */
function machine(answer: (line: string) => Ended = () => done()) {
  const ran: [string, string | undefined][] = []
  const script = (): RotatingScript => ({
    env: { HOME: home, PATH: '/usr/bin:/opt/$op%/bin' },
    files: Object.fromEntries(
      [unit('service'), unit('timer')].filter(existsSync).map((path) => [path, readFileSync(path, 'utf8')]),
    ),
    programs(line, stdin) {
      ran.push([line, stdin])
      return answer(line)
    },
  })
  return {
    ran,
    run: (...words: string[]) =>
      rotating()
        .world(undefined, script())
        .run(...schedule, ...words),
  }
}
const unit = (kind: 'service' | 'timer') =>
  join(home, `.config/systemd/user/kimbia-ops-rotate-kimbia.${kind}`)
const isEnabled = 'systemctl --user is-enabled kimbia-ops-rotate-kimbia.timer'

describe('systemd', () => {
  test('is shown, and nothing is changed', async () => {
    const it = machine(() => done(1))
    const ran = await it.run()
    expect(ran.code, ran.stderr).toBe(0)
    expect(rowsOf(ran)[0]).toMatchObject({ as: 'systemd', state: 'not installed', runs, changed: false })
    expect(ran.stdout).toContain('OnCalendar=*-*-* 03:40:00')
    expect(it.ran).toEqual([[isEnabled, undefined]])
    expect(existsSync(unit('timer'))).toBe(false)
  })

  test('is installed, found so, and brought up to date', async () => {
    let enabled = 1
    const it = machine((line) => {
      if (line.includes(' enable ')) enabled = 0
      return done(line === isEnabled ? enabled : 0)
    })
    const ran = await it.run('--install', '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(it.ran.map(([line]) => line).slice(1)).toEqual([
      'systemctl --user daemon-reload',
      'systemctl --user enable kimbia-ops-rotate-kimbia.timer',
      'systemctl --user restart kimbia-ops-rotate-kimbia.timer',
    ])
    expect(readFileSync(unit('service'), 'utf8')).toContain('"admin-password" "rotate" "--if-due"')
    expect(ran.trail).toEqual([])
    expect(rowsOf(await it.run('--install', '--yes'))[0]).toMatchObject({
      state: 'installed',
      changed: false,
    })
    expect(rowsOf(await it.run('--at', '05:00'))[0]).toMatchObject({ state: 'installed otherwise' })
    expect(rowsOf(await it.run('--install', '--at', '05:00', '--yes'))[0]).toMatchObject({ changed: true })
    expect(readFileSync(unit('timer'), 'utf8')).toContain('05:00:00')
  })

  test('that cannot be had leaves no units behind', async () => {
    const it = machine((line) => {
      if (line.startsWith('rm -f -- ')) {
        rmSync(line.slice(9), { force: true })
        return done()
      }
      return line.includes('daemon-reload') ? { kind: 'not-started', reason: 'ENOENT' } : done(1)
    })
    const ran = await it.run('--install', '--yes')
    expect(ran.code).toBe(1)
    expect(errorOf(ran)).toMatchObject({ code: 'program-failed', message: expect.stringContaining('ENOENT') })
    expect([existsSync(unit('service')), existsSync(unit('timer'))]).toEqual([false, false])
  })

  test('is removed', async () => {
    const it = machine()
    const ran = await it.run('--remove', '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(it.ran.map(([line]) => line).slice(1)).toEqual([
      'systemctl --user disable --now kimbia-ops-rotate-kimbia.timer',
      `rm -f -- ${unit('service')} ${unit('timer')}`,
      'systemctl --user daemon-reload',
    ])
  })

  test.each([['--dry-run'], []])('is not installed without a yes %s', async (...more) => {
    const it = machine(() => done(1))
    const ran = await it.run('--install', ...more)
    expect(ran.code).toBe(more.length > 0 ? 0 : 4)
    expect(it.ran).toHaveLength(1)
    expect(existsSync(unit('timer'))).toBe(false)
  })
})

describe('cron', () => {
  const others = 'MAILTO=me\n5 4 * * * backup # kimbia-ops-rotate-other\n'
  const cron = () => {
    let crontab = others
    const it = machine((line) => {
      if (line === 'crontab -l') return done(0, crontab)
      if (line === 'crontab -') crontab = it.ran.at(-1)?.[1] ?? ''
      return done()
    })
    return { ...it, text: () => crontab }
  }

  test('gets one line, and gives it back', async () => {
    const it = cron()
    const added = await it.run('--install', '--as', 'cron', '--yes')
    expect(added.code, added.stderr).toBe(0)
    const text = it.text()
    expect(text.startsWith(others)).toBe(true)
    expect(text.slice(others.length)).toMatch(/^40 3 \* \* \* PATH=.* # kimbia-ops-rotate-kimbia\n$/)
    expect(rowsOf(await it.run('--install', '--as', 'cron', '--yes'))[0]).toMatchObject({ changed: false })
    await it.run('--install', '--as', 'cron', '--at', '06:05', '--yes')
    expect(it.text().split('\n')).toHaveLength(text.split('\n').length)
    await it.run('--remove', '--as', 'cron', '--yes')
    expect(it.text()).toBe(others)
  })

  test.each<[string, Ended]>([
    ['is forbidden', { kind: 'code', code: 1, stdout: '', stderr: 'you (me) are not allowed to use it' }],
    ['fails otherwise', { kind: 'code', code: 2, stdout: '', stderr: 'no crontab for me' }],
    ['says half of it', { kind: 'code', code: 1, stdout: others, stderr: 'read error' }],
    ['is ended', { kind: 'signal', signal: 'SIGTERM', stderr: '' }],
    ['takes too long', { kind: 'late' }],
  ])('is left alone where reading it %s', async (_, said) => {
    for (const words of [['--install'], ['--remove'], []]) {
      const it = machine(() => said)
      const ran = await it.run('--as', 'cron', '--yes', ...words)
      expect(ran.code).toBe(1)
      expect(errorOf(ran).code).toBe('crontab-unread')
      expect(it.ran.map(([line]) => line)).toEqual(['crontab -l'])
    }
  })

  test('is made for one who has none', async () => {
    const none: Ended = { kind: 'code', code: 1, stdout: '', stderr: 'no crontab for me\n' }
    const it = machine((line) => (line === 'crontab -l' ? none : done()))
    const ran = await it.run('--install', '--as', 'cron', '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(it.ran.at(-1)).toEqual([
      'crontab -',
      expect.stringMatching(/^40 3 .* # kimbia-ops-rotate-kimbia\n$/),
    ])
  })

  test.each(['--install', '--remove'])(
    'is not written over where it was changed meanwhile (%s)',
    async (way) => {
      const own = '1 2 * * * it # kimbia-ops-rotate-kimbia\n'
      const place = join(home, 'crontab')
      writeFileSync(join(home, 'crontab.sh'), `[ "$1" = -l ] && cat '${place}'\n`)
      const text = way === '--install' ? others : `${others}${own}`
      for (const now of [`${text}6 6 * * * new\n`, text.trimEnd(), text]) {
        writeFileSync(place, now)
        const it = machine((line) => {
          if (line === 'crontab -l') return done(0, text)
          if (!line.startsWith('sh -c ')) return done()
          const script = `crontab() { sh '${home}/crontab.sh' "$@"; }; ${line.slice(6)}`
          const { status, stderr } = spawnSync('sh', ['-c', script], {
            input: it.ran.at(-1)?.[1],
            encoding: 'utf8',
          })
          return { kind: 'code', code: status ?? -1, stdout: '', stderr }
        })
        const ran = await it.run(way, '--as', 'cron', '--yes')
        expect(ran.code, ran.stderr).toBe(now === text ? 0 : 1)
        expect(it.ran.some(([line]) => line === 'crontab -')).toBe(now === text)
        if (now !== text) expect(errorOf(ran).message).toContain('it was changed meanwhile')
      }
    },
  )

  test('is not there', async () => {
    const it = machine(() => ({ kind: 'not-started', reason: 'ENOENT' }))
    expect(errorOf(await it.run('--as', 'cron')).code).toBe('no-cron')
  })
})

test('nobody is there to read what stdout prints', async () => {
  const script = { password: { rotateEvery: undefined, store: 'stdout' }, programs: () => done() }
  const ran = await rotating()
    .world(undefined, script)
    .run(...schedule, '--install', '--yes')
  expect(errorOf(ran).code).toBe('no-store')
})

const job = {
  host: "o'host%x",
  words: ['/bin/echo', 'a b', '100%', "it's", '$HOME', '"q"'],
  hour: 3,
  minute: 40,
  path: '/usr/bin:/bin',
  log: '/var/log/rotate',
}

test('what cron gives to sh is what was meant', () => {
  const log = join(home, 'a log')
  const line = cronLine({ ...job, log })
  execFileSync('sh', ['-c', line.split(' ').slice(5).join(' ').replaceAll('\\%', '%')])
  expect(readFileSync(log, 'utf8')).toBe(`a b 100% it's $HOME "q"\n`)
})

test('the words of a unit are quoted as systemd reads them', () => {
  expect(serviceUnit(job)).toContain(`ExecStart="/bin/echo" "a b" "100%%" "it's" "$$HOME" "\\"q\\""`)
})
