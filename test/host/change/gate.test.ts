import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { ChangeEnd } from '../../../src/host/change/change.ts'
import type { Gate, HostStep } from '../../../src/host/change/step.ts'
import { type LocalPds, localPds, sessionWith, shells } from '../../support/local-host.ts'
import { blackHole } from '../../support/relay.ts'
import * as make from './making.ts'

/** A PDS that answers its health as it is told to. */
interface Scripted extends AsyncDisposable {
  readonly port: number
  answer: number | 'hang up' | 'silence'
  version: string
  asked: number
  stop(): Promise<void>
  start(): Promise<void>
}

async function scripted(): Promise<Scripted> {
  let server: Server
  const listen = (port: number) =>
    new Promise<Server>((resolve) => {
      const one = createServer((request, response) => {
        pds.asked++
        if (pds.answer === 'hang up') request.socket.destroy()
        else if (pds.answer !== 'silence') {
          const ok = pds.answer === 200 && request.url === '/xrpc/_health'
          response
            .writeHead(ok ? 200 : pds.answer)
            .end(JSON.stringify(ok ? { version: pds.version } : { error: 'x' }))
        }
      }).listen(port, '127.0.0.1', () => resolve(one))
    })
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  server = await listen(0)
  const { port } = server.address() as AddressInfo
  const pds: Scripted = {
    ...{ port, answer: 200, version: '0.4.219', asked: 0, stop },
    async start() {
      server = await listen(port)
    },
    [Symbol.asyncDispose]: stop,
  }
  return pds
}

/** A program that stands for docker; what it says of the container is in a file. */
async function docker(pds: LocalPds) {
  const state = (text: string) => make.put(pds, 'state', `${text}\n`)
  await writeFile(
    pds.path('docker'),
    `#!/bin/sh
echo "$*" >>${pds.path('docker.log')}
case $1 in
inspect) sleep 0.05; cat ${pds.path('state')} ;;
logs) echo "the reason is in the log" >&2 ;;
version) ;;
exec) shift 2; exec "$@" ;;
esac
`,
  )
  await chmod(pds.path('docker'), 0o755)
  await state('abc 0 2026-11-22T18:00:00Z running')
  return { state, container: { docker: [pds.path('docker')], name: 'pds' } }
}

const gate = (port: number, more: Partial<Gate> = {}): HostStep => ({
  kind: 'wait',
  why: 'wait',
  gate: { port, healthy: 1, settle: 0, deadline: 5, ...more },
})

async function pass(
  pds: LocalPds,
  steps: HostStep | HostStep[],
  programs?: readonly string[],
  shell?: readonly string[],
) {
  const list = [steps].flat()
  const bin = pds.path(`bin-${crypto.randomUUID()}`)
  const session =
    programs && (await sessionWith(bin, shell ?? ['dash'], [...make.coreutils, 'setsid', ...programs]))
  const change = await make.changesOf(pds, session).begin(make.planOf(list), list)
  const began = performance.now()
  const end = await change.run(() => {}, make.never)
  const ms = performance.now() - began
  await change.close()
  return { end, ms }
}

const codeOf = (end: ChangeEnd): string => (end.kind === 'done' ? 'done' : end.why.code)
const messageOf = (end: ChangeEnd): string => (end.kind === 'done' ? 'done' : end.why.message)

describe.concurrent.each([['curl'], ['wget'], ['bash'], ['docker']])('where there is %s', (by) => {
  const programs = by === 'docker' ? ['node'] : [by]
  test('a healthy PDS passes, another version does not, and neither does one that fails', async () => {
    await using pds = await localPds()
    await using health = await scripted()
    const { container } = await docker(pds)
    const { end } = await pass(pds, gate(health.port, { container }), programs)
    expect(end).toEqual({ kind: 'done', facts: { version: '0.4.219', container: 'abc' } })
    const other = await pass(pds, gate(health.port, { container, version: '0.4.220' }), programs)
    expect(codeOf(other.end)).toBe('wrong-version')
    expect(messageOf(other.end)).toContain('answers version 0.4.219, and 0.4.220 was asked for')
    for (const answer of [503, 'hang up', 'silence'] as const) {
      health.answer = answer
      const failing = await pass(pds, gate(health.port, { container, deadline: 1 }), programs)
      expect(codeOf(failing.end)).toBe('not-healthy')
      expect(messageOf(failing.end)).toContain('was not healthy within 1 s')
      expect(messageOf(failing.end)).toContain('the reason is in the log')
    }
  })
})

