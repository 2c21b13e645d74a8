const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The bytes of a base58 text (Bitcoin's alphabet); undefined when it holds another character. */
function fromBase58(text: string): readonly number[] | undefined {
  const bytes: number[] = []
  for (const char of text) {
    let carry = alphabet.indexOf(char)
    if (carry < 0) return undefined
    for (let i = 0; i < bytes.length; i++) {
      carry += (bytes[i] ?? 0) * 58
      bytes[i] = carry & 0xff
      carry >>= 8
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 0xff)
  }
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  return [...Array<number>(zeros).fill(0), ...bytes.reverse()]
}

/** A prefix of two bytes says which curve the public key is of (multicodec): secp256k1, or P-256. */
const curves = ['e7,1', '80,24']

const again = 'make a key pair, keep its private key offline, and set the public did:key'

/** What is wrong with a public did:key as PLC wants it, and what to do; undefined when nothing is. */
export function didKeyProblem(value: string): readonly [problem: string, remedy: string] | undefined {
  if (/^(0x)?[0-9a-f]{64}$/i.test(value))
    return [
      'this looks like a PRIVATE key; it would be sent to the PLC directory with every new account',
      'remove it now, and count that key as lost if any account was made since; then set the public did:key',
    ]
  if (value.startsWith('did:plc:') || value.startsWith('did:web:'))
    return ['this is the DID of an account, not a key; every signup fails', again]
  if (!value.startsWith('did:key:z')) return ['it is no did:key (did:key:z…); every signup fails', again]
  const bytes = fromBase58(value.slice('did:key:z'.length))
  if (bytes === undefined || value.length > 100)
    return ['the did:key is damaged: it is not base58; every signup fails', again]
  const codec = bytes
    .slice(0, 2)
    .map((byte) => byte.toString(16))
    .join(',')
  if (!curves.includes(codec))
    return [
      'the did:key is of a curve that PLC does not take (secp256k1 or P-256); every signup fails',
      again,
    ]
  const point = bytes.slice(2)
  if (point.length === 33 && (point[0] === 2 || point[0] === 3)) return undefined
  return ['the did:key is damaged: the key has the wrong length; every signup fails', again]
}
