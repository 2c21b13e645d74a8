import type { AccountStatus } from '../../src/pds/client.ts'
import { type Command, column, procedure, type Views } from '../../src/runner/command.ts'
import { type Item, type Plan, type Risk, type XrpcStep, xrpc } from '../../src/runner/plan.ts'
import { text } from '../../src/runner/type.ts'
import { type ScriptedPds, scriptedPds } from './scripted-pds.ts'
import { didOf, type Fault } from './scripted-state.ts'

/** The rows of the plans made here. */
export interface Named {
  readonly name: string
}

/** A plan of these items, in a procedure `try it` of its own. */
export function planned(
  items: readonly Item<Named>[],
  more: Partial<Plan<Named>> = {},
  risk: Risk = 'disruptive',
) {
  const plan: Plan<Named> = { title: 'try it', confirm: 'sure', items, ...more }
  return trying(async () => plan, risk)
}

/** A procedure `try it` that makes its plan so. */
export const trying = (
  plan: (views: Views) => Promise<Plan<Named>>,
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
export const takedowns = (count: number, from = 0): Item<Named>[] =>
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
