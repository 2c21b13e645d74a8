import type { Outcome } from '../../base/failure.ts'
import type { PlanKinds, Risk } from '../../plan/plan.ts'
import type { Shell } from '../../ssh/shell.ts'
import type { Columns, RowOf } from './columns.ts'
import type { InputOf, Params } from './parameters.ts'
import type { Views } from './views.ts'

interface Declared {
  /** The words that name it, such as `account takedown`. */
  readonly name: string
  /** An imperative clause without a full stop. */
  readonly summary: string
  /** One or two short paragraphs for `--help` and the reference. */
  readonly about?: string
  readonly examples: readonly string[]
  /** It prints a secret that exists already: nothing suggests it to one who did not type its name. */
  readonly prints?: 'secret'
}

/** A command that only reads. `many` rows are streamed; `one` is a single document. */
export interface Query<P extends Params = Params, C extends Columns = Columns> extends Declared {
  readonly kind: 'query'
  readonly input: P
  readonly output: C
  readonly result: 'one' | 'many'
  /** What a row is, for the count on standard error: `account` gives “3 accounts”. */
  readonly counted?: string
  /** The one field whose JSON is the whole result, for answers passed on as they are. */
  readonly bare?: string
  read(input: InputOf<P>, views: Views): Promise<RowOf<C>> | AsyncIterable<RowOf<C>>
  /** The outcome a result stands for, when not `ok`. */
  outcome?(row: RowOf<C>): Outcome
}

/** What a procedure changes: the PDS, the host under its lock, this machine alone, or a change that stands on the host. */
export type On = keyof PlanKinds<unknown>

/** A command that changes something: it reads, and returns a plan; the runner carries it out. */
export interface Procedure<P extends Params = Params, C extends Columns = Columns, O extends On = On>
  extends Declared {
  readonly kind: 'procedure'
  readonly risk: Risk
  readonly on: O
  readonly input: P
  readonly output: C
  /** The one field whose JSON is the whole result, for answers passed on as they are. */
  readonly bare?: string
  plan(input: InputOf<P>, views: Views): Promise<PlanKinds<RowOf<C>>[O]>
}

/** Text as it stands for another program: a completion script, a schema. Contacts nothing. */
export interface Printer<P extends Params = Params> extends Declared {
  readonly kind: 'printer'
  readonly input: P
  print(input: InputOf<P>, commands: readonly Command[]): string
}

/** A program of the host, run where it lives with the operator's own streams and its own exit code. */
export interface Passthrough extends Declared {
  readonly kind: 'passthrough'
  /** The line to run as root, and a first line for its standard input where it wants a secret. */
  locate(
    args: readonly string[],
    tty: 'yes' | 'no',
    views: Views,
  ): Promise<{ shell: Shell; first?: import('../../base/secret.ts').Secret }>
}

/** What the table of commands holds; inputs and rows were checked where each was declared. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where commands of all shapes meet
export type Command = Query<any, any> | Procedure<any, any, any> | Printer<any> | Passthrough

/** Declares a command that reads. */
export const query = <P extends Params, C extends Columns>(
  parts: Omit<Query<P, C>, 'kind'>,
): Query<P, C> => ({ kind: 'query', ...parts })

/** Declares a command that changes something; what its plan may be follows from what it changes, the PDS unless said otherwise. */
export const procedure = <P extends Params, C extends Columns, O extends On = 'pds'>({
  on = 'pds' as O,
  ...parts
}: Omit<Procedure<P, C, O>, 'kind' | 'on'> & { readonly on?: O }): Procedure<P, C, O> => ({
  kind: 'procedure',
  on,
  ...parts,
})

/** Declares a command that prints text for another program. */
export const printer = <P extends Params>(parts: Omit<Printer<P>, 'kind'>): Printer<P> => ({
  kind: 'printer',
  ...parts,
})

/** Declares a program of the host that is passed through. */
export const passthrough = (parts: Omit<Passthrough, 'kind'>): Passthrough => ({
  kind: 'passthrough',
  ...parts,
})
