import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { closingNote, errorOf, nothing, rowsOf, scriptedWorld, told } from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const nsid = 'com.example.any'
const answer = (text: string) => ({ status: 200, contentType: 'application/json', body: Buffer.from(text) })
const pds = (text = '{"ok":[1]}'): ScriptedPds => scriptedPds({ raw: { [nsid]: answer(text) } })
const post = ['xrpc', 'post', nsid]
const body = '{"a":1}'

describe('calls it', () => {
  test.each([
    ['without a body', [], {}, undefined],
    ['with a body', ['--body', body], {}, { a: 1 }],
    ['with a file', ['--body', '@mail.json'], { files: { 'mail.json': body } }, { a: 1 }],
    ['with standard input', ['--body', '-'], { stdin: body }, { a: 1 }],
  ])('%s', async (_, flags, script, input) => {
    const ran = await scriptedWorld({ pds: pds(), ...script }).run(...post, ...flags, '--yes', '--json')
    expect(ran).toMatchObject({ code: 0, stderr: closingNote(1), stdout: '{"ok":[1]}\n' })
    expect(ran.changes).toEqual([{ nsid, input }])
    expect(told(ran)).toEqual([`intent ${nsid}`, `ok ${nsid}`])
  })

  test('as nobody, with a reason', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run(...post, '--anonymous', '--reason', 'to see', '-y')
    expect(ran.changes).toEqual([{ nsid, input: undefined, as: 'nobody' }])
    expect(ran.trail[0]).toMatchObject({ command: 'xrpc post', reason: 'to see' })
  })

  test.each([
    ['', 'null\n'],
    ['plain', '"plain"\n'],
  ])('whose answer is “%s”', async (text, stdout) => {
    const ran = await scriptedWorld({ pds: pds(text) }).run(...post, '--yes')
    expect(ran).toMatchObject({ code: 0, stdout })
  })

  test('a body may hold a secret: it is neither shown nor kept', async () => {
    const secret = '{"password":"correct horse"}'
    const world = scriptedWorld({ pds: pds(), stdin: secret })
    const ran = await world.run(...post, '--body', '-', '--yes', '--verbose')
    expect(JSON.stringify([ran.stdout, ran.stderr, ran.trail])).not.toContain('correct horse')
    expect(ran.trail[0]?.steps).toEqual([`POST ${nsid} (application/json, ${secret.length} bytes)`])
  })
})

describe('the body', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
  const secrets = JSON.stringify({
    did,
    newPassword: 'correct horse',
    list: [{ access_token: ['correct horse'], note: 'plain' }],
    refreshJwt: { of: 'correct horse' },
    clientSECRET: 'correct horse',
  })
  const shown = `{"did":"${did}","newPassword":"‹secret›","list":[{"access_token":"‹secret›","note":"plain"}],"refreshJwt":"‹secret›","clientSECRET":"‹secret›"}`

  test('is in the plan that a person says yes to, without its secrets, and not in the trail', async () => {
    const terminal = { interactive: true, answers: ['y'] }
    const world = scriptedWorld({ pds: pds(), terminal, files: { 'b.json': secrets } })
    const ran = await world.run(...post, '--body', '@b.json')
    expect(ran).toMatchObject({ code: 0, changes: [{ nsid, input: JSON.parse(secrets) }] })
    expect(ran.stderr).toContain(`  ${nsid}\n    ${shown}\n`)
    expect(ran.stderr).not.toContain('correct horse')
    expect(JSON.stringify(ran.trail)).not.toMatch(/correct horse|plain|newPassword/)
  })

  test('is in the dry run, without its secrets', async () => {
    const ran = await scriptedWorld({ pds: pds(), stdin: secrets }).run(
      ...post,
      '--body',
      '-',
      '-n',
      '--json',
    )
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toMatchObject([{ did, steps: [{ does: `POST ${nsid} ${shown}` }] }])
  })

  test.each([
    ['did', { did }, did],
    ['subject', { subject: { did } }, did],
    ['account', { account: did }, did],
    ['no DID', { account: 'alice.test', subject: null }, undefined],
    ['no object', ['did', did], undefined],
  ])('puts whom it is about into the trail: %s', async (_, given, expected) => {
    const ran = await scriptedWorld({ pds: pds() }).run(...post, '--body', JSON.stringify(given), '-y')
    expect(ran.trail.map((entry) => entry.did)).toEqual([expected, expected])
  })
})

