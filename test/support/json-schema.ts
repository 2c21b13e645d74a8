/** JSON Schema, as far as `schema` uses it. */
export interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly description?: string
}

const understood = new Set([
  ...['type', 'properties', 'required', 'items', 'anyOf', 'enum', 'pattern', 'format', 'minimum', 'maximum'],
  'description',
])

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

const formats: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  hostname: /^[a-z0-9-]+(\.[a-z0-9-]+)+$/,
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
}

/** What of a value is not as the schema says, a sentence each. A field that the schema does not name is one of them. */
export function violations(schema: Schema, value: unknown, at = 'it'): string[] {
  const foreign = Object.keys(schema).filter((key) => !understood.has(key))
  if (foreign.length > 0) return [`${at}: this check does not know ${foreign.join(', ')}`]
  const { type, anyOf, enum: words, pattern, format, minimum, maximum, items } = schema
  if (anyOf) {
    const tried = anyOf.map((one) => violations(one, value, at))
    return tried.some((found) => found.length === 0) ? [] : [`${at}: ${tried.flat().join(' and ')}`]
  }
  const actual = typeOf(value)
  if (type !== undefined && type !== actual && !(type === 'number' && actual === 'integer'))
    return [`${at} is ${actual}, not ${type}`]
  const found: string[] = []
  if (words && !words.includes(value)) found.push(`${at} is not one of ${words.join(', ')}`)
  if (typeof value === 'string') {
    if (pattern && !new RegExp(pattern, 'u').test(value)) found.push(`${at} does not match ${pattern}`)
    const form = format === undefined ? /^/ : formats[format]
    if (!form?.test(value)) found.push(`${at} is not a ${format}`)
  }
  if (typeof value === 'number') {
    if (minimum !== undefined && value < minimum) found.push(`${at} is less than ${minimum}`)
    if (maximum !== undefined && value > maximum) found.push(`${at} is more than ${maximum}`)
  }
  if (items && Array.isArray(value))
    found.push(...value.flatMap((element, index) => violations(items, element, `${at}[${index}]`)))
  if (schema.properties && actual === 'object') found.push(...ofObject(schema, value as object, at))
  return found
}

function ofObject({ properties = {}, required = [] }: Schema, value: object, at: string): string[] {
  const lacking = required.filter((key) => !(key in value)).map((key) => `${at}.${key} is missing`)
  const fields = Object.entries(value).flatMap(([key, field]) => {
    const schema = properties[key]
    return schema ? violations(schema, field, `${at}.${key}`) : [`${at}.${key} is not declared`]
  })
  return [...lacking, ...fields]
}
