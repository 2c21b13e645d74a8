import { connect } from 'node:net'

/** A public key that an ssh-agent holds, in wire format. */
export interface AgentKey {
  readonly blob: Buffer
  readonly comment: string
}

// draft-ietf-sshm-ssh-agent, section 6.1.
const request = { identities: 11, sign: 13 } as const
const answer = { identities: 12, signature: 14 } as const

/** The keys of an agent; it must answer within two seconds, for no person is asked here. */
export async function listAgentKeys(socket: string): Promise<AgentKey[]> {
  const body = await exchange(socket, Buffer.of(request.identities), 2000)
  const reader = new WireReader(body)
  if (reader.byte() !== answer.identities) throw new Error('the agent does not list its keys')
  return Array.from({ length: reader.uint32() }, () => ({
    blob: reader.string(),
    comment: reader.string().toString('utf8'),
  }))
}

/** A signature by a key of the agent, without its leading algorithm name; it may take a person's consent. */
export async function signByAgent(
  socket: string,
  blob: Buffer,
  data: Buffer,
  hash: string | undefined,
): Promise<Buffer> {
  const flags = Buffer.alloc(4)
  flags.writeUInt32BE(hash === 'sha256' ? 2 : hash === 'sha512' ? 4 : 0)
  const payload = Buffer.concat([Buffer.of(request.sign), field(blob), field(data), flags])
  const reader = new WireReader(await exchange(socket, payload, 0))
  if (reader.byte() !== answer.signature) throw new Error('the agent refused to sign')
  const signature = new WireReader(reader.string())
  signature.string()
  return signature.string()
}

/** Reads the fields of an SSH message one after another (RFC 4251, section 5). */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++)
  }

  uint32(): number {
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  string(): Buffer {
    const length = this.uint32()
    if (this.#at + length > this.#bytes.length)
      throw new RangeError('an SSH message ends in the middle of a field')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** One request and its answer over a connection of their own; `timeout` in ms, 0 for none. */
function exchange(socket: string, payload: Buffer, timeout: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = connect(socket)
    let received = Buffer.alloc(0)
    const fail = (error: Error) => {
      stream.destroy()
      reject(error)
    }
    stream.setTimeout(timeout, () => fail(new Error('the agent does not answer')))
    stream.on('error', fail)
    stream.on('close', () => reject(new Error('the agent hung up')))
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readUInt32BE(0)) return
      resolve(received.subarray(4, 4 + received.readUInt32BE(0)))
      stream.destroy()
    })
    stream.write(field(payload))
  })
}
