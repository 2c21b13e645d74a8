/** What a variable stands for, or undefined when it is not set. */
export type Lookup = (name: string) => string | undefined

/** A `$` expression that compose refuses; it does not start a service with one. */
export class BadExpression extends Error {}

const name = '[_a-z][_a-z0-9]*'
const expression = new RegExp(`\\$(?:(\\$)|(${name})|\\{(?:(${name})(?:(:?[-+?])([^\\n]*))?\\}|))`, 'giu')

/**
 * Replaces `$NAME`, `${NAME}`, `${NAME:-default}`, `-`, `:+`, `+`, `:?` and `?` as compose does; `$$` is a dollar sign.
 * A lone `$` stays; what is not set is empty.
 */
export function interpolate(text: string, lookup: Lookup): string {
  return text.replace(expression, (whole: string) => {
    const end = closingBrace(whole)
    const [head, rest] = end < 0 ? [whole, ''] : [whole.slice(0, end + 1), whole.slice(end + 1)]
    const value = replaceOne(head, lookup)
    return rest === '' ? value : value + interpolate(rest, lookup)
  })
}

function replaceOne(text: string, lookup: Lookup): string {
  const [, dollar, plain, braced, operator, word = ''] = new RegExp(expression.source, 'iu').exec(text) ?? []
  if (dollar) return dollar
  if (plain) return lookup(plain) ?? ''
  if (!braced) throw new BadExpression('a “${” that opens no variable')
  const value = lookup(braced)
  const found = operator?.startsWith(':') ? Boolean(value) : value !== undefined
  const alternative = operator ? interpolate(word, lookup) : ''
  switch (operator?.at(-1)) {
    case '-':
      return found ? (value ?? '') : alternative
    case '+':
      return found ? alternative : (value ?? '')
    case '?':
      if (!found) throw new BadExpression(`${braced}, which must be set, is not`)
      return value ?? ''
    default:
      return value ?? ''
  }
}

/** The brace that closes the first one; like compose, it does not look at the character after an opening brace. */
function closingBrace(text: string): number {
  let open = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '}' && --open === 0) return i
    if (text[i] === '{') {
      open++
      i++
    }
  }
  return -1
}
