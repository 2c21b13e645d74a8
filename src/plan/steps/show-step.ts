import type { Gate, HostStep } from '../../host/change/step.ts'
import { redact } from './placeholders.ts'
import type { Proof } from './proof.ts'
import type { Step } from './step.ts'
import { showStoreStep } from './store.ts'

/** What a person has to know of a step beside its sentence, in lines: what the operator gave, what changes in a file, what is left. */
export function particulars(step: Step): readonly string[] {
  if (step.kind === 'raw') return step.shown === undefined ? [] : [showWhole(step)]
  if (step.kind === 'write') return step.changes
  return step.kind === 'resume' ? step.remaining : []
}

/** Says exactly what a step does: its body as well, where it is given as it is. */
export const showWhole = (step: Step): string =>
  step.kind === 'raw' && step.shown !== undefined ? `POST ${step.nsid} ${step.shown}` : showStep(step)

/** One line that says what a step does, for the trail too, with secrets and later values as placeholders. */
export function showStep(step: Step): string {
  switch (step.kind) {
    case 'xrpc':
      return `POST ${step.nsid} ${JSON.stringify(redact(step.input))}`
    case 'raw':
      return `POST ${step.nsid} (${step.contentType}, ${step.body?.length ?? 0} bytes)`
    case 'save':
      return `write ${step.path} (mode ${step.mode.toString(8).padStart(4, '0')})`
    case 'check':
      return showProof(step.proof)
    case 'store':
      return showStoreStep(step)
    case 'note':
      return step.does
    case 'run':
      return [step.file, ...step.words].join(' ')
    case 'resume':
      return [`${step.way} ${step.holder ?? `change ${step.id}`}`, ...step.remaining].join('; ')
    case 'shell':
    case 'write':
    case 'wait':
      return showHostStep(step)
  }
}

function showHostStep(step: HostStep): string {
  switch (step.kind) {
    case 'shell':
      return shellLine(step.run.line)
    case 'write':
      return `write ${[step.path, step.changes.join('; ')].filter(Boolean).join(': ')}`
    case 'wait':
      return showGate(step.gate)
  }
}

/** A line as it is; a script by the comment that it begins with. */
function shellLine(line: string): string {
  const [first = '', ...more] = line.trim().split('\n')
  if (more.length > 0 && /^# ./.test(first)) return first.slice(2).trim()
  return line.trim()
}

function showGate({ port, healthy, settle, version, same }: Gate): string {
  const times = healthy === 1 ? 'once' : `${healthy} times in a row`
  const up = settle > 0 ? `, stays up for ${settle} s` : ''
  const wanted = version === undefined ? '' : `, and says version ${version}`
  const proven = same ? ', with the same project, data, server and accounts as before' : ''
  return `wait until the PDS on port ${port} answers ${times}${up}${wanted}${proven}`
}

function showProof(proof: Proof): string {
  switch (proof.kind) {
    case 'status':
      return `read the status of ${redact(proof.did)}: ${[proof.status, ...(proof.or ?? [])].join(' or ')}`
    case 'query': {
      const { nsid, params, expect } = proof
      return `GET ${nsid} ${JSON.stringify(redact(params))}: ${JSON.stringify(redact(expect))}`
    }
    case 'invites disabled':
      return `read the invites: ${proof.codes.map((code) => redact(code)).join(', ')} disabled`
    case 'login':
      return `log in as ${redact(proof.identifier)}: accepted`
    case 'admin password':
      return `ask the PDS as its admin: the password of pds.env accepted${proof.refused ? ', the former one refused' : ''}`
  }
}
