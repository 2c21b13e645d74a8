import { execFile, spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { outcomes } from '../../../src/base/failure.ts'
import { nouns, commands as real } from '../../../src/commands/index.ts'
import { globals } from '../../../src/runner/command/global-options.ts'
import { examplesOf, kebab } from '../../../src/runner/command/names.ts'
import { manPages } from '../../../src/runner/docs/man-page.ts'
import { referencePages } from '../../../src/runner/docs/reference.ts'
import { parse } from '../../../src/runner/parse/parse.ts'
import { commands } from '../declared.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const withoutGroff =
  !process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('groff') &&
  spawnSync('groff', ['--version']).status !== 0
const about = { host: 'All of it', thing: 'Things', box: 'Boxes' }

describe('the reference', () => {
  const pages = referencePages(commands, about)
  const text = [...pages.values()].join('\n')
  const page = (name: string): string => pages.get(`docs/commands/${name}.md`) ?? ''

  it('has every command, exit code and option of every command', () => {
    for (const { name, summary } of commands) {
      expect(page(name.includes(' ') ? name.replace(/ .*/, '') : 'host')).toContain(
        `## kimbia-ops ${name}\n\n${summary}`,
      )
    }
    for (const [name, { code, meaning }] of Object.entries(outcomes))
      expect(pages.get('docs/exit-codes.md')).toContain(`| \`${code} ${name}\` | ${meaning} |`)
    for (const key of Object.keys(globals)) expect(page('README')).toContain(`--${kebab(key)}`)
  })

  it('has usage, options, fields and examples of a command', () => {
    const [, section = ''] = text.split('## kimbia-ops thing list\n')
    expect(section).toContain('kimbia-ops thing list [options]')
    expect(section).toContain('| `--format <format>` | how much of each (short, long; default short) |')
    expect(section).toContain('| `seen` | when it was seen |')
    expect(section).toContain('```sh\nkimbia-ops thing list --format short\n```')
  })

  it('links each command of its table to a heading', () => {
    const links = [...page('README').matchAll(/\]\((\w[\w-]*)\.md#([^)]+)\)/g)]
    expect(links).toHaveLength(commands.length)
    for (const [, name = '', anchor] of links) {
      const headings = [...page(name).matchAll(/^## (.+)$/gm)].map(([, heading = '']) =>
        heading.toLowerCase().replaceAll(' ', '-'),
      )
      expect(headings).toContain(anchor)
    }
  })

  it('does not let a text break out of its table', () => {
    const [first] = commands
    if (!first) throw new Error('no command')
    const odd = referencePages([{ ...first, summary: 'a | b <c>' }], about)
    expect(odd.get('docs/commands/README.md')).toContain('| a \\| b &lt;c> |')
  })

  it('has a noun for every command', () => {
    expect(() => referencePages(commands, { host: 'All of it' })).toThrow('thing')
  })
})

describe('the manual', () => {
  const pages = manPages(commands, about, '1.2.3')

  it('has a page of the program and one of each noun, with every command', () => {
    expect([...pages.keys()]).toEqual([
      'man/kimbia-ops.1',
      ...Object.keys(about).map((noun) => `man/kimbia-ops-${noun}.1`),
    ])
    for (const { name } of commands) expect(pages.get('man/kimbia-ops.1')).toContain(`.B ${name}\n`)
    expect(pages.get('man/kimbia-ops-thing.1')).toContain('.SH THING LIST\n')
  })

  it('is ASCII, and no text of a command is taken for a request', () => {
    const [first] = commands
    if (!first) throw new Error('no command')
    const odd = manPages([{ ...first, summary: '.so /etc/passwd \\ “a-b” "c"' }], about, '1')
    const text = [...odd.values()].join('')
    expect(text).not.toMatch(/[^\n\x20-\x7e]/)
    expect(text).toContain('\\&.so /etc/passwd \\e \\[u201C]a\\-b\\[u201D] \\(dqc\\(dq')
  })

  it.skipIf(withoutGroff).each(globSync('man/*.1', { cwd: root }))(
    'is read by groff without a warning: %s',
    async (path) => {
      const { stdout, stderr } = await promisify(execFile)('groff', [
        '-man',
        '-ww',
        '-Tutf8',
        join(root, path),
      ])
      expect(stderr).toBe('')
      expect(stdout.replace(/.\u0008/g, '')).toContain('NAME')
    },
  )

  it('is in the package, whole', () => {
    const { man, files } = JSON.parse(read('package.json')) as { man: string[]; files: string[] }
    expect(man.toSorted()).toEqual(globSync('man/*', { cwd: root }).sort())
    expect(files).toContain('man')
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

describe('the generated pages', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  const pages = new Map([...referencePages(real, nouns), ...manPages(real, nouns, version)])

  it('are those of today: `npm run reference` writes them', () => {
    for (const [path, text] of pages) expect(read(path) === text, path).toBe(true)
  })

  it('are all there is in their directories', () => {
    const there = globSync(['docs/commands/*', 'man/*'], { cwd: root }).sort()
    expect(there).toEqual([...pages.keys()].filter((path) => path !== 'docs/exit-codes.md').sort())
  })
})
