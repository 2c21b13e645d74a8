import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { openTerminal } from '../../../src/runner/terminal/open-terminal.ts'
import type { TerminalParts } from '../../../src/runner/terminal/terminal.ts'

/** A terminal of 10 lines of 40 columns, and what its pager was given. */
function terminal(parts: Partial<TerminalParts> = {}, isTTY = true, code = 0) {
  const [written, paged]: [string[], string[]] = [[], []]
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  const screen = Object.assign(stream, { isTTY, columns: 40, rows: 10 })
  const opened = openTerminal({
    stdin: Object.assign(new PassThrough(), { isTTY }),
    stdout: screen,
    stderr: screen,
    env: {},
    noInput: false,
    color: true,
    async runPager(line, text, to) {
      paged.push(`${line} >&${to}: ${text.length}`)
      return code
    },
    ...parts,
  })
  return { opened, paged, written: () => written.join('') }
}

const lines = (count: number): string => 'x\n'.repeat(count)

test.each([
  ['what does not fit', {}, lines(10), ['less -FRX >&2: 20']],
  ['what does not fit once it is wrapped', {}, `${'x'.repeat(399)}\n`, ['less -FRX >&2: 400']],
  ['by the one that is wanted', { env: { PAGER: 'more -s' } }, lines(10), ['more -s >&2: 20']],
])('%s is paged', async (_, parts, text, wanted) => {
  const { opened, paged, written } = terminal(parts)
  expect(await opened.page(text, 'stderr')).toBe('paged')
  expect([paged, written()]).toEqual([wanted, ''])
})

test.each([
  ['what fits', {}, lines(9)],
  ['what fits without its colours', {}, `${'\u001b[31mx\u001b[39m'.repeat(350)}\n`],
  ['with --no-pager', { pager: false }, lines(20)],
  ['with an empty PAGER', { env: { PAGER: '' } }, lines(20)],
  ['on a dumb terminal', { env: { TERM: 'dumb' } }, lines(20)],
])('%s is written as it is', async (_, parts, text) => {
  const { opened, paged, written } = terminal(parts)
  expect(await opened.page(text, 'stdout')).toBe('written')
  expect([paged, written()]).toEqual([[], text])
})

test('a pipe is not paged', async () => {
  const { opened, paged, written } = terminal({}, false)
  expect(await opened.page(lines(20), 'stdout')).toBe('written')
  expect([paged, written()]).toEqual([[], lines(20)])
})

test('where the pager is not there, the text is written', async () => {
  const { opened, written } = terminal({}, true, 127)
  expect(await opened.page(lines(20), 'stdout')).toBe('written')
  expect(written()).toBe(lines(20))
})
