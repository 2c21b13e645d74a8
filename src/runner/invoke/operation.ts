/** The id of one run that changes something: it sorts by time and can be read out, such as `20261122T180000Z-7f3a`. */
export function newOperationId(now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  return `${time}-${crypto.randomUUID().slice(0, 4)}`
}

/** The form of an operation id, whole or by its last four characters, in either case. */
export const operationPattern = /^(\d{8}T\d{6}Z-)?[0-9a-f]{4}$/i

/** Whether an id is the one that was typed, whole or by its last four characters. */
export const isOperation = (id: string | null, typed: string): boolean =>
  id !== null && operationPattern.test(typed) && id.toLowerCase().endsWith(typed.toLowerCase())
