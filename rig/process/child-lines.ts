import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

type Reply = { ok: unknown } | { error: string }

/** The Node that the rig's native modules were compiled for: the one in node_modules, where there is one. */
export function rigNode(): string {
  const bundled = fileURLToPath(
    new URL(`../../node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url),
  )
  return existsSync(bundled) ? bundled : process.execPath
}

/** A child process that answers one JSON line for each JSON line it is sent, and lives until its stdin closes. */
export class Talker {
  readonly child: ChildProcess
  readonly gone: Promise<void>
  #waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = []
  #stderr = ''

  constructor(script: URL, args: string[] = [], env: NodeJS.ProcessEnv = process.env) {
    const file = fileURLToPath(script)
    this.child = spawn(rigNode(), ['--disable-warning=ExperimentalWarning', file, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...env, NODE_OPTIONS: '' },
    })
    const { stdin, stdout, stderr } = this.child
    this.gone = new Promise((resolve) => this.child.once('close', () => resolve()))
    this.child.once('error', (error) => this.#fail(error))
    this.child.once('close', (code, signal) =>
      this.#fail(new Error(`rig: ${basename(file)} ended (${signal ?? code}) ${this.#stderr.trim()}`.trim())),
    )
    stdin?.on('error', () => {})
    stderr?.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-4000)
    })
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#reply(line))
    this.#hold(false)
  }

  /** Sends one request; the answers come in the order of the requests. */
  ask(request: unknown): Promise<unknown> {
    this.#hold(true)
    return new Promise((resolve, reject) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        reject(new Error(`rig: the process has ended ${this.#stderr.trim()}`.trim()))
        return
      }
      this.#waiting.push({ resolve, reject })
      this.child.stdin?.write(`${JSON.stringify(request)}\n`)
    })
  }

  /** Closes the child's stdin, which asks it to end, and waits until it is gone. */
  async close(): Promise<void> {
    this.#hold(true)
    this.child.stdin?.end()
    if (this.child.exitCode === null && this.child.signalCode === null) await this.gone
  }

  /** Ends the child without asking. */
  async kill(): Promise<void> {
    this.#hold(true)
    if (this.child.kill('SIGKILL')) await this.gone
  }

  /** The end of what it wrote to stderr. */
  said(): string {
    return this.#stderr.trim()
  }

  #reply(line: string): void {
    // A library of the child may print a word of its own.
    if (!/^{"(ok|error)":/.test(line)) return
    const reply = JSON.parse(line) as Reply
    const waiting = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#hold(false)
    if ('error' in reply) waiting?.reject(new Error(reply.error))
    else waiting?.resolve(reply.ok)
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  /** An idle child must not keep its parent's event loop alive; one that owes an answer must. */
  #hold(on: boolean): void {
    const verb = on ? 'ref' : 'unref'
    this.child[verb]()
    for (const stream of [this.child.stdin, this.child.stdout, this.child.stderr]) {
      const socket = stream as unknown as { ref?: () => void; unref?: () => void } | null
      socket?.[verb]?.()
    }
  }
}

/** The other end of a Talker: answers each line of stdin in turn and returns when stdin closes. */
export async function serve(answer: (request: never) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const reply: Reply = await answer(JSON.parse(line) as never).then(
      (ok) => ({ ok: ok ?? null }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  }
}
