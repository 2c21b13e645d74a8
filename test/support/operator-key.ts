import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll } from 'vitest'
import type { Target } from '../../src/ssh/target/target.ts'
import { type Scratch, scratch } from './scratch.ts'
import { type MadeKey, makeKey } from './ssh-keys.ts'

/** What the tests of a file have of an operator: a key, and a place of their own; there while they run. */
export interface Operator {
  readonly key: MadeKey
  readonly place: Scratch
  /** What lets the operator in at this port of a server, whose key is known. */
  knownTo(
    server: { readonly hostKey: string },
    port: number,
  ): Promise<Pick<Target, 'identities' | 'userKnownHosts'>>
}

/** Makes it before the first test of a file, and takes it away after the last. */
export function operatorOfFile(): Operator {
  let key: MadeKey
  let place: Scratch
  beforeAll(async () => {
    place = await scratch()
    key = await makeKey(place.file('id'))
  }, 30_000)
  afterAll(() => place?.[Symbol.asyncDispose]())
  return {
    get key() {
      return key
    },
    get place() {
      return place
    },
    async knownTo({ hostKey }, port) {
      const file = place.file(`known-${port}`)
      await writeFile(file, `[127.0.0.1]:${port} ${hostKey}\n`)
      return { identities: [key.file], userKnownHosts: [file] }
    },
  }
}
