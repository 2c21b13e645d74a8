import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { parseEnvFile } from '../../../src/host/env/parse.ts'
import { scratch } from '../../support/scratch.ts'
import cases from './parse.json' with { type: 'json' }

/** One env file, and its values or why it is refused. Each case was compared with what `docker compose config` prints. */
interface Case {
  readonly what: string
  readonly text: string
  readonly values?: Readonly<Record<string, string>>
  readonly refused?: string
}

const envFileCases: readonly Case[] = cases

const valuesOf = (text: string): Record<string, string> | string => {
  try {
    return Object.fromEntries(parseEnvFile(text).entries.map(({ key, value }) => [key, value]))
  } catch (error) {
    if (error instanceof Failure) return error.message
    throw error
  }
}

describe('an env file', () => {
  test.each(envFileCases)('$what', ({ text, values, refused }) => {
    expect(valuesOf(text)).toEqual(values ?? `pds.env${refused}`)
  })

  test('where each setting stands', () => {
    const { entries, get } = parseEnvFile('# head\nA=1\n\nB="x\ny\n" # c\nexport C=\nA=2')
    expect(entries).toEqual([
      { key: 'A', value: '1', line: 2, lastLine: 2, interpolated: false },
      { key: 'B', value: 'x\ny\n', line: 4, lastLine: 6, interpolated: false },
      { key: 'C', value: '', line: 7, lastLine: 7, interpolated: false },
      { key: 'A', value: '2', line: 8, lastLine: 8, interpolated: false },
    ])
    expect(get('A')).toBe('2')
    expect(get('Z')).toBeUndefined()
  })

  test('a big one', () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `KEY_${i}="value ${'x'.repeat(50)}" # c\n`).join('')
    expect(parseEnvFile(`${text}LAST=$KEY_19999`).get('LAST')).toBe(`value ${'x'.repeat(50)}`)
  })
})

const compose = ['docker compose', 'docker-compose'].find(
  (command) => spawnSync('sh', ['-c', `${command} version`]).status === 0,
)
const required = process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')

describe.skipIf(!compose && !required)('docker compose agrees', () => {
  const ask = async (text: string): Promise<Record<string, string> | 'refused'> => {
    await using place = await scratch()
    await writeFile(place.file('pds.env'), text)
    await writeFile(place.file('compose.yaml'), 'services:\n  pds:\n    image: x\n    env_file: pds.env\n')
    const line = `exec env -i PATH="$PATH" ${compose} --project-directory "$0" config --format json`
    const { status, stdout } = spawnSync('sh', ['-c', line, place.dir], { encoding: 'utf8', cwd: place.dir })
    if (status !== 0) return 'refused'
    const { environment = {} } = JSON.parse(stdout).services.pds as {
      environment?: Record<string, string | null>
    }
    // It prints `$` as `$$`, for the output is a compose file again.
    const entries = Object.entries(environment).map(([key, value]) => [
      key,
      value?.replaceAll('$$', () => '$'),
    ])
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  }

  test.each(envFileCases)('$what', async ({ text, values }) => {
    expect(await ask(text)).toEqual(values ?? 'refused')
  })
})
