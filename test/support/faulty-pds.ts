import type { ServerResponse } from 'node:http'
import { Secret } from '../../src/base/secret.ts'
import { openPds, type PdsOptions } from '../../src/pds/xrpc/atproto-client.ts'
import type { Pds } from '../../src/pds/xrpc/client.ts'
import { tunnelFetch } from '../../src/ssh/http-tunnel.ts'
import { type Got, type HttpServer, httpServer } from './http-server.ts'

/** A PDS whose answers a test decides, behind the real adapter and tunnel, with a clock that only sleeping moves. */
export interface FaultyPds extends AsyncDisposable {
  readonly pds: Pds
  readonly got: Got[]
  readonly server: HttpServer
  /** Milliseconds that each wait took. */
  readonly slept: number[]
  readonly notes: string[]
  readonly waits: string[]
}

type Answer = (response: ServerResponse, got: Got) => void

/** Answers the n-th request with the n-th answer, and all further ones with the last. */
export async function faultyPds(
  answers: readonly Answer[],
  options: Partial<PdsOptions> & { patience?: number } = {},
): Promise<FaultyPds> {
  let count = 0
  const server = await httpServer((got, response) => {
    answers[Math.min(count++, answers.length - 1)]?.(response, got)
  })
  const slept: number[] = []
  const notes: string[] = []
  const waits: string[] = []
  let now = Date.UTC(2026, 10, 22, 12)
  const pds = openPds({
    fetch: tunnelFetch(() => server.connect(), { deadline: options.patience ?? 5_000 }),
    adminPassword: new Secret('correct horse'),
    where: 'the PDS on kimbia.social',
    note: (text) => void notes.push(text),
    waiting: (text, left) => void waits.push(left === undefined ? text : `${text}, in ${left} s`),
    clock: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      slept.push(ms)
      now += ms
    },
    ...options,
  })
  return {
    pds,
    got: server.got,
    server,
    slept,
    notes,
    waits,
    async [Symbol.asyncDispose]() {
      pds.dispose()
      await server[Symbol.asyncDispose]()
    },
  }
}
