import type { Secret } from '../../base/secret.ts'
import { quote } from '../../base/shell-words.ts'
import { toOneLine } from '../../ssh/session/line-encoding.ts'
import type { ChangePlan, Holder } from './change.ts'
import { remoteScript } from './remote/load.ts'
import {
  type Gate,
  type HostStep,
  type HostUndo,
  type Identity,
  isHostStep,
  type ShellStep,
  type WriteStep,
} from './step.ts'

/** Where the changes of a host are kept: the directory of the trail. */
export interface ChangePlace {
  readonly dir: string
}

/** The index of the first step of the host among all steps of its plan. */
export const firstOf = (plan: ChangePlan): number => plan.steps.findIndex((step) => step.by === 'host')

/** One line that says who holds the lock, without the brace that opens it: the host puts its own token first. */
export const holderLine = (id: string, { operator, command, reason, time }: Holder): string =>
  JSON.stringify({ id, operator, command, reason, time }).slice(1)

/**
 * The texts that a change brings along, by the name under which the agent lays them down. One that does not end with a
 * line break is marked as open.
 */
export const writesOf = (plan: ChangePlan, steps: readonly HostStep[]): readonly string[] =>
  textsOf(plan, steps).map(({ name, text }) => (text.endsWith('\n') ? name : `${name}:open`))

const textsOf = (plan: ChangePlan, steps: readonly HostStep[]): { name: string; text: string }[] =>
  steps.flatMap((step, i) =>
    step.kind === 'write' ? [{ name: `files/${firstOf(plan) + i}`, text: textOf(step.content) }] : [],
  )

/**
 * The whole change in one line, as the agent on the host takes it apart again: the id, the holder, the plan, the
 * program and each text, and a full stop where it is whole; `%f` stands between them.
 */
export async function toUpload(
  place: ChangePlace,
  plan: ChangePlan,
  steps: readonly HostStep[],
): Promise<string> {
  const program = await toProgram(place, firstOf(plan), steps)
  const texts = textsOf(plan, steps).map(({ text }) => text.replace(/\n$/, ''))
  const parts = [plan.id, holderLine(plan.id, plan), JSON.stringify(plan), program.trimEnd(), ...texts, '.']
  return parts.map(toOneLine).join('%f')
}

/** Behind an upload: it runs as soon as the lock is ours, which saves the time of a question and its answer. */
export const atOnce = 'run'

/** The program that carries the steps out, or undoes them, without anybody being connected. */
export async function toProgram(
  { dir }: ChangePlace,
  first: number,
  steps: readonly HostStep[],
): Promise<string> {
  const numbers = steps.map((_, i) => first + i)
  const undone = numbers.filter((_, i) => hasUndo(steps[i] as HostStep)).reverse()
  const ports = steps.flatMap((step, i) =>
    step.kind === 'shell' && step.interrupts ? [`${first + i}:${step.interrupts.port}`] : [],
  )
  const functions = await Promise.all(steps.map((step, i) => toFunctions(first + i, step)))
  return [
    `state_dir=${quote(dir)}`,
    `change_dir=\${0%/*}`,
    `steps=${quote(numbers.join(' '))}`,
    `undo_order=${quote(undone.join(' '))}`,
    `ports=${quote(ports.join(' '))}`,
    remoteScript('process-identity.sh'),
    remoteScript('write-file.sh'),
    remoteScript('probe-health.sh'),
    remoteScript('prove-identity.sh'),
    remoteScript('run-command.sh'),
    remoteScript('wait-healthy.sh'),
    remoteScript('runner.sh'),
    ...functions,
    'main "$1"\n',
  ].join('\n')
}

const hasUndo = (step: HostStep): boolean =>
  step.kind === 'write' || (step.kind === 'shell' && (step.undo?.length ?? 0) > 0)

async function toFunctions(index: number, step: HostStep): Promise<string> {
  switch (step.kind) {
    case 'shell':
      return [`do_${index}() { ${toUnless(step)}${toShell(step)}; }`, toUndo(index, step.undo ?? [])].join(
        '\n',
      )
    case 'write': {
      const words = await toWrite(index, step)
      return `do_${index}() { replace_file ${words}; }\nundo_${index}() { attempt restore_file ${words}; }`
    }
    case 'wait':
      return `do_${index}() { ${toGate(step.gate)}; }`
  }
}

const toUndo = (index: number, undo: readonly HostUndo[]): string =>
  `undo_${index}() {\n${[...undo.map((one) => `attempt ${one.kind === 'wait' ? toGate(one.gate) : toShell(one)}`), ':'].join('\n')}\n}`

const toUnless = ({ unless }: ShellStep): string =>
  unless ? `(\n${unless.line}\n) </dev/null >/dev/null 2>&1 || ` : ''

const toShell = ({
  run,
  deadline = 300,
  ...more
}: ShellStep | Extract<HostUndo, { kind: 'shell' }>): string => {
  const stoppable = 'stoppable' in more && more.stoppable ? 'yes' : ''
  const port = 'interrupts' in more && more.interrupts ? more.interrupts.port : ''
  return words(['run_command', Math.ceil(deadline), stoppable, port, run.line])
}

const toGate = ({ port, healthy, settle, deadline, version = '', same, container }: Gate): string =>
  words([
    'wait_healthy',
    ...[port, healthy, Math.ceil(settle), Math.ceil(deadline), version],
    same ? toExpected(same) : '',
    container?.name ?? '',
    ...(container?.docker ?? []),
  ])

const toExpected = ({ project, service, mounts, settings, dids }: Identity): string =>
  [
    ...(project === undefined ? [] : [`project=${project}`]),
    ...(service === undefined ? [] : [`service=${service}`]),
    ...mounts.map(({ source, target }) => `mount=${source}:${target}`),
    ...settings.map(([key, value]) => `setting=${key}=${value}`),
    ...dids.map((did) => `did=${did}`),
  ].join('\n')

const toWrite = async (index: number, { path, was, content }: WriteStep): Promise<string> =>
  words([index, path, await sha256(was), await sha256(content)])

const words = (list: readonly (string | number)[]): string => list.map(quote).join(' ')

const textOf = (content: Secret): string => {
  const text = content.reveal()
  if (text.includes('\0')) throw new TypeError('a file that is written as text cannot hold a NUL byte')
  return text
}

async function sha256(text: Secret): Promise<string> {
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(text.reveal()).digest('hex')
}

/** Whether the plan names the steps of the host as one run, in their order. */
export const fits = (plan: ChangePlan, steps: readonly HostStep[]): boolean =>
  steps.every(isHostStep) &&
  plan.steps.filter((step) => step.by === 'host').length === steps.length &&
  plan.steps.every(
    (step, i) => (step.by === 'host') === (i >= firstOf(plan) && i < firstOf(plan) + steps.length),
  )
