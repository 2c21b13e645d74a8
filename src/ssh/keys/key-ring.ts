import type { IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2'
import ssh2 from 'ssh2'
import { Failure, unreachable } from '../../base/failure.ts'
import type { Secret } from '../../base/secret.ts'
import { quote } from '../../base/shell-words.ts'
import type { Target } from '../target/target.ts'
import { listAgentKeys, signByAgent } from './agent-client.ts'
import { keyType } from './known-hosts.ts'
import { type KeyFile, type KeyProblem, readKeyFile } from './private-key.ts'

/** Asks the operator for the passphrase of a key file. */
export type AskPassphrase = (file: string) => Promise<Secret>

/** One key to offer: its public half, and how it signs. */
interface Candidate {
  readonly label: string
  readonly key: ParsedKey
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>
}

/**
 * Every key that may open a target, as one agent of ssh2's. It signs only after the server
 * has taken the public half, so a passphrase is asked for only when it will open the door.
 */
export class KeyRing extends ssh2.BaseAgent {
  readonly #candidates: readonly Candidate[]
  readonly #problems: KeyProblem[]
  /** Why the operator gave no passphrase, which ends the matter. */
  #declined: Failure | undefined

  constructor(candidates: readonly Candidate[], problems: KeyProblem[]) {
    super()
    this.#candidates = candidates
    this.#problems = problems
  }

  override getIdentities(done: IdentityCallback): void {
    done(
      undefined,
      this.#candidates.map(({ key }) => key),
    )
  }

  override sign(
    key: ParsedKey | Buffer | string,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const answer = typeof options === 'function' ? options : done
    const hash = typeof options === 'function' ? undefined : options.hash
    const candidate = this.#candidates.find((one) => one.key === key)
    const signing =
      candidate && !this.#declined
        ? candidate.sign(data, hash)
        : Promise.reject(new Error('this key is not to be used'))
    signing.then(
      (signature) => answer?.(undefined, signature),
      (error: unknown) => {
        if (error instanceof KeyTrouble) this.#problems.push(error.problem)
        else if (error instanceof Failure) this.#declined = error
        answer?.(error instanceof Error ? error : new Error(String(error)))
      },
    )
  }

  /** Why nobody was let in: what an operator can mend first, then all that was tried. */
  refusal(where: string, detail: string): Failure {
    if (this.#declined) return this.#declined
    const tried = this.#candidates.map(({ label }) => label)
    const worst = mendable
      .map((code) => this.#problems.find((problem) => problem.code === code))
      .find(Boolean)
    const alone = this.#candidates.length === 0 ? this.#problems[0] : undefined
    const problem = worst ?? alone
    if (problem) return unreachable(problem.code, `${where}: ${problem.message}`, problem.hint)
    const also = this.#problems.map(({ message }) => `; ${message}`).join('')
    return unreachable(
      'auth-refused',
      `${where} refused every key: ${tried.length === 0 ? 'there was none to try' : `tried ${tried.join(', ')}`}${also}${detail}`,
      'name the right key (“identity:” in the config, or init --identity), or let it in by ~/.ssh/authorized_keys of that user on the host; for a certificate, a FIDO key or GSSAPI set “transport: openssh” in the config',
    )
  }
}

/** These name their own remedy, even when other keys were refused as well. */
const mendable: readonly KeyProblem['code'][] = [
  'key-passphrase',
  'key-encrypted',
  'agent-refused',
  'key-permissions',
]

/** Gathers the keys in the order of OpenSSH: the agent's that are configured, the agent's others, then files. */
export async function gatherKeys(target: Target, askPassphrase: AskPassphrase | undefined): Promise<KeyRing> {
  const problems: KeyProblem[] = []
  const [held, files] = await Promise.all([agentKeys(target, problems), keyFiles(target)])
  const named = (blob: Buffer) => files.some((file) => file.publicKey?.equals(blob))
  const fromAgent = held
    .filter(({ blob }) => target.identitiesOnly === 'no' || named(blob))
    .sort((a, b) => Number(named(b.blob)) - Number(named(a.blob)))
  const heldByAgent = (file: KeyFile) => fromAgent.some(({ blob }) => file.publicKey?.equals(blob))
  const fromFiles = files.filter((file) => !heldByAgent(file))
  problems.push(...fromFiles.flatMap((file) => file.problem ?? []))
  const candidates = [
    ...fromAgent.map(({ candidate }) => candidate),
    ...(await Promise.all(fromFiles.map((file) => fromFile(file, askPassphrase, problems)))),
  ]
  return new KeyRing(
    candidates.filter((candidate) => candidate !== undefined),
    problems,
  )
}

const keyFiles = async (target: Target) =>
  (await Promise.all(target.identities.map(readKeyFile))).filter((file) => file !== undefined)

async function agentKeys({ agent }: Target, problems: KeyProblem[]) {
  if (agent === undefined) return []
  // An agent that is not there is no fault of its own: OpenSSH goes on to the files as well.
  const keys = await listAgentKeys(agent).catch(() => [])
  return keys.flatMap(({ blob, comment }) => {
    const label = `${comment || keyType(blob)} (agent)`
    const key = ssh2.utils.parseKey(blob)
    if (key instanceof Error) {
      problems.push({
        code: 'key-unsupported',
        message: `${label} is a ${keyType(blob)} key, which only the system’s ssh can use`,
        hint: openSshHint,
      })
      return []
    }
    const sign = (data: Buffer, hash: string | undefined) =>
      signByAgent(agent, blob, data, hash).catch((error: Error) => {
        throw new KeyTrouble({
          code: 'agent-refused',
          message: `${label}: ${error.message}`,
          hint: 'ssh-add -l',
        })
      })
    return [{ blob, candidate: { label, key, sign } satisfies Candidate }]
  })
}

async function fromFile(
  keyFile: KeyFile,
  askPassphrase: AskPassphrase | undefined,
  problems: KeyProblem[],
): Promise<Candidate | undefined> {
  if (keyFile.problem !== undefined || keyFile.text === undefined) return undefined
  try {
    // An old PEM key shows its public half only when it is unlocked.
    const unlocked = keyFile.publicKey === undefined ? await unlock(keyFile, askPassphrase) : undefined
    const key = unlocked ?? parsed(keyFile.publicKey ?? Buffer.alloc(0), keyFile.file)
    const sign = async (data: Buffer, hash: string | undefined) =>
      (unlocked ?? (await unlock(keyFile, askPassphrase))).sign(data, hash)
    return { label: keyFile.file, key, sign }
  } catch (error) {
    if (!(error instanceof KeyTrouble)) throw error
    problems.push(error.problem)
    return undefined
  }
}

/** The private key of a file, for which the passphrase is asked when it has one. */
async function unlock(keyFile: KeyFile, askPassphrase: AskPassphrase | undefined): Promise<ParsedKey> {
  const { file, text = '', encrypted } = keyFile
  if (encrypted === 'no') return parsed(text, file)
  if (askPassphrase === undefined) throw new KeyTrouble(locked(file))
  const passphrase = await askPassphrase(file)
  const key = ssh2.utils.parseKey(text, passphrase.reveal())
  if (!(key instanceof Error)) return key
  throw new KeyTrouble({
    code: 'key-passphrase',
    message: `the passphrase given does not open ${file}`,
    hint: `try again, or test it with: ssh-keygen -y -f ${quote(file)}`,
  })
}

function parsed(data: string | Buffer, file: string): ParsedKey {
  const key = ssh2.utils.parseKey(data)
  if (!(key instanceof Error)) return key
  throw new KeyTrouble({
    code: 'key-invalid',
    message: `${file} cannot be used: ${key.message}`,
    hint: `see what OpenSSH says of it: ssh-keygen -y -f ${quote(file)}`,
  })
}

const locked = (file: string): KeyProblem => ({
  code: 'key-encrypted',
  message: `${file} has a passphrase, and there is no terminal to ask for it`,
  hint: `load it into an agent first: ssh-add ${quote(file)}`,
})

const openSshHint = 'set “transport: openssh” for this host in the config'

class KeyTrouble extends Error {
  readonly problem: KeyProblem

  constructor(problem: KeyProblem) {
    super(problem.message)
    this.problem = problem
  }
}
