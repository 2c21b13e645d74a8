import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import { check } from '../../../src/plan/steps/check.ts'
import { shell, wait, write } from '../../../src/plan/steps/host.ts'
import { later } from '../../../src/plan/steps/placeholders.ts'
import { showStep } from '../../../src/plan/steps/show-step.ts'
import { act } from '../../../src/ssh/shell.ts'

describe('a step is shown in a line', () => {
  const gate = { port: 3000, healthy: 1, settle: 0, deadline: 60 }
  const file = { path: '/pds/pds.env', content: new Secret('K=new'), was: new Secret('K=old') }
  test.each([
    ['a line for the shell as it is', shell('', act`docker pull ${'a b'}`), "docker pull 'a b'"],
    ['a script by its comment', shell('', act`# see to it\nset -e\nrm x`), 'see to it'],
    ['a script without a comment as it is', shell('', act`set -e\nrm x`), 'set -e\nrm x'],
    [
      'a write by what changes',
      write('', { ...file, changes: ['K: ‹secret›', 'L=1'], holds: 'settings' }),
      'write /pds/pds.env: K: ‹secret›; L=1',
    ],
    ['a plain wait', wait('', gate), 'wait until the PDS on port 3000 answers once'],
    [
      'a wait for more',
      wait('', { ...gate, healthy: 3, settle: 10, version: '0.4' }),
      'wait until the PDS on port 3000 answers 3 times in a row, stays up for 10 s, and says version 0.4',
    ],
    [
      'a check by what is read and expected',
      check('', {
        kind: 'query',
        nsid: 'com.atproto.server.describeServer',
        params: {},
        expect: { did: later('x.did') },
      }),
      'GET com.atproto.server.describeServer {}: {"did":"‹x.did›"}',
    ],
    [
      'a check of a status',
      check('', { kind: 'status', did: 'did:plc:a', status: 'takendown', or: ['deactivated'] }),
      'read the status of did:plc:a: takendown or deactivated',
    ],
    [
      'a resumed change',
      {
        kind: 'resume',
        why: '',
        id: 'c-1',
        way: 'finish',
        remaining: ['Wait'],
        begun: [],
        done: [],
      } as const,
      'finish change c-1; Wait',
    ],
  ])('%s', (_, step, line) => {
    expect(showStep(step)).toBe(line)
  })
})
