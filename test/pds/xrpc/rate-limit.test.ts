import { expect, test } from 'vitest'
import { untilReset } from '../../../src/pds/xrpc/rate-limit.ts'

const now = Date.UTC(2026, 10, 22, 12)
const seconds = now / 1000
const http = (ms: number) => new Date(ms).toUTCString()

test.each([
  ['epoch seconds', { 'ratelimit-reset': String(seconds + 90) }, 91_000],
  ['seconds from now', { 'ratelimit-reset': '30' }, 31_000],
  ['an instant that has passed', { 'ratelimit-reset': String(seconds - 90) }, 1_000],
  [
    'a server whose clock is an hour ahead',
    { date: http(now + 3_600_000), 'ratelimit-reset': String(seconds + 3_690) },
    91_000,
  ],
  ['Retry-After in seconds', { 'retry-after': '5' }, 6_000],
  ['Retry-After as a date', { 'retry-after': http(now + 5_000) }, 6_000],
  ['both', { 'ratelimit-reset': String(seconds + 90), 'retry-after': '5' }, 91_000],
  ['nothing', {}, undefined],
  ['nonsense', { 'ratelimit-reset': 'soon', 'retry-after': 'later' }, undefined],
])('%s', (_what, headers, ms) => {
  expect(untilReset(headers, now)).toBe(ms)
})
