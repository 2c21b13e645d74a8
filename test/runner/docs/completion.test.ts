import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quote } from '../../../src/base/shell-words.ts'
import { complete } from '../../../src/runner/docs/complete.ts'
import { completion, type shells } from '../../../src/runner/docs/completion.ts'
import { commands } from '../declared.ts'

let place: string

/** A directory with the program, which knows two hosts and complains, and two files. */
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'completion-'))
  mkdirSync(join(place, 'bin'))
  const program = join(place, 'bin/kimbia-ops')
  const script = `
    import { complete, showCompletion } from ${JSON.stringify(new URL('../../../src/runner/docs/complete.ts', import.meta.url).href)}
    import { commands } from ${JSON.stringify(new URL('../declared.ts', import.meta.url).href)}
    const [, dashes, ...line] = process.argv.slice(2)
    process.stdout.write(showCompletion(await complete(line, commands, async () => ['box', 'far'])))
    console.error('noise')`
  writeFileSync(join(place, 'program.mjs'), script)
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${join(place, 'program.mjs')}' "$@"\n`,
  )
  chmodSync(program, 0o755)
  writeFileSync(join(place, 'list one.txt'), '')
  writeFileSync(join(place, 'list two.txt'), '')
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    writeFileSync(join(place, `_${shell}`), completion(shell))
})

afterAll(() => rmSync(place, { recursive: true, force: true }))

function sh(shell: (typeof shells)[number], args: readonly string[]) {
  const PATH = `${join(place, 'bin')}${delimiter}${process.env.PATH}`
  const done = spawnSync(shell, args, {
    cwd: place,
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, PATH },
  })
  return { ...done, lines: (done.stdout ?? '').split('\n').filter(Boolean) }
}

const missing = (shell: (typeof shells)[number]): boolean =>
  !process.env.KIMBIA_TEST_REQUIRE?.split(',').includes(shell) && spawnSync(shell, ['--version']).status !== 0

