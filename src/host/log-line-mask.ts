/** What stands in place of a secret. */
const hidden = '‹secret›'

/** Fields whose text is a secret. Not `authorization`: the PDS itself leaves “Basic admin:***” of it, worth reading. */
const secretName =
  /(?:password|passwd|secret|private_?key(?:_hex)?|bypass(?:_key)?|api_?key|jwt|token|assertion|verifier|cookie)$/i

/** A name in a text and its value: quoted, or up to the next blank or separator. */
const named =
  /((?:[\w.-]*(?:password|passwd|secret|private_?key(?:_hex)?|bypass(?:_key)?|api_?key|jwt|assertion|verifier)|(?<![a-z])(?:[a-z]+_)?token)(?:\\?["'])?\s*[:=]\s*)(?:(\\?["'])[^"'\\]*(?:\\.[^"'\\]*)*?(?=\2)|[^\s"'\\,;&{}[\]]+)/gi

/** Cookies in a text, which hold blanks: all that follows. */
const cookies = /((?:set-)?cookie\s*[:=]\s*)[^\r\n]+/gi

/** A token behind the name of its scheme, told from prose by a digit, a capital or a `=`. */
const schemes = /\b([Bb]earer|[Bb]asic|DPoP|dpop)\s+(?=[\w.~+/-]*[\dA-Z=])[\w.~+/-]{8,}=*(?![\w:*])/g

/** A JSON Web Token, whole or cut. */
const webTokens = /\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?/g

/** The password in a URL, such as that of the mail server. */
const inUrls = /(:\/\/[^\s:/@"\\]*:)[^\s/@"\\]+(?=@)/g

/** Nearly no text has anything that looks like a secret, and this is told much faster. */
const suspicious =
  /eyJ|:\/\/[^\s/]*@|bearer|basic|dpop|passw|secret|key|jwt|token|cookie|assertion|verifier|bypass/i

/** A text without what looks like a secret, and without these very values. */
export function maskText(text: string, known: readonly string[] = []): string {
  const rest = known.reduce((all, secret) => all.replaceAll(secret, hidden), text)
  if (!suspicious.test(rest)) return rest
  if (/^\s*[{[]/.test(rest)) {
    const value = parsed(rest)
    if (value !== undefined) return JSON.stringify(maskJson(value, known))
  }
  return rest
    .replace(webTokens, hidden)
    .replace(schemes, (_, scheme: string) => `${scheme} ${hidden}`)
    .replace(inUrls, (_, before: string) => `${before}${hidden}`)
    .replace(cookies, (_, name: string) => `${name}${hidden}`)
    .replace(named, (_, name: string, quote = '') => `${name}${quote}${hidden}`)
}

/** The same for all that a JSON value holds; what stands under the name of a secret goes whole. */
export function maskJson(value: unknown, known: readonly string[] = []): unknown {
  if (typeof value === 'string') return maskText(value, known)
  if (Array.isArray(value)) return value.map((element) => maskJson(element, known))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      secretName.test(key) ? withoutText(field) : maskJson(field, known),
    ]),
  )
}

const withoutText = (value: unknown): unknown => {
  if (typeof value === 'string') return value === '' ? '' : hidden
  return typeof value === 'object' && value !== null ? hidden : value
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