describe('what deletes an account', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
  const deletion = 'com.atproto.admin.deleteAccount'
  const about = (body: object) => ['xrpc', 'post', deletion, '--body', JSON.stringify(body)]

  test.each([
    ['the DID', { did }, did],
    ['the host, where it names no DID', {}, 'kimbia'],
  ])('is not done on --yes, but by confirming %s', async (_, body, word) => {
    const refused = await scriptedWorld().run(...about(body), '--yes')
    expect(refused).toMatchObject({ code: 4, stdout: '', ...nothing })
    expect(refused.stderr).toContain(`--confirm ${word}`)
    const other = await scriptedWorld().run(...about(body), '--confirm', 'erna.test')
    expect(other).toMatchObject({ code: 4, ...nothing })
    const ran = await scriptedWorld().run(...about(body), '--confirm', word)
    expect(ran).toMatchObject({ code: 0, changes: [{ nsid: deletion, input: body }] })
  })
})

describe('does not call it', () => {
  test('in a dry run', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run(...post, '--body', body, '-n', '--json')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    const does = `POST ${nsid} {"a":1}`
    expect(rowsOf(ran)).toMatchObject([{ dryRun: true, subject: nsid, steps: [{ does }] }])
  })

  test.each([
    ['the operator says no', { interactive: true, answers: ['n'] }, [], 1],
    ['the operator is not there', {}, [], 0],
    ['another host is confirmed', {}, ['--confirm', 'other'], 0],
  ])('when %s', async (_, terminal, flags, asked) => {
    const ran = await scriptedWorld({ pds: pds(), terminal }).run(...post, ...flags)
    expect(ran).toMatchObject({ code: 4, stdout: '', ...nothing })
    expect(ran.asked).toHaveLength(asked)
  })

  test.each([
    ['broken JSON', ['--body', '{"a":'], '--body is not JSON'],
    ['a file that is not there', ['--body', '@nowhere'], 'cannot read nowhere'],
  ])('with %s', async (_, flags, message) => {
    const ran = await scriptedWorld({ pds: pds() }).run(...post, ...flags, '--yes')
    expect(ran).toMatchObject({ code: 2, stdout: '', happened: [], ...nothing })
    expect(ran.stderr).toContain(message)
  })
})

describe('fails', () => {
  test.each([
    ['a refusal', xrpcError('InvalidRequest', 'no'), 1, 'failed'],
    ['an unknown method', xrpcError('MethodNotImplemented', 'no', 501), 1, 'failed'],
    ['a broken PDS', xrpcError('InternalServerError', 'oh', 500), 1, 'failed'],
    ['a lost answer', unreachable('answer-lost', 'it may or may not be done'), 5, 'unreachable'],
  ])('with %s', async (_, failure, code, outcome) => {
    const world = scriptedWorld({ pds: pds() })
    world.pds.faults.push({ change: 1, failure })
    const ran = await world.run(...post, '--yes', '--json')
    expect(ran).toMatchObject({ code, stdout: '', changes: [{ nsid }] })
    expect(errorOf(ran)).toMatchObject({ code: failure.code })
    expect(told(ran)[1]).toBe(`${outcome} ${nsid}: ${failure.code}: ${failure.message}`)
  })

  test('when the PDS cannot be opened: nothing is written', async () => {
    const closed = unreachable('no-password', 'pds.env has no admin password')
    const ran = await scriptedWorld({ pds: pds(), closed }).run(...post, '--yes')
    expect(ran).toMatchObject({ code: 5, stdout: '', changes: [], trail: [] })
  })
})
