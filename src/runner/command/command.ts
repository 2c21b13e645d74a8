import type { Outcome } from '../../base/failure.ts'
import type { Ended } from '../../base/local-program.ts'
import type { Config, HostConfig } from '../../config/host-config.ts'
import type { HostView } from '../../host/access/host.ts'
import type { Pending } from '../../host/change/change.ts'
import type { PdsView } from '../../pds/xrpc/client.ts'
import type { Plan, Risk } from '../../plan/plan.ts'
import type { Shell } from '../../ssh/shell.ts'
import type { Store } from '../../store/store.ts'
import type { Shown, Type } from './types.ts'

/** One word, option or flag of a command line. `T` is what the command gets for it. */
export interface Param<T> {
  readonly kind: 'argument' | 'option' | 'flag'
  readonly type: Type<unknown>
  readonly about: string
  /** What an argument is called where an option of the same name stands beside it. */
  readonly called?: string | undefined
  /** How many words: an argument must be there (`one`), may be (`optional`), may repeat (`many`, none included). */
  readonly count: 'one' | 'optional' | 'many'
  readonly short?: string | undefined
  /** Other spellings of the option, without dashes. */
  readonly also?: readonly string[] | undefined
  /** The environment variable that holds when the command line is silent; global options only. */
  readonly env?: string | undefined
  readonly fallback?: T | undefined
}

export interface OptionExtras {
  readonly short?: string
  readonly also?: readonly string[]
  readonly env?: string
}

const boolean: Type<boolean> = {
  name: 'flag',
  schema: { type: 'boolean' },
  parse: () => true,
  show: String,
  json: (value) => value,
}

/** A word that must be there; asked for on a terminal when it is not. */
export const argument = <T>(type: Type<T>, about: string): Param<T> => ({
  kind: 'argument',
  type: type as Type<unknown>,
  about,
  count: 'one',
})

/** A word that may be left out. */
export const optionalArgument = <T>(
  type: Type<T>,
  about: string,
  extras: { readonly called?: string } = {},
): Param<T | undefined> => ({
  kind: 'argument',
  type: type as Type<unknown>,
  about,
  count: 'optional',
  ...extras,
})

/** Any number of words, none included; the last argument of a command. */
export const manyArguments = <T>(type: Type<T>, about: string): Param<readonly T[]> => ({
  kind: 'argument',
  type: type as Type<unknown>,
  about,
  count: 'many',
})

/** `--name <type>`, which may be left out. */
export const option = <T>(type: Type<T>, about: string, extras: OptionExtras = {}): Param<T | undefined> => ({
  kind: 'option',
  type: type as Type<unknown>,
  about,
  count: 'optional',
  ...extras,
})

/** `--name <type>` with a value that holds when it is left out. */
export const optionOr = <T>(
  type: Type<T>,
  fallback: T,
  about: string,
  extras: OptionExtras = {},
): Param<T> => ({
  kind: 'option',
  type: type as Type<unknown>,
  about,
  count: 'optional',
  fallback,
  ...extras,
})

/** `--name`, true when given. */
export const flag = (about: string, extras: OptionExtras = {}): Param<boolean> => ({
  kind: 'flag',
  type: boolean as Type<unknown>,
  about,
  count: 'optional',
  fallback: false,
  ...extras,
})

/** Input by camelCase name; an option's name in kebab-case is its long flag. */
export type Params = Readonly<Record<string, Param<unknown>>>

export type InputOf<P extends Params> = { readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never }

/** One field of a result: its type and what it means. Nested rows are a `table`. */
export interface Column<T> {
  readonly type: Shown<T>
  readonly about: string
  /** The fields of each element, when the value is a list of rows. */
  readonly rows?: Columns
  /** `detail`: only in JSON and in the view of one row, to keep tables narrow. */
  readonly place: 'table' | 'detail'
}

export type Columns = Readonly<Record<string, Column<never>>>

export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never }

/** A field of the result. */
export const column = <T>(type: Shown<T>, about: string): Column<T> => ({ type, about, place: 'table' })

/** A field of the result that a table of many rows leaves out; JSON and the view of one row have it. */
export const detail = <T>(type: Shown<T>, about: string): Column<T> => ({ type, about, place: 'detail' })