test.concurrent('a docker that hangs does not hang the change', async () => {
  await using pds = await localPds()
  await using health = await scripted()
  const { container } = await docker(pds)
  await writeFile(pds.path('docker'), '#!/bin/sh\nexec sleep 3600\n')
  const { end } = await pass(pds, gate(health.port, { container, settle: 1 }))
  expect(codeOf(end)).toBe('not-healthy')
  expect(messageOf(end)).toContain('docker does not tell how the container pds is')
})

test.concurrent('one that answers, but never healthy, is not waited for until the deadline', async () => {
  await using pds = await localPds()
  await using health = await scripted()
  health.answer = 503
  const { end } = await pass(pds, gate(health.port, { deadline: 3600 }))
  expect(codeOf(end)).toBe('not-healthy')
  expect(messageOf(end)).toContain('answered for 5 s, and was never healthy: HTTP 503')
})

test.concurrent('a bash that cannot connect does not make a PDS unhealthy where there is curl', async () => {
  await using pds = await localPds()
  await using health = await scripted()
  const session = await sessionWith(pds.dir, ['dash'], [...make.coreutils, 'setsid', 'curl'])
  await writeFile(pds.path('bin/bash'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const steps = [make.line(':', [], { interrupts: { port: health.port } }), gate(health.port)]
  const change = await make.changesOf(pds, session).begin(make.planOf(steps), steps)
  expect(await change.run(() => {}, make.never)).toEqual({
    kind: 'done',
    facts: { version: '0.4.219', outageMs: 0 },
  })
  await change.close()
})

test.concurrent('a port that takes no connection is given up at the deadline', async () => {
  await using pds = await localPds()
  await using hole = await blackHole()
  const { end, ms } = await pass(pds, gate(hole.port, { deadline: 1 }), ['bash', 'curl'])
  expect(messageOf(end)).toContain('was not healthy within 1 s: no answer')
  expect(ms).toBeLessThan(8000)
})

test.concurrent('busybox’s wget is enough too', async () => {
  await using pds = await localPds()
  await using health = await scripted()
  const bin = pds.path('bin')
  const session = await sessionWith(pds.dir, shells.busybox ?? ['dash'], make.coreutils)
  await writeFile(`${bin}/wget`, '#!/bin/sh\nexec /usr/bin/busybox wget "$@"\n', { mode: 0o755 })
  const change = await make
    .changesOf(pds, session)
    .begin(make.planOf([gate(health.port)]), [gate(health.port)])
  expect(await change.run(() => {}, make.never)).toEqual({ kind: 'done', facts: { version: '0.4.219' } })
  await change.close()
})

test.concurrent('where nothing can ask, it is told what is missing', async () => {
  await using pds = await localPds()
  await using health = await scripted()
  const { end } = await pass(pds, gate(health.port), [])
  expect(messageOf(end)).toBe(
    'the health of the PDS cannot be asked: the host has none of curl, wget and bash',
  )
})

describe.concurrent.each(Object.entries(shells))('with %s as sh', (_, shell) => {
  test('it waits for the first healthy answer and passes at once, asking docker no more than it must', async () => {
    await using pds = await localPds()
    await using health = await scripted()
    const { container } = await docker(pds)
    health.answer = 503
    const recovers = async () => {
      await make.until(async () => (await make.journalOf(pds)).includes('begin 0'))
      await sleep(600)
      health.answer = 200
    }
    const passing = pass(pds, gate(health.port, { container }), ['curl'], shell)
    const [{ end }] = await Promise.all([passing, recovers()])
    expect(end.kind).toBe('done')
    const asked = (await make.textOf(pds.path('docker.log'))).split('\n').length - 1
    expect(asked).toBeLessThan(5)
  })

  test('a container that restarts or is replaced ends it at once, with the end of its log', async () => {
    await using pds = await localPds()
    await using health = await scripted()
    const { container, state } = await docker(pds)
    const cases = [
      ['restarted', 'abc 1 2026-11-22T18:00:09Z running'],
      ['restarted', 'abc 0 2026-11-22T18:00:09Z running'],
      ['restarted', 'abc 0 2026-11-22T18:00:00Z exited'],
      ['replaced', 'def 0 2026-11-22T18:00:09Z running'],
    ] as const
    for (const [code, then] of cases) {
      await state('abc 0 2026-11-22T18:00:00Z running')
      // Once the gate has seen how it was.
      const looks = (await make.textOf(pds.path('docker.log'))).length
      const looked = async () => (await make.textOf(pds.path('docker.log'))).length > looks
      void make
        .until(looked)
        .then(() => sleep(500))
        .then(() => state(then))
      const { end } = await pass(pds, gate(health.port, { container, settle: 600 }), ['curl'], shell)
      expect(codeOf(end)).toBe(code)
      expect(messageOf(end)).toContain('\nthe reason is in the log')
    }
    await state('abc 7 2026-11-22T18:00:00Z restarting')
    health.answer = 'hang up'
    const { end } = await pass(pds, gate(health.port, { container, deadline: 3600 }), ['curl'], shell)
    expect(codeOf(end)).toBe('restarted')
  })

  test.each([
    ['by itself', [], ['curl']],
    ['after another', [make.line(':')], ['curl']],
    ['after another, with bash,', [make.line(':')], ['bash', 'curl']],
  ])(
    'how long a step %s takes the PDS down is measured, and only where it was up before',
    async (_, ahead, programs) => {
      await using pds = await localPds()
      await using health = await scripted()
      const steps: HostStep[] = [
        ...ahead,
        make.line(`touch ${pds.path('go')}; sleep 1`, [], { interrupts: { port: health.port } }),
        gate(health.port),
      ]
      const outage = async () => {
        await make.until(() => make.textOf(pds.path('go')).then((text) => text === ''))
        await make.until(async () => (await make.journalOf(pds)).includes(`begin ${ahead.length}`))
        await sleep(300)
        await health.stop()
        const from = performance.now()
        await sleep(1200)
        await health.start()
        return performance.now() - from
      }
      const [{ end }, down] = await Promise.all([pass(pds, steps, programs, shell), outage()])
      const facts = end.kind === 'done' ? end.facts : {}
      expect(Math.abs(Number(facts.outageMs) - down)).toBeLessThan(1000)

      health.answer = 503
      // Once the step that takes it down has found that it was not up.
      const begun = async () => (await make.journalOf(pds)).includes(`begin ${ahead.length}`)
      void make
        .until(begun)
        .then(() => sleep(1500))
        .then(() => {
          health.answer = 200
        })
      const again = await pass(pds, steps, programs, shell)
      expect(again.end).toEqual({ kind: 'done', facts: { version: '0.4.219' } })
    },
  )
})

test.concurrent('while it settles one unhealthy answer is forgiven, and a PDS that dies is not', async () => {
  await using pds = await localPds()
  await using health = await scripted()
  const blip = async () => {
    await sleep(900)
    health.answer = 503
    const { asked } = health
    await make.until(() => health.asked > asked)
    health.answer = 200
  }
  const [kept] = await Promise.all([pass(pds, gate(health.port, { healthy: 2, settle: 2 })), blip()])
  expect(kept.end.kind).toBe('done')
  expect(kept.ms).toBeGreaterThan(2000)
  void sleep(900).then(() => {
    health.answer = 503
  })
  const { end } = await pass(pds, gate(health.port, { healthy: 2, settle: 600 }))
  expect(codeOf(end)).toBe('not-healthy')
  expect(messageOf(end)).toContain('did not stay healthy: HTTP 503')
})

test.concurrent('after a failed gate the way back waits for health too, and the outage counts until then', async () => {
  await using pds = await localPds()
  await using health = await scripted()
  const steps: HostStep[] = [
    {
      ...make.line(`sleep 0.6`, [`touch ${pds.path('back')}`], { interrupts: { port: health.port } }),
    },
    gate(health.port, { deadline: 1 }),
  ]
  const [first] = steps
  if (first?.kind !== 'shell') throw new Error('no shell step')
  const back = {
    kind: 'wait',
    why: 'back',
    gate: { port: health.port, healthy: 1, settle: 0, deadline: 5 },
  } as const
  steps[0] = { ...first, undo: [...(first.undo ?? []), back] }
  const dies = async () => {
    await make.until(async () => (await make.journalOf(pds)).includes('begin 0'))
    await sleep(300)
    health.answer = 503
    await make.until(() => make.journalOf(pds).then((lines) => lines.includes('undo 0')))
    await sleep(500)
    health.answer = 200
  }
  const [{ end }] = await Promise.all([pass(pds, steps), dies()])
  expect(end).toMatchObject({ kind: 'undone', index: 1, why: { code: 'not-healthy' } })
  const [, ms] = /fact outageMs (\d+)/.exec(await make.textOf(make.kept(pds, 'last/journal'))) ?? []
  expect(Number(ms)).toBeGreaterThan(1500)
})
