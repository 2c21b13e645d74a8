import { spawnSync } from 'node:child_process'
import { Secret } from '../src/base/secret.ts'
import { agent } from '../src/host/change/agent.ts'
import { toProgram } from '../src/host/change/compile.ts'
import type { Gate, HostStep } from '../src/host/change/step.ts'
import { act } from '../src/ssh/shell.ts'

// The parts of a program share variables and functions, so only whole programs tell which of them are missing or unused.
const gate: Gate = { port: 3000, healthy: 2, settle: 5, deadline: 60 }
const steps: HostStep[] = [
  {
    kind: 'write',
    why: 'Edit',
    path: '/pds/pds.env',
    was: new Secret('A=1\n'),
    content: new Secret('A=2\n'),
    changes: [],
    holds: 'settings',
  },
  {
    kind: 'shell',
    why: 'Recreate',
    run: act`true`,
    undo: [
      { kind: 'shell', why: 'Recreate', run: act`true` },
      { kind: 'wait', why: 'Wait', gate },
    ],
    interrupts: { port: 3000 },
  },
  { kind: 'wait', why: 'Wait', gate },
]
/** What is missing, and what is unused. */
const codes = 'SC2034,SC2119,SC2120,SC2154'
const dir = '/pds/kimbia-ops'
const programs = {
  agent: agent(dir, 'begin', { writes: ['files/0'] }).line,
  runner: await toProgram({ dir }, 0, steps),
}

for (const [name, input] of Object.entries(programs)) {
  const { status, error } = spawnSync('shellcheck', ['-s', 'sh', '-i', codes, '-'], {
    input,
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  if (error) throw error
  if (status !== 0) {
    console.error(`shellcheck: the lines are those of the whole program ${name}`)
    process.exitCode = 1
  }
}
