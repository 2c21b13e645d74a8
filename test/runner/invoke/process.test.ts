import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { scratch } from '../../support/scratch.ts'

const cli = new URL('../../../src/cli.ts', import.meta.url).href
const script = `const { run } = await import(${JSON.stringify(cli)})\nprocess.exitCode = await run(process.argv.slice(1))`

interface Start {
  /** What the process does before it is the command line. */
  readonly first?: string
  readonly env?: Readonly<Record<string, string>>
  /** What follows in the shell. */
  readonly shell?: string
}

/** The command line as a process of its own, whose standard input stays open. */
function start(args: readonly string[], { first = '', env = {}, shell = '' }: Start) {
  const node = [process.execPath, '--input-type=module', '-e', `${first}${script}`, '--', ...args]
  const child = spawn('sh', ['-c', `exec "$0" "$@" ${shell}`, ...node], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      said[name] += chunk
    })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  return { ended }
}

describe('a wait for standard input', () => {
  const takedown = ['account', 'takedown', '--from', '-', '--json']

  test('ends with --timeout', async () => {
    const { code, stderr } = await start([...takedown, '--timeout', '1s'], {}).ended
    expect({ code, error: JSON.parse(stderr).error.code }).toEqual({ code: 5, error: 'timeout' })
  })

  test.each(['SIGTERM', 'SIGINT'])('ends with %s', async (signal) => {
    const reads = `process.stdin.on('newListener', (event) => event === 'readable' && process.kill(process.pid, '${signal}'))\n`
    const { code, stderr } = await start(takedown, { first: reads }).ended
    expect({ code, error: JSON.parse(stderr).error.code }).toEqual({ code: 130, error: 'interrupted' })
  })
})

describe('a standard error that takes nothing', () => {
  test.each([
    [0, ['hosts', '--json']],
    [2, ['no-such-word']],
    [2, ['account', 'takedown']],
  ])('leaves the exit code %i of %j', async (expected, args) => {
    await using place = await scratch()
    const config = place.file('config.yaml')
    await writeFile(config, 'hosts:\n  box:\n    ssh: box.test\n')
    const { code } = await start(args, { env: { KIMBIA_OPS_CONFIG: config }, shell: '2>/dev/full' }).ended
    expect(code).toBe(expected)
  })
})
