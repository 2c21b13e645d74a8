import { Failure } from '../../src/base/failure.ts'
import type { Trail } from '../../src/host/trail/append.ts'
import type { As, CallOptions, Pds } from '../../src/pds/xrpc/client.ts'

/** A change of the PDS as it was asked for; `as` where it was not the admin's word. */
export interface PdsChange {
  readonly nsid: string
  readonly input: unknown
  readonly as?: As
}

/** Stands between a run and the PDS: lets a change through, keeps it from happening, waits, or looks on. */
export type Between = (change: PdsChange, make: () => Promise<unknown>) => Promise<unknown>

/** Keeps what happens, in order. */
export interface Observer {
  /** Reads are kept when they are answered, changes when they are asked for. */
  readonly happens: (what: string) => void
  readonly change: (change: PdsChange) => void
  /** Told of what is no Failure: a bug of the test or of the product. */
  readonly bug: (cause: unknown) => void
}

/** A PDS whose every use is kept; what it throws is kept as well, unless it is a Failure. */
export function observedPds(pds: Pds, observer: Observer, between: Between): Pds {
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      if (!(cause instanceof Failure)) observer.bug(cause)
      throw cause
    }
  }
  const read = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const answer = await watch(work)
    observer.happens(what)
    return answer
  }
  const change = async <T>(
    nsid: string,
    input: unknown,
    { as = 'admin' }: CallOptions,
    make: () => Promise<T>,
  ): Promise<T> => {
    const asked = { nsid, input, ...(as !== 'admin' && { as }) }
    observer.change(asked)
    observer.happens(`change ${shortOf(nsid)}`)
    return (await watch(between(asked, make))) as T
  }
  return {
    query: (nsid, params, options) => read(`read ${shortOf(nsid)}`, pds.query(nsid, params, options)),
    get: (nsid, params, options) => read(`read ${shortOf(nsid)}`, pds.get(nsid, params, options)),
    accepts: (identifier, password) => read('log in', pds.accepts(identifier, password)),
    refusesAccount: (account) => read('ask about an account', pds.refusesAccount(account)),
    acceptsAdmin: (password) => read('ask as admin', pds.acceptsAdmin(password)),
    call: (nsid, input, options = {}) => change(nsid, input, options, () => pds.call(nsid, input, options)),
    post(nsid, body, type, options = {}) {
      const input: unknown = body && JSON.parse(Buffer.from(body).toString())
      return change(nsid, input, options, () => pds.post(nsid, body, type, options))
    },
    dispose: () => pds.dispose(),
  }
}

/** A trail whose entries are kept: an intent once the host has it, an outcome when it is about to be written. */
export const observedTrail = (trail: Trail, { happens }: Observer, ended: () => void): Trail => ({
  async write(entry) {
    if (entry.event === 'outcome') happens(`outcome ${entry.outcome}`)
    await trail.write(entry)
    if (entry.event === 'intent') happens('intent')
  },
  async end() {
    ended()
    await trail.end()
  },
})

/** The last word of an NSID. */
const shortOf = (nsid: string): string => nsid.split('.').at(-1) ?? nsid
