import { Secret } from '../../src/base/secret.ts'
import { isHostStep, type ShellStep, type WaitStep, type WriteStep } from '../../src/host/change/step.ts'
import type { AccountStatus } from '../../src/pds/xrpc/client.ts'
import type { HostPlan, Item, PdsPlan, Risk } from '../../src/plan/plan.ts'
import { check } from '../../src/plan/steps/check.ts'
import { shell, wait, write } from '../../src/plan/steps/host.ts'
import { later } from '../../src/plan/steps/placeholders.ts'
import type { LocalStep, Step } from '../../src/plan/steps/step.ts'
import type { StoredStep } from '../../src/plan/steps/stored-steps.ts'
import { type XrpcStep, xrpc } from '../../src/plan/steps/xrpc.ts'
import { column } from '../../src/runner/command/columns.ts'
import { type Command, procedure } from '../../src/runner/command/command.ts'
import { count, optional, text } from '../../src/runner/command/types.ts'
import type { Views } from '../../src/runner/command/views.ts'
import { act } from '../../src/ssh/shell.ts'
import { type ScriptedPds, scriptedPds } from './scripted-pds.ts'
import { didOf, type Fault } from './scripted-state.ts'

/** The rows of the plans made here. */
export interface Named {
  readonly name: string
}

/** A plan of these items, in a procedure `try it` of its own. */
export function planned(
  items: PdsPlan<Named>['items'],
  more: Partial<Omit<PdsPlan<Named>, 'on'>> & { readonly on?: 'pds' | 'machine' } = {},
  risk: Risk = 'disruptive',
) {
  const plan = { title: 'try it', confirm: 'sure', items, ...more } as PdsPlan<Named>
  return trying(async () => plan, risk)
}

/** A procedure `try it` that makes its plan so. */
export const trying = (
  plan: (views: Views) => Promise<PdsPlan<Named>>,
  risk: Risk = 'disruptive',
): readonly Command[] => [
  procedure({
    name: 'try it',
    summary: 'Try it',
    examples: [],
    risk,
    input: {},
    output: { name: column(text, 'what it was done to') },
    plan: (_input, views) => plan(views),
  }),
]

/** The parts of a plan of the host, from all of its steps in order. */
export function partsOf(steps: readonly Step[]): Pick<HostPlan<unknown>, 'before' | 'steps' | 'after'> {
  const first = steps.findIndex(isHostStep)
  const end = steps.findLastIndex(isHostStep) + 1
  return {
    before: steps.slice(0, first) as readonly LocalStep[],
    steps: steps.slice(first, end).filter(isHostStep),
    after: steps.slice(end) as readonly StoredStep[],
  }
}

/** A procedure `change it` that changes the host in these steps, and tells what the host found out. */
export const changing = (steps: readonly Step[], more: Partial<HostPlan<Found>> = {}): readonly Command[] => [
  procedure({
    name: 'change it',
    summary: 'Change it',
    examples: [],
    risk: 'disruptive',
    on: 'host',
    input: {},
    output: {
      version: column(optional(text), 'of the PDS'),
      outageMs: column(optional(count), 'how long it was down'),
    },
    plan: async (): Promise<HostPlan<Found>> => ({
      on: 'host',
      title: 'change it',
      confirm: 'sure',
      reason: 'because',
      subject: 'the host',
      ...partsOf(steps),
      rows: [{ version: later('host.version'), outageMs: later('host.outageMs') }],
      ...more,
    }),
  }),
]

/** The row of what `changing` makes. */
export interface Found {
  readonly version: string | null
  readonly outageMs: number | null
}

/** Three steps of the host: a download, a write of pds.env and a wait. */
export const hostSteps: readonly [ShellStep, WriteStep, WaitStep] = [
  shell('Download it', act`docker pull ${'pds:1'}`, { stoppable: 'yes' }),
  write('Write pds.env', {
    path: '/pds/pds.env',
    content: new Secret('PDS_PORT=3001\nPDS_JWT_SECRET=new-jwt\n'),
    was: new Secret('PDS_PORT=3000\nPDS_JWT_SECRET=old-jwt\n'),
    changes: ['PDS_PORT: 3000 → 3001'],
    holds: 'settings',
  }),
  wait('Wait until the PDS is healthy', {
    port: 3000,
    healthy: 3,
    settle: 10,
    deadline: 60,
    version: '0.4.2',
  }),
]

/** A step that reads back that an account of the crowd has this status. */
export const checkOf = (index: number, status: AccountStatus) =>
  check(`see that ${name(index)} is ${status}`, has(index, status).proof)

const name = (index: number): string => `user${index}.test`

/** A PDS with this many accounts, `user0.test` and so on. */
export const crowdOf = (count: number, faults: Fault[] = []): ScriptedPds =>
  scriptedPds({ accounts: Array.from({ length: count }, (_, index) => ({ handle: name(index) })), faults })

/** A step that takes an account of the crowd down. */
export const takedown = (index: number, extras: Partial<XrpcStep> = {}): XrpcStep => ({
  ...xrpc(`take down ${name(index)}`, 'com.atproto.admin.updateSubjectStatus', {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did: didOf(name(index)) },
    takedown: { applied: true },
  }),
  ...extras,
})

/** A proof that an account of the crowd has this status. */
export const has = (index: number, status: AccountStatus) => ({
  proof: { kind: 'status', did: didOf(name(index)), status } as const,
})

/** One item for each account of a crowd: a takedown that is proven. */
export const takedowns = (count: number, from = 0): Item<Named, LocalStep>[] =>
  Array.from({ length: count }, (_, at) => from + at).map((index) => ({
    subject: name(index),
    did: didOf(name(index)),
    steps: [takedown(index, has(index, 'takendown'))],
    rows: [{ name: name(index) }],
  }))

/** The account of the crowd that a change is about. */
export const userOf = ({ input }: { readonly input: unknown }): string => {
  const { subject } = input as { subject: { did: string } }
  for (let index = 0; index < 1000; index++) if (didOf(name(index)) === subject.did) return name(index)
  throw new Error(`no account of the crowd has the DID ${subject.did}`)
}
