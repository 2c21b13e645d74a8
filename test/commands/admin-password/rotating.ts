import { Secret } from '../../../src/base/secret.ts'
import type { HostConfig } from '../../../src/config/host-config.ts'
import type { HostStep } from '../../../src/host/change/step.ts'
import { recordAnswer } from '../../support/rotated.ts'
import type { ChangesScript } from '../../support/scripted-changes.ts'
import type { ScriptedHost } from '../../support/scripted-host.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { type ScriptedStore, type StoreScript, scriptedStore } from '../../support/scripted-store.ts'
import { type ScriptedWorld, scriptedWorld, type WorldScript } from '../../support/world.ts'
import { composed, pdsEnv } from '../env/composed.ts'

/** Where the copy is kept in these tests. */
export const storeName = 'op://Infra/pds/admin'

/** A host, its PDS and its store, as they stand between runs. */
export interface Rotating {
  text: string
  former: string
  record: string
  /** Lines of the trail as they are read. */
  trail: string
  readonly pds: ScriptedPds
  readonly store: ScriptedStore
  /** A run at this time. */
  world(now?: string, script?: RotatingScript): ScriptedWorld
}

/** What may be otherwise in one run. */
export type RotatingScript = Omit<WorldScript, 'host' | 'pds' | 'store' | 'hostChanges'> & {
  readonly config?: never
  readonly password?: HostConfig['adminPassword'] | 'not configured'
  readonly changes?: ChangesScript
  /** What the container was made with. */
  readonly container?: readonly string[]
}

/** The admin password that a pds.env sets. */
export const passwordIn = (text: string): string => /^PDS_ADMIN_PASSWORD=(.*)$/m.exec(text)?.[1] ?? ''

const envOf = (text: string): string[] => text.split('\n').filter((line) => /^[A-Z]/.test(line))

/** Makes a host that was installed, and whose password nobody has rotated yet. */
export function rotating(store: StoreScript = { current: 'admin-password' }): Rotating {
  const it: Rotating = {
    text: pdsEnv,
    former: '',
    record: '',
    trail: '',
    pds: scriptedPds(),
    store: scriptedStore(store),
    world(now = '2026-11-22T18:00:00.000Z', { password, changes, container, ...script } = {}) {
      const { pds, store } = it
      const host = hostOf(
        it,
        password,
        container ?? [...envOf(it.text), 'NODE_ENV=production', 'LOG_ENABLED=true'],
      )
      const hostChanges = { facts: { outageMs: 2100 }, ...changes, ...follow(it) }
      return scriptedWorld({ ...script, now, host, pds, store, hostChanges })
    },
  }
  return it
}

function hostOf(it: Rotating, password: RotatingScript['password'], env: readonly string[]): ScriptedHost {
  const usual = { rotateEvery: undefined, store: storeName }
  const adminPassword = password === 'not configured' ? undefined : (password ?? usual)
  const host = composed({ text: it.text, env, config: { adminPassword } })
    .on('# read the record', () => recordAnswer(it.record))
    .on('cat -- /pds/pds.env', () => it.text)
    .on('# read what pds.env held before', () => it.former)
    .on('# read the trail', () => it.trail || 'none\n')
  const settings = async () => ({
    ...(await host.settings()),
    text: new Secret(it.text),
    adminPassword: new Secret(passwordIn(it.text)),
  })
  return { ...host, settings }
}

/** What the steps of the host come to, and their undo. */
function follow(it: Rotating): Pick<ChangesScript, 'carried' | 'undone'> {
  const recreate = () => {
    it.pds.adminPassword = passwordIn(it.text)
  }
  const put = (line: string): string => (/\{.*\}\n/.exec(line)?.[0] ?? '').replaceAll(`'\\''`, "'")
  const isRecord = (step: HostStep) => step.kind === 'shell' && step.run.line.includes('# write the record')
  return {
    carried(step) {
      if (step.kind === 'write') [it.former, it.text] = [it.text, step.content.reveal()]
      else if (step.kind === 'shell' && step.interrupts) recreate()
      else if (step.kind === 'shell' && isRecord(step)) it.record = put(step.run.line)
    },
    undone(step) {
      if (step.kind === 'write') it.text = step.was.reveal()
      else if (step.kind === 'shell' && step.why.startsWith('Note the running')) recreate()
      else if (step.kind === 'shell' && isRecord(step)) {
        const [undo] = step.undo ?? []
        it.record = undo?.kind === 'shell' ? put(undo.run.line) : ''
      }
    },
  }
}
