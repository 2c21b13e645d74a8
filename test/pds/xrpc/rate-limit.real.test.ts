import { expect, test } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import { XrpcFailure } from '../../../src/pds/xrpc/failures.ts'
import { failureOf } from '../../support/failing.ts'
import { realPds } from '../../support/real-pds.ts'

test('the limits of the real PDS are told from its refusals, and its bypass key lifts them', async () => {
  await using real = await realPds({ rateLimits: true, bypassKey: 'let-me-through' })
  // One of the few methods with a small limit, 15 an hour; nobody has this address.
  const ask = (pds: typeof real.pds) =>
    failureOf(pds.call('com.atproto.server.requestPasswordReset', { email: 'nobody@example.com' }))
  for (let i = 0; i < 15; i++) expect(await ask(real.pds)).toBeInstanceOf(XrpcFailure)
  const failure = await ask(real.pds)
  expect(failure).toMatchObject({ outcome: 'unreachable', code: 'rate-limited' })
  const [, hours = 0, minutes = 0] = /until (\d\d):(\d\d):\d\d UTC/.exec(failure.message) ?? []
  const now = new Date()
  const ahead =
    (Number(hours) * 60 + Number(minutes) - now.getUTCHours() * 60 - now.getUTCMinutes() + 1440) % 1440
  expect(ahead).toBeGreaterThanOrEqual(58)
  expect(ahead).toBeLessThanOrEqual(61)
  const through = real.open({ bypassKey: new Secret('let-me-through') })
  expect(await ask(through)).toBeInstanceOf(XrpcFailure)
  through.dispose()
})
