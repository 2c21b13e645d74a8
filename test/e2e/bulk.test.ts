import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Seeded, seedAccounts } from '../../rig/pds/seed.ts'
import { sql, stateOf, takenDown, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { bin, problem, type Ran, rows, run } from './cli.ts'

let rig: RigHost
let place: Scratch
let spare: Seeded[]

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ bypassKey: 'not-counted' }), scratch()])
  spare = await seedAccounts(rig, 60, { prefix: 'spare' })
})
afterAll(async () => {
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

const unknown = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const didsOf = (ran: Ran): string[] => rows<{ did: string }>(ran).map(({ did }) => did)
const isDown = ({ did }: Pick<Seeded, 'did'>): boolean => takenDown(rig).includes(did)
const eventsOf = (did: string): string =>
  sql(rig, `select count(*) from repo_seq where did = '${did}'`, 'sequencer.sqlite')

/** Accounts that no other test touches. */
const take = (n: number): Seeded[] => spare.splice(0, n)

async function fileOf(text: string | Uint8Array): Promise<string> {
  const file = place.file(`list-${crypto.randomUUID()}`)
  await writeFile(file, text)
  return file
}

const takedown = (...args: readonly string[]) =>
  run(rig, ['account', 'takedown', ...args, '--json'], { stdin: 'closed' })

describe('accounts from a file', () => {
  type Pair = readonly [Seeded, Seeded]
  test.each<[string, (pair: Pair) => string]>([
    ['of LF lines', ([a, b]) => `${a.did}\n${b.handle}\n`],
    ['of CRLF lines', ([a, b]) => `${a.did}\r\n${b.handle}\r\n`],
    ['without a last line end', ([a, b]) => `${a.did}\n${b.handle}`],
    ['with a byte order mark', ([a, b]) => `\uFEFF${a.did}\r\n${b.did}`],
    [
      'with comments, blank lines and spaces around',
      ([a, b]) => `# the wave\n\n  ${a.handle}  \n \t \n#${unknown}\n\t${b.did}\n\n`,
    ],
    [
      'that names each several times',
      ([a, b]) => [a.handle, b.did, a.did, `@${a.handle}`, a.email.toUpperCase(), b.did, b.handle].join('\n'),
    ],
    ['of TSV lines', ([a, b]) => `${a.handle}\t${unknown}\tx\n${b.did}\tnobody.test\n`],
    [
      'of JSON lines',
      ([a, b]) =>
        `${JSON.stringify({ did: a.did, handle: 'nobody.test' })}\n{"note":"{}","did":"${b.did}"}\n${b.handle}`,
    ],
    ['that mixes all of it', ([a, b]) => `\uFEFF# x\r\n{"did":"${a.did}"}\n\r\n${b.email}\tspam\r${a.did}`],
  ])('%s', async (_name, text) => {
    const [a, b] = take(2) as unknown as Pair
    const ran = await takedown('--from', await fileOf(text([a, b])), '--yes')
    expect(ran.code).toBe(0)
    expect(rows(ran).map(({ did, status, changed }) => [did, status, changed])).toEqual([
      [a.did, 'takendown', true],
      [b.did, 'takendown', true],
    ])
    expect([isDown(a), isDown(b)]).toEqual([true, true])
  })

  test('or standard input, together with arguments, each once; restored the same way', async () => {
    const [a, b] = take(2) as unknown as Pair
    const stdin = `${b.did}\r\n${a.handle}\r\n`
    const down = await run(rig, ['account', 'takedown', a.did, '--from', '-', '--yes', '--json'], { stdin })
    expect(didsOf(down)).toEqual([a.did, b.did])
    expect([isDown(a), isDown(b)]).toEqual([true, true])
    const up = await run(rig, ['account', 'restore', b.handle, '--from', '-', '--yes', '--json'], { stdin })
    expect(didsOf(up)).toEqual([b.did, a.did])
    expect([isDown(a), isDown(b)]).toEqual([false, false])
  })

  test.each([
    ['--json', 'jsonpipe'],
    ['--quiet', 'tsvpipe'],
  ])('that `account list %s` writes into the pipe', async (form, prefix) => {
    const wave = await seedAccounts(rig, 3, { prefix })
    const words = (...args: string[]) => [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ')
    const list = words('account', 'list', '--match', `${prefix}*.test`, form)
    const down = words('account', 'takedown', '--from', '-', '--yes', '--json')
    const { stdout } = await promisify(execFile)('bash', ['-c', `set -o pipefail; ${list} | ${down}`], {
      env: { ...process.env, ...rig.env },
    })
    expect(rows({ stdout }).map(({ did }) => did)).toEqual(wave.map(({ did }) => did))
    expect(wave.every(isDown)).toBe(true)
  })

  test.each<[string, string | Uint8Array, RegExp]>([
    ['an empty file', '', /names no account/],
    ['a file of comments', '# none\n\n', /names no account/],
    ['a line that names no account', 'alice.test\r\n\r\nbad line\r\n', /, line 3: “bad line”/],
    ['JSON without a DID', '{"did":"did:plc:x"\n', /, line 1: /],
    ['an object of something else', `{"did":"${unknown}"}\n{"handle":"alice.test"}`, /, line 2: .*“did”/],
    ['a JSON array', `["${unknown}"]`, /, line 1: /],
    ['a binary file', new Uint8Array([0xff, 0xfe, 0, 0x80, 0x0a, 0xc3]), /, line 1: /],
    ['a very long line', `${'a'.repeat(1_000_000)}\n`, /, line 1: “a{1,200}”/],
    ['an option', '--yes\n', /, line 1: /],
    ['a command', 'alice.test\n$(touch pwned)\n', /, line 2: /],
    ['SQL', "' or 1=1 --\n", /, line 1: /],
    ['a path', '../../etc/passwd\n', /, line 1: /],
  ])('%s is refused before anything is done, with the line', async (_name, text, message) => {
    const [file, before] = [await fileOf(text), stateOf(rig)]
    const ran = await takedown('--from', file, '--yes')
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(problem(ran).message).toMatch(message)
    expect(problem(ran).message).toContain(file)
    expect(stateOf(rig)).toEqual(before)
  })

  test.each<[string, string[], string]>([
    ['a file that is not there', ['--from', './not-there'], 'cannot read ./not-there'],
    ['a directory', ['--from', '.'], 'cannot read .'],
    ['a name full of shell', ['--from', '$(touch pwned)`touch pwned`;"\'\n😀'], 'cannot read $(touch pwned)'],
    ['standard input that is closed', ['--from', '-'], 'standard input names no account'],
    ['nothing', [], 'no account was named'],
  ])('%s is a usage error', async (_name, args, message) => {
    const ran = await takedown(...args, '--yes')
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(problem(ran).message).toContain(message)
    expect(existsSync('pwned')).toBe(false)
  })
})

describe('accounts that are not there', () => {
  test('do not hold up the others: they are named, the rest is done, and the network hears nothing of them', async () => {
    const [a, b] = take(2) as unknown as [Seeded, Seeded]
    const ran = await takedown(a.did, unknown, b.handle, 'nobody.test', 'no@example.com', '--yes')
    expect(ran.code).toBe(6)
    expect(didsOf(ran)).toEqual([a.did, b.did])
    expect([isDown(a), isDown(b)]).toEqual([true, true])
    expect(problem(ran)).toMatchObject({
      code: 'partial',
      done: [`${a.handle} (${a.did})`, `${b.handle} (${b.did})`],
      failed: [unknown, 'nobody.test', 'no@example.com'].map((subject) => ({
        subject,
        code: 'account-not-found',
      })),
      notTried: [],
    })
    expect([eventsOf(unknown), eventsOf(a.did)]).toEqual(['0', '1'])
    expect(JSON.stringify(trailOf(rig))).not.toContain(unknown)
  })

  test('alone are a failure', async () => {
    const hostile = [`$(touch\${IFS}pwned)@example.com`, '`id`@x', "'or'1'='1@x", '%s%n@x', 'x"@y']
    const [file, before] = [await fileOf([unknown, ...hostile, 'nobody.test'].join('\n')), stateOf(rig)]
    const ran = await takedown('--from', file, '--yes')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect((problem(ran).failed as { subject: string }[]).map(({ subject }) => subject)).toEqual([
      unknown,
      ...hostile,
      'nobody.test',
    ])
    expect(stateOf(rig)).toEqual(before)
    expect(readdirSync('.')).not.toContain('pwned')
    expect(readdirSync(join(rig.dir, 'operator'))).not.toContain('pwned')
  })
})

test('what is already so is told and left alone', async () => {
  const [a, b] = take(2) as unknown as [Seeded, Seeded]
  await takedown(a.did, '--yes')
  const [before, line] = [eventsOf(a.did), trailOf(rig).length]
  const ran = await takedown(a.did, b.did, '--yes', '--reason', 'twice')
  expect(ran.code).toBe(0)
  expect(rows(ran).map(({ did, changed }) => [did, changed])).toEqual([
    [a.did, false],
    [b.did, true],
  ])
  expect(eventsOf(a.did)).toBe(before)
  expect(sql(rig, `select takedownRef from actor where did = '${a.did}'`)).not.toBe('twice')
  expect(trailOf(rig).slice(line)).toMatchObject([
    { event: 'intent', did: b.did },
    { event: 'outcome', did: b.did, outcome: 'ok' },
  ])
})