/** What bash offers behind these words, split as bash itself splits them. */
function bash(...words: readonly string[]): readonly string[] {
  const split = words.flatMap((word) => (word.startsWith('--') ? word.split(/(=)/).filter(Boolean) : [word]))
  const script = `source ./_bash; COMP_WORDS=(kimbia-ops "$@"); COMP_CWORD=$#; _kimbia_ops; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { status, stderr, lines } = sh('bash', ['--norc', '-c', script, 'bash', ...split])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return lines
}

describe('bash', () => {
  it('offers commands and their verbs', () => {
    expect(bash('')).toEqual(['init', 'thing', 'box', 'speak', 'tool'])
    expect(bash('th')).toEqual(['thing'])
    expect(bash('thing', '')).toEqual(['list', 'make'])
    expect(bash('thing', 'ma')).toEqual(['make'])
    expect(bash('-H', 'box', '--json', 'thing', 'l')).toEqual(['list'])
    expect(bash('list', '')).not.toContain('make')
  })

  it('offers the options of a command and those of every command', () => {
    const options = bash('thing', 'list', '--')
    expect(options).toEqual(
      expect.arrayContaining(['--format', '--wait', '--all', '--host', '--json', '--help']),
    )
    expect(options).not.toContain('--uses')
    expect(bash('thing', 'make', '--use')).toEqual(['--uses', '--use-count'])
    expect(bash('--')).toContain('--dry-run')
  })

  it('offers the words that an option or an argument takes', () => {
    expect(bash('thing', 'list', '--format', '')).toEqual(['short', 'long'])
    expect(bash('thing', 'list', '--format=l')).toEqual(['long'])
    expect(bash('thing', 'list', '--format=')).toEqual(['short', 'long'])
    expect(bash('thing', 'make', '')).toEqual(['red', 'blue'])
    expect(bash('thing', 'make', 'red', '')).toEqual([])
    expect(bash('thing', 'make', '--uses', '3', 'b')).toEqual(['blue'])
  })

  it('offers the configured hosts', () => {
    expect(bash('-H', '')).toEqual(['box', 'far'])
    expect(bash('thing', 'list', '--host=f')).toEqual(['far'])
  })

  it('offers files where a file is wanted', () => {
    expect(bash('thing', 'list', '--from', 'list')).toEqual(
      expect.arrayContaining(['list one.txt', 'list two.txt']),
    )
    expect(bash('--config', 'list o')).toEqual(['list one.txt'])
  })

  it('leaves a passed-through word alone', () => {
    expect(bash('tool', '--')).toEqual([])
  })

  it('is set up for the program', () => {
    expect(sh('bash', ['--norc', '-c', 'source ./_bash; complete -p kimbia-ops']).stdout).toContain(
      '-F _kimbia_ops',
    )
  })
})

describe('fish', () => {
  const offered = (line: string): readonly string[] =>
    sh('fish', ['--no-config', '-c', `source ./_fish; complete -C '${line}'`]).lines.map(
      (it) => it.split('\t', 1)[0] ?? '',
    )

  it.skipIf(missing('fish'))('offers commands, options, values, hosts and files', () => {
    expect(offered('kimbia-ops ')).toEqual(expect.arrayContaining(['init', 'thing', 'box', 'speak', 'tool']))
    expect(offered('kimbia-ops ')).not.toContain('list')
    expect(offered('kimbia-ops -H box thing ')).toEqual(['list', 'make'])
    expect(offered('kimbia-ops thing list --f')).toEqual(expect.arrayContaining(['--format', '--from']))
    expect(offered('kimbia-ops thing list --format ')).toEqual(expect.arrayContaining(['short', 'long']))
    expect(offered('kimbia-ops thing make ')).toEqual(expect.arrayContaining(['red', 'blue']))
    expect(offered('kimbia-ops --host ')).toEqual(['box', 'far'])
    expect(offered('kimbia-ops thing list --from list')).toHaveLength(2)
  })
})

describe('zsh', () => {
  /** What zsh hands to the menu behind these words, with the functions of its completion system stood in for. */
  const offered = (...words: readonly string[]): readonly string[] => {
    const script = `compdef() { :; }; _describe() { print -l -- "\${described[@]}"; }; _files() { print files; }
compset() { print "compset $*"; }
source ./_zsh; words=(kimbia-ops "$@"); CURRENT=$#words; PREFIX=$words[-1]; _kimbia_ops`
    return sh('zsh', ['-f', '-c', script, 'zsh', ...words]).lines
  }

  it.skipIf(missing('zsh'))('offers commands, options, values, hosts and files', () => {
    expect(sh('zsh', ['-n', './_zsh'])).toMatchObject({ status: 0, stderr: '' })
    expect(offered('thing', '')).toEqual(['list:List things', 'make:Make things'])
    expect(offered('thing', 'list', '--format', '')).toEqual(['short', 'long'])
    expect(offered('thing', 'list', '--format=l')).toEqual(['compset -P *=', 'long'])
    expect(offered('-H', '')).toEqual(['box', 'far'])
    expect(offered('thing', 'list', '--from', '')).toEqual(['files'])
  })

  it('is a completion function of the program', () => {
    expect(completion('zsh')).toMatch(/^#compdef kimbia-ops\n/)
  })
})

describe('quotes in what commands say of themselves', () => {
  it('are told as they are, and run by no shell', async () => {
    const summary = `it's "$(touch harm)" \\ \`touch harm\``
    const rude = commands.map((command) => ({ ...command, summary }))
    const told = await complete(['thing', ''], rude, async () => [])
    expect(told.words).toContainEqual(['list', summary])
    writeFileSync(join(place, 'bin/rude'), `#!/bin/sh\nprintf '%s\\t%s\\n' list ${quote(summary)}\n`)
    chmodSync(join(place, 'bin/rude'), 0o755)
    const script = `source ./_bash; COMP_WORDS=(rude ''); COMP_CWORD=1; _kimbia_ops; printf '%s\n' "\${COMPREPLY[@]}"; test ! -e harm`
    expect(sh('bash', ['--norc', '-c', script])).toMatchObject({ status: 0, stdout: 'list\n' })
  })
})
