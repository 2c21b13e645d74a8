import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { commands } from '../../src/commands/index.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { bin, run } from './cli.ts'

let place: Scratch

beforeAll(async () => {
  place = await scratch()
})
afterAll(() => place[Symbol.asyncDispose]())

const names = commands.map(({ name }) => name)
/** Nothing of this needs a host, or even a config. */
const alone = (words: readonly string[]) =>
  run(undefined, words, { env: { KIMBIA_OPS_CONFIG: place.file('none'), HOME: place.dir } })

describe('help', () => {
  test.each(names)('of %s has an example before the options, and tells the exit codes', async (name) => {
    const words = name.split(' ')
    const ran = await alone(['help', ...words])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    const at = (text: string) => ran.stdout.search(new RegExp(`^${text}`, 'm'))
    expect(ran.stdout).toContain(`  kimbia-ops ${name}`)
    expect(at('Examples')).toBeGreaterThan(0)
    expect(at('Exit codes')).toBeGreaterThan(at('Examples'))
    if (at('Options') !== -1) expect(at('Options')).toBeGreaterThan(at('Examples'))
  })

  test('is the same by --help and -h, wherever they stand, and wins over what is missing', async () => {
    const { stdout } = await alone(['help', 'account', 'delete'])
    for (const words of [
      ['account', 'delete', '--help'],
      ['account', 'delete', '-h', '--bogus'],
      ['--help', 'account', 'delete'],
      ['account', '-h', 'delete', 'x', 'y', 'z'],
    ])
      expect(await alone(words)).toMatchObject({ code: 0, stdout, stderr: '' })
  })

  test('of the program names every command and every exit code', async () => {
    const whole = await alone(['--help'])
    expect(whole.code).toBe(0)
    for (const name of names) expect(whole.stdout).toContain(`  ${name}`)
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 130])
      expect(whole.stdout).toMatch(new RegExp(`^ +${code} `, 'm'))
    expect((await alone(['account'])).stdout).toContain('takedown')
  })

  test('is one small screen where no command is given, and begins with how to begin', async () => {
    const { code, stdout } = await alone([])
    const lines = stdout.trimEnd().split('\n')
    expect([code, lines.length <= 25, Math.max(...lines.map((line) => line.length)) <= 100]).toEqual([
      0,
      true,
      true,
    ])
    expect(lines.findIndex((line) => line.includes('kimbia-ops init'))).toBeLessThan(5)
    const said = new Set(stdout.split(/[\s,]+/))
    for (const word of names.flatMap((name) => name.split(' '))) expect(said).toContain(word)
  })

  test('--version', async () => {
    expect(await alone(['--version'])).toMatchObject({
      code: 0,
      stdout: `kimbia-ops ${packageJson.version}\n`,
      stderr: '',
    })
    const { stdout } = await alone(['--version', '--verbose'])
    expect(stdout).toMatch(
      /^kimbia-ops \S+\ncommit (not known|[0-9a-f]{40}(, with changes)?)\nNode v\d+\.\S+, \S+ \S+\n$/,
    )
  })
})

describe('completion in a real bash', () => {
  const complete = (line: string, config = place.file('none')): string[] => {
    const program = place.file('kimbia-ops')
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`)
    chmodSync(program, 0o755)
    const script = `
      source <(kimbia-ops completion bash)
      COMP_LINE=$1 COMP_POINT=\${#1}
      read -ra COMP_WORDS <<<"$1"
      [[ $1 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _kimbia_ops
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const out = execFileSync('bash', ['--norc', '-c', script, 'bash', line], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${place.dir}:${process.env.PATH}`, KIMBIA_OPS_CONFIG: config },
    })
    return out
      .split('\n')
      .map((word) => word.trim())
      .filter(Boolean)
  }

  test('offers commands, verbs, options, choices, hosts and files', () => {
    const config = place.file('config.yaml')
    writeFileSync(config, 'hosts:\n  kimbia: { ssh: a@b }\n  other: { ssh: c@d }\n')
    expect(complete('kimbia-ops inv')).toEqual(['invite'])
    expect(complete('kimbia-ops account re').sort()).toEqual(['reset-password', 'restore'])
    expect(complete('kimbia-ops account takedown --rea')).toEqual(['--reason'])
    expect(complete('kimbia-ops account list --status ta')).toEqual(['takendown'])
    expect(complete('kimbia-ops -H ', config).sort()).toEqual(['kimbia', 'other'])
    expect(complete('kimbia-ops completion ').sort()).toEqual(['bash', 'fish', 'zsh'])
    expect(complete(`kimbia-ops account takedown --from ${place.dir}/conf`)).toEqual([config])
  })

  test('is a script that bash can parse, and nothing else', async () => {
    const { code, stdout, stderr } = await alone(['completion', 'bash'])
    expect([code, stderr]).toEqual([0, ''])
    execFileSync('bash', ['-n'], { input: stdout })
    expect(await alone(['completion', 'tcsh'])).toMatchObject({ code: 2, stdout: '' })
  })
})

test.each(names)('schema %s is valid JSON about that command', async (name) => {
  const ran = await alone(['schema', ...name.split(' ')])
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  const schema = JSON.parse(ran.stdout)
  expect(schema).toMatchObject({ title: name, input: { type: 'object' } })
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
})
