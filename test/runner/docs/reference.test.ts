import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { outcomes } from '../../../src/base/failure.ts'
import { commands as real } from '../../../src/commands/index.ts'
import { globals } from '../../../src/runner/command/global-options.ts'
import { examplesOf, kebab } from '../../../src/runner/command/names.ts'
import { markers, reference, withReference } from '../../../src/runner/docs/reference.ts'
import { parse } from '../../../src/runner/parse/parse.ts'
import { commands } from '../declared.ts'

describe('the reference', () => {
  const text = reference(commands)

  it('has every command, exit code and option of every command', () => {
    for (const { name, summary } of commands) expect(text).toContain(`### kimbia-ops ${name}\n\n${summary}`)
    for (const [name, { code, meaning }] of Object.entries(outcomes))
      expect(text).toContain(`| \`${code} ${name}\` | ${meaning} |`)
    for (const key of Object.keys(globals)) expect(text).toContain(`--${kebab(key)}`)
  })

  it('has usage, options, fields and examples of a command', () => {
    const [, section = ''] = text.split('### kimbia-ops thing list\n')
    expect(section).toContain('kimbia-ops thing list [options]')
    expect(section).toContain('| `--format <format>` | how much of each (short, long; default short) |')
    expect(section).toContain('| `seen` | when it was seen |')
    expect(section).toContain('```sh\nkimbia-ops thing list --format short\n```')
  })

  it('links each command of its table to a heading', () => {
    const anchors = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor)
    const headings = [...text.matchAll(/^### (.+)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    )
    expect(anchors).toHaveLength(commands.length)
    for (const anchor of anchors) expect(headings).toContain(anchor)
  })

  it('does not let a text break out of its table', () => {
    const [first] = commands
    if (!first) throw new Error('no command')
    expect(reference([{ ...first, summary: 'a | b <c>' }])).toContain('| a \\| b &lt;c> |')
  })

  it('goes between the markers and leaves the rest alone', () => {
    const readme = `before\n${markers.start}\nold\n${markers.end}\nafter\n`
    const written = withReference(readme, 'new')
    expect(written).toBe(`before\n${markers.start}\n\nnew\n\n${markers.end}\nafter\n`)
    expect(withReference(written, 'new')).toBe(written)
    expect(() => withReference('none', 'new')).toThrow('lacks')
  })
})

describe('the table of commands', () => {
  const around = { env: {}, version: '1', color: false, columns: 80 }

  it.each(real.map(({ name }) => name))('has no option in %s that another one hides', async (name) => {
    await expect(parse([...name.split(' '), '-h'], real, around)).resolves.toBeDefined()
  })

  const examples = real.flatMap(examplesOf).filter((line) => /(^|[^\w-])kimbia-ops /.test(line))

  it.each(examples)('has an example that is right: %s', async (line) => {
    const [, typed = ''] = line.split(/(?:^|[^\w-])kimbia-ops /)
    const [words = ''] = typed.split(/ (?:[|>]|&&) |\)$/)
    const argv = [...words.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, single, double, bare]) => single ?? double ?? bare ?? '',
    )
    expect(await parse(argv, real, around)).toMatchObject({ kind: 'run', missing: [] })
  })
})

describe('README.md', () => {
  it('has the reference of today: `npm run reference` writes it', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
    expect(withReference(readme, reference(real)) === readme).toBe(true)
  })
})
