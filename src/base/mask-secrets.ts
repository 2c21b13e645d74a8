/** What stands in place of a secret. */
const hidden = '‹secret›'

/** Fields whose text is a secret. Not `authorization`: the PDS itself leaves “Basic admin:***” of it, worth reading. */
const secretName =
  /(?:passw(?:or)?d|(?<![a-z])pass(?:phrase)?|secret|private[_-]?key(?:_hex)?|bypass(?:_key)?|api[_-]?key|jwt|token|assertion|verifier|cookie)$/i

/** The end of a name in a text and its value: quoted, also where the text was cut off, or up to the next blank or separator. */
const named =
  /((?:passw(?:or)?d|secret|private[_-]?key(?:_hex)?|bypass(?:_key)?|api[_-]?key|jwt|assertion|verifier|(?<![a-z])(?:pass(?:phrase)?|token))(?:\\?["'])?\s*[:=]\s*)(?:(\\?["'])[^"'\\]*(?:\\.[^"'\\]*)*?(?=\2|$)|[^\s"'\\,;&{}[\]]+)/gi

/** Cookies in a text, which hold blanks: all that follows. */
const cookies = /((?:set-)?cookie\s*[:=]\s*)[^\r\n]+/gi

/** A token behind the name of its scheme, told from prose by a digit, a capital or a `=`. */
const schemes = /\b([Bb]earer|[Bb]asic|DPoP|dpop)\s+(?=[\w.~+/-]*[\dA-Z=])[\w.~+/-]{8,}=*(?![\w:*])/g

/** A JSON Web Token, whole or cut. */
const webTokens = /\beyJ[\w-]{6,1024}\.[\w-]+(?:\.[\w-]*)?/g

/** The password in a URL, such as that of the mail server, a slash in it too; a port with a path behind it is none. */
const inUrls =
  /((?:smtps?:\/\/|:\/\/(?![^\s:/@"\\]{0,256}:\d{1,5}[/?#]))[^\s:/@"\\]{0,256}:)[^\s"\\]{1,512}(?=@)/g

/** Nearly no text has anything that looks like a secret, and this is told much faster. */
const suspicious =
  /eyJ|:\/\/[^\s"]{1,768}@|bearer|basic|dpop|pass|secret|key|jwt|token|cookie|assertion|verifier|bypass/i

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

/** The same for several lines, each for itself. */
export const maskLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => maskText(line))
    .join('\n')

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
