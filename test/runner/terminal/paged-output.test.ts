import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { pagedOutput } from '../../../src/runner/terminal/paged-output.ts'

/** A screen of 5 lines, and its pager, if one was started. */
function screen() {
  let written = ''
  let input: PassThrough | undefined
  const gone = Promise.withResolvers<void>()
  const output = {
    tty: true,
    color: true,
    columns: 20,
    async write(text: string) {
      written += text
      return true
    },
  }
  const start = () => {
    input = new PassThrough()
    return { input, left: gone.promise }
  }
  return {
    paged: pagedOutput(output, { rows: 5, start }),
    written: () => written,
    pager: () => input,
    leave: gone.resolve,
  }
}

test('what fits is written in the end', async () => {
  const { paged, written, pager } = screen()
  for (let line = 0; line < 4; line++) await paged.write('x\n')
  expect(written()).toBe('')
  await paged.end()
  await paged.end()
  expect([written(), pager()]).toEqual(['x\n'.repeat(4), undefined])
})

test('what does not fit goes to the pager as it comes, from the first line on', async () => {
  const { paged, written, pager, leave } = screen()
  await paged.write('a\n')
  await paged.write('x'.repeat(80))
  expect(String(pager()?.read())).toBe(`a\n${'x'.repeat(80)}`)
  await paged.write('more\n')
  expect(String(pager()?.read())).toBe('more\n')
  leave()
  await paged.end()
  expect([written(), pager()?.writableEnded]).toEqual(['', true])
})

test('who leaves the pager is written to no more', async () => {
  const { paged, pager, leave } = screen()
  expect(await paged.write('x\n'.repeat(9))).toBe(true)
  pager()?.destroy(Object.assign(new Error('gone'), { code: 'EPIPE' }))
  await new Promise(setImmediate)
  expect(await paged.write('x\n')).toBe(false)
  leave()
  await paged.end()
})
