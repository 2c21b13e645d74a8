import { Failure } from '../../base/failure.ts'
import { mustType } from '../../plan/consent-rule.ts'
import type { Plan, Risk } from '../../plan/plan.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** What the operator said beforehand. */
export interface Given {
  readonly yes: boolean
  readonly confirm: string | undefined
}

const declined = (code: string, message: string, hint?: string): Failure =>
  new Failure({ outcome: 'declined', code, message, hint })

/** Returns when the plan may be carried out; otherwise throws a Failure with outcome `declined`. */
export async function consent(
  plan: Plan<unknown>,
  risk: Risk,
  given: Given,
  terminal: Terminal,
): Promise<void> {
  const typed = mustType(plan, risk)
  if (given.confirm !== undefined) {
    const wanted = typed ?? plan.confirm
    // A run that was cut off is repeated with the count of all its targets, though fewer are left to change.
    if ([wanted, plan.confirm, plan.confirmOr].includes(given.confirm)) return
    throw declined(
      'confirm-mismatch',
      `--confirm ${given.confirm} does not match: this is about ${wanted}`,
      `if that is what you mean: --confirm ${wanted}`,
    )
  }
  if (typed !== undefined) return await askToType(plan, typed, terminal)
  if ((plan.risk ?? risk) === 'routine' || given.yes) return
  if (!terminal.interactive) {
    throw declined(
      'consent-missing',
      `consent is needed to ${plan.title}, and nobody is here to ask`,
      'look with --dry-run, then pass --yes',
    )
  }
  if (!(await terminal.confirm(`${capital(plan.title)}?`))) throw declined('declined', 'nothing was done')
}

async function askToType(plan: Plan<unknown>, typed: string, terminal: Terminal): Promise<void> {
  if (!terminal.interactive) {
    throw declined(
      'confirm-missing',
      `to ${plan.title} needs more than --yes, and nobody is here to ask`,
      `look with --dry-run, then pass --confirm ${typed}`,
    )
  }
  const question = `To ${plan.title}, type ${typed}`
  let again = ''
  for (let left = tries; left > 0; left--) {
    const answer = (await terminal.ask(`${again}${question}`)).trim()
    if (answer === typed || (answer !== '' && answer === plan.confirmOr)) return
    // Enter alone is how a person leaves.
    if (answer === '') break
    again = `“${answer}” does not match. `
  }
  throw declined('declined', 'that does not match: nothing was done')
}

/** How often a word may be mistyped. */
const tries = 3

const capital = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1)
