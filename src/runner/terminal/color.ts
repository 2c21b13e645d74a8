import picocolors from 'picocolors'

/** The colours of one output stream; all of them the identity where it takes none. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

const paints: Readonly<Record<'on' | 'off', Paint>> = {
  on: picocolors.createColors(true),
  off: picocolors.createColors(false),
}

/** The colours of a stream that takes them, or does not. */
export const paintOf = ({ color }: { readonly color: boolean }): Paint => paints[color ? 'on' : 'off']

const states: Readonly<Record<string, keyof Paint>> = {
  active: 'green',
  ok: 'green',
  done: 'green',
  deactivated: 'yellow',
  suspended: 'yellow',
  warn: 'yellow',
  takendown: 'red',
  fail: 'red',
  failed: 'red',
  refused: 'red',
  skip: 'dim',
  unchanged: 'dim',
}

/** A state in its colour; any other text as it is. */
export const paintState = (paint: Paint, state: string, text: string): string => {
  const color = Object.hasOwn(states, state) ? states[state] : undefined
  return color === undefined ? text : paint[color](text)
}
