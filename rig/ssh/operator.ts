import { execFile, spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** How the operator of the rig becomes root: without being asked, with a password, or not at all. */
export type Sudo = 'nopasswd' | 'password' | 'none'

/** The unix user who logs in to the rig. */
export interface Operator {
  name: string
  uid: number
  gid: number
  sudoPassword?: string
  remove(): Promise<void>
}

/** As root: a throw-away system user with the sudo rights asked for. As anyone else: that user, as they are. */
export async function addOperator(name: string, home: string, bin: string, sudo: Sudo): Promise<Operator> {
  if (process.getuid?.() !== 0) {
    const { username, uid, gid } = userInfo()
    return { name: username, uid, gid, remove: async () => {} }
  }

  // '*' is no password that could match, and unlike '!' it is not a locked account to sshd.
  const account = [
    '-r',
    '-U',
    '-M',
    '-l',
    '-d',
    home,
    '-s',
    '/bin/sh',
    '-p',
    '*',
    '-c',
    'kimbia-ops rig',
    name,
  ]
  const sudoers = `/etc/sudoers.d/${name}`
  await patiently('useradd', account)
  const [uid, gid] = ids(name)
  const operator: Operator = { name, uid, gid, remove: () => removeOperator(name, uid, sudoers) }
  try {
    if (sudo !== 'none') {
      const path = `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`
      const rule = `${name} ALL=(ALL:ALL) ${sudo === 'nopasswd' ? 'NOPASSWD: ' : ''}ALL`
      writeFileSync(sudoers, `Defaults:${name} secure_path="${path}"\n${rule}\n`, { mode: 0o440 })
    }
    if (sudo === 'password') {
      operator.sudoPassword = `pw-${name}`
      await feed('chpasswd', [], `${name}:${operator.sudoPassword}\n`)
    }
  } catch (error) {
    await operator.remove()
    throw error
  }
  return operator
}

function ids(name: string): [number, number] {
  const passwd = readFileSync('/etc/passwd', 'utf8')
  const entry = passwd.split('\n').find((line) => line.startsWith(`${name}:`))
  if (!entry) throw new Error(`rig: useradd made no entry for ${name}`)
  const [, , uid, gid] = entry.split(':').map(Number)
  return [uid ?? -1, gid ?? -1]
}

async function removeOperator(name: string, uid: number, sudoers: string): Promise<void> {
  rmSync(sudoers, { force: true })
  for (const key of [name, String(uid)]) {
    rmSync(`/run/sudo/ts/${key}`, { force: true })
    rmSync(`/var/lib/sudo/lectured/${key}`, { force: true })
  }
  await patiently('userdel', [name])
}

/** Two rigs at once meet on the lock of /etc/passwd; useradd and userdel give up on it rather than wait long. */
async function patiently(command: string, args: string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run(command, args)
      return
    } catch (error) {
      const { code, stderr } = error as { code?: number | string; stderr?: string }
      if (attempt === 20 || ![1, 8, 10].includes(Number(code))) {
        throw new Error(`${command} failed (${code}): ${(stderr ?? '').trim()}`)
      }
      await sleep(50 + Math.random() * 100)
    }
  }
}

function feed(command: string, args: string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} failed: ${stderr}`)),
    )
    child.stdin.end(input)
  })
}
