import type { ScriptedHost } from './scripted-host.ts'

/** What the host has written down of the last rotation of the admin password: so long ago that it is not due yet. */
export const rotatedAt = '2026-11-01T12:00:00.000Z'

const record = {
  rotatedAt,
  by: 'ana@laptop',
  command: 'admin-password rotate',
  version: '1.2.3',
  store: 'op://Infra/pds/admin',
  id: 'r1',
}

/** What a host answers that is asked for the record: its text, or that there is none. */
export const recordAnswer = (text: string): string => (text === '' ? 'none\n' : `record\n${text}`)

/** The host with such a record, and nothing in its trail. */
export const rotated = (host: ScriptedHost): ScriptedHost =>
  host.on('# read the record', recordAnswer(JSON.stringify(record))).on('# read the trail', 'none\n')
