import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Command } from '../src/runner/command/command.ts'
import { examplesOf } from '../src/runner/command/names.ts'
import { parse } from '../src/runner/parse/parse.ts'
import { blocksOf, pageText, root } from './support/doc-pages.ts'
import { scriptedPds } from './support/scripted-pds.ts'
import { nothing, rowsOf, scriptedWorld } from './support/world.ts'

/** The example files of CONTRIBUTING.md by their path. */
function examplesOfPage(): ReadonlyMap<string, string> {
  const text = pageText('CONTRIBUTING.md')
  const lines = text.split('\n')
  return new Map(
    blocksOf(text).flatMap((block) => {
      const [, path] = /^<!-- example: (\S+) -->$/.exec(lines[block.from - 4] ?? '') ?? []
      return path === undefined ? [] : [[path, `${block.lines.join('\n')}\n`] as const]
    }),
  )
}

describe('the command of CONTRIBUTING.md', () => {
  const examples = examplesOfPage()
  const [path = '', file = ''] = [...examples].find(([name]) => name !== 'src/commands/index.ts') ?? []
  const line = examples.get('src/commands/index.ts') ?? ''
  let scratch: string
  let commands: readonly Command[]

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'kimbia-new-command-'))
    cpSync(join(root, 'src'), join(scratch, 'src'), { recursive: true })
    cpSync(join(root, 'package.json'), join(scratch, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'))
    writeFileSync(join(scratch, path), file)
    const index = join(scratch, 'src/commands/index.ts')
    const [, name = ''] = /^import (\w+) from /.exec(line) ?? []
    const table = readFileSync(index, 'utf8').replace('Command[] = [\n', `Command[] = [\n  ${name},\n`)
    writeFileSync(index, `${line}${table}`)
    ;({ commands } = (await import(pathToFileURL(index).href)) as { commands: readonly Command[] })
  })
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  const added = (): Command => {
    const found = commands.find(({ name }) => path === `src/commands/${name.replace(' ', '/')}.ts`)
    if (!found) throw new TypeError(`no command is called as ${path}`)
    return found
  }

  test('is one file of at most 50 lines, and one line in the table', () => {
    expect(file.split('\n').length).toBeLessThanOrEqual(50)
    expect(line.trim().split('\n')).toHaveLength(1)
  })

  test('has help and examples that are right', async () => {
    const around = { env: {}, version: '1', color: false, columns: 80 }
    expect(await parse(['help', ...added().name.split(' ')], commands, around)).toMatchObject({
      text: expect.stringContaining(added().summary),
    })
    for (const example of examplesOf(added()))
      expect(await parse(example.split(' ').slice(1), commands, around)).toMatchObject({ kind: 'run' })
  })

  test('runs', async () => {
    const pds = scriptedPds({
      accounts: [
        { handle: 'alice.test', createdAt: '2026-01-01T00:00:00.000Z' },
        { handle: 'bob.test', createdAt: '2026-02-01T00:00:00.000Z', status: 'takendown' },
        { handle: 'carol.test', createdAt: '2026-03-01T00:00:00.000Z' },
      ],
    })
    const ran = await scriptedWorld({ pds, commands }).run(...added().name.split(' '), '--json')
    expect(ran, ran.stderr).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toEqual([
      { status: 'active', accounts: 2 },
      { status: 'takendown', accounts: 1 },
    ])
  })
})