/** A list of rows inside a result, such as the checks of `health`. */
export function table<C extends Columns>(rows: C, about: string): Column<readonly RowOf<C>[]> {
  const fields = Object.entries(rows as Readonly<Record<string, Column<unknown>>>)
  const type: Shown<readonly RowOf<C>[]> = {
    name: 'rows',
    schema: {
      type: 'array',
      items: {
        type: 'object',
        properties: Object.fromEntries(fields.map(([key, field]) => [key, field.type.schema])),
        required: fields.map(([key]) => key),
      },
    },
    show: (value) => String(value.length),
    json: (value) =>
      value.map((row) =>
        Object.fromEntries(
          fields.map(([key, field]) => [key, field.type.json((row as Record<string, unknown>)[key])]),
        ),
      ),
  }
  return { type, about, rows, place: 'table' }
}

/** What is read from standard input or a file of this machine, before anything is contacted. */
export interface Reader {
  /** The text of a file, or of standard input for `-`; a `usage` Failure when it cannot be read. */
  text(path: string): Promise<string>
  /** When a file was last written; undefined for standard input, a pipe and the like. */
  modifiedAt(path: string): Promise<Date | undefined>
  /** The first line of standard input, for `--password-stdin`. */
  line(): Promise<string>
}

/** What a command may look at. Nothing in it can change the host or the PDS; each part is opened on first need. */
export interface Views {
  readonly pds: PdsView
  readonly host: HostView
  readonly reader: Reader
  readonly config: () => Promise<Config>
  /** Another host than the chosen one, such as one that `init` is about to save. */
  readonly look: (host: HostConfig) => { readonly pds: PdsView; readonly host: HostView }
  /** Asks the operator for a value, on a terminal; otherwise a `usage` Failure that names `flag`. */
  readonly askFor: (question: string, flag: string) => Promise<string>
  /** A `GET` from this very machine, past the tunnel: what the public sees. */
  readonly fetchPublic: (url: string) => Promise<{ status: number; text: string }>
  /** The change that stands unfinished on the chosen host, or its lock; undefined where there is none. Read once. */
  readonly pending: () => Promise<Pending | undefined>
  /** The same, read anew at each call. */
  readonly pendingNow: () => Promise<Pending | undefined>
  /** Resolves after these milliseconds; a Failure once the command is stopped. */
  readonly sleep: (ms: number) => Promise<void>
  /** Whether only a plan is wanted, which nothing is waited for. */
  readonly dryRun: 'yes' | 'no'
  /** The reading half of a store of the admin password. */
  readonly store: (name: string) => Promise<Pick<Store, 'name' | 'readable' | 'check' | 'read'>>
  /** Who is at work, on which machine, with which version of kimbia-ops. */
  readonly author: () => { readonly user: string; readonly machine: string; readonly version: string }
  /** How this very program is started again by the same user: its words and paths, absolute. */
  readonly self: () => {
    readonly words: readonly string[]
    readonly user: string
    readonly home: string
    readonly configHome: string
    readonly path: string
  }
  /** Asks a program of this machine for something, changing nothing. */
  readonly lookUp: (file: string, words: readonly string[]) => Promise<Ended>
  /** Where the result goes: only on a screen does a person see it, and nobody else. */
  readonly result: 'screen' | 'elsewhere'
  readonly clock: () => Date
  readonly signal: AbortSignal
  /** A note for the person, on standard error. */
  readonly say: (text: string) => void
  readonly progress: (text: string) => void
}

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

/** A command that changes something: it reads, and returns a plan; the runner carries it out. */
export interface Procedure<P extends Params = Params, C extends Columns = Columns> extends Declared {
  readonly kind: 'procedure'
  readonly risk: Risk
  /** It changes the host itself, and so takes its lock; without it, it changes the PDS or this machine. */
  readonly changes?: 'host'
  readonly input: P
  readonly output: C
  /** The one field whose JSON is the whole result, for answers passed on as they are. */
  readonly bare?: string
  plan(input: InputOf<P>, views: Views): Promise<Plan<RowOf<C>>>
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
export type Command = Query<any, any> | Procedure<any, any> | Printer<any> | Passthrough

/** Declares a command that reads. */
export const query = <P extends Params, C extends Columns>(
  parts: Omit<Query<P, C>, 'kind'>,
): Query<P, C> => ({ kind: 'query', ...parts })

/** Declares a command that changes something. */
export const procedure = <P extends Params, C extends Columns>(
  parts: Omit<Procedure<P, C>, 'kind'>,
): Procedure<P, C> => ({
  kind: 'procedure',
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
