import { Failure } from '../base/failure.ts'
import { publicName } from '../health/public-name.ts'
import { ageProblems, readPasswordAge } from '../host/admin-password/age.ts'
import { versionOf } from '../pds/xrpc/health-answer.ts'
import { column, table } from '../runner/command/columns.ts'
import { query } from '../runner/command/command.ts'
import { choice, count, optional, text, yesNo } from '../runner/command/types.ts'
import type { Views } from '../runner/command/views.ts'

type Status = 'ok' | 'warn' | 'fail' | 'skip'
type Finding = readonly [Status, string]

interface Check {
  readonly name: string
  readonly status: Status
  readonly summary: string
  readonly ms: number
}

const status = choice('status', ['ok', 'warn', 'fail', 'skip'])

async function timed(name: string, clock: () => Date, look: () => Promise<Finding>): Promise<Check> {
  const began = clock().getTime()
  const [status, summary] = await look().catch((cause): Finding => {
    if (cause instanceof Failure && cause.outcome === 'interrupted') throw cause
    return [
      'fail',
      cause instanceof Failure && cause.hint ? `${cause.message} (${cause.hint})` : (cause as Error).message,
    ]
  })
  return { name, status, summary, ms: clock().getTime() - began }
}

/** What fetch has to say of a failure is in its cause. */
function reasonOf({ message, cause }: Error): string {
  const { code, message: why } = (cause ?? {}) as { code?: string; message?: string }
  return code ?? (why || message)
}

/** The public address of a PDS, by the rule of the PDS itself: plain HTTP only for localhost. */
export const publicUrl = (hostname: string, port: number): string =>
  hostname === 'localhost' ? `http://localhost:${port}` : `https://${hostname}`

async function outside(views: Views): Promise<Finding> {
  const { host, fetchPublic } = views
  const known = await host.settings().catch(() => undefined)
  const hostname = known ? await nameOrReason(views) : (await host.config()).hostname
  if (hostname === undefined) return ['skip', 'the public name is not known']
  if (typeof hostname !== 'string') return ['skip', `${hostname.message} (${hostname.hint})`]
  const url = `${publicUrl(hostname, known?.port ?? 3000)}/xrpc/_health`
  const { status, text } = await fetchPublic(url).catch((cause) => {
    throw cause instanceof Failure ? cause : new Error(`${url} cannot be reached: ${reasonOf(cause)}`)
  })
  const no: Finding = ['fail', `${url} answers ${status}, not the health of a PDS`]
  if (status !== 200) return no
  try {
    return ['ok', `${url} answers ${versionOf({ status, contentType: '', body: Buffer.from(text) })}`]
  } catch (cause) {
    if (cause instanceof Failure) return no
    throw cause
  }
}

async function nameOrReason(views: Views): Promise<string | Failure> {
  try {
    return await publicName(views)
  } catch (cause) {
    if (cause instanceof Failure && cause.code === 'public-name-unknown') return cause
    throw cause
  }
}

async function inside({ pds }: Views): Promise<Finding> {
  return ['ok', versionOf(await pds.get('_health', {}, { as: 'nobody' }))]
}

async function described({ pds }: Views): Promise<Finding> {
  const { did, availableUserDomains, inviteCodeRequired } = await pds.query(
    'com.atproto.server.describeServer',
    {},
    { as: 'nobody' },
  )
  const door = inviteCodeRequired === true ? 'invite code required' : 'signups open'
  return ['ok', `${did}, ${availableUserDomains.join(' ')}, ${door}`]
}

async function admin({ pds }: Views): Promise<Finding> {
  await pds.query('com.atproto.admin.getInviteCodes', { limit: 1 })
  return ['ok', 'accepted']
}

/** That it is due is no failure of the service, and is told all the same. */
async function password(views: Views): Promise<Finding> {
  const age = await readPasswordAge(views)
  const problems = [...(age.cutOff ? ['a rotation was cut off'] : []), ...ageProblems(age)]
  const next = age.cutOff ? 'recover' : 'admin-password rotate'
  if (problems.length > 0) return ['warn', `${problems.join('; ')} (kimbia-ops ${next})`]
  return ['ok', `rotated ${age.record?.rotatedAt.slice(0, 10)}, due ${age.dueAt?.slice(0, 10)}`]
}

/** All checks side by side; those behind SSH are skipped when SSH itself fails. */
export default query({
  name: 'health',
  summary: 'Check the host and the PDS, through SSH and from outside',
  about:
    'Exit code 0 when no check fails, 3 when one does, 5 when the host cannot be reached by SSH. The result is printed in every case.',
  examples: [
    'kimbia-ops health',
    'kimbia-ops health --json | jq -e .ok',
    'kimbia-ops health --quiet && echo fine',
  ],
  input: {},
  output: {
    ok: column(yesNo, 'whether no check failed'),
    host: column(text, 'name of the host in the config'),
    version: column(optional(text), 'version of the PDS package'),
    checks: table(
      {
        name: column(text, 'what was checked'),
        status: column(status, 'ok, warn, fail or skip'),
        summary: column(text, 'what was found'),
        ms: column(count, 'how long it took, in milliseconds'),
      },
      'the checks',
    ),
  },
  result: 'one',
  async read(_input, views) {
    const { clock, host } = views
    const ssh = timed('ssh', clock, async () => {
      const { elevation } = await host.settings()
      return [
        'ok',
        `${await host.where()}, pds.env read ${elevation === 'direct' ? 'directly' : `by ${elevation}`}`,
      ]
    })
    const behind = async (name: string, look: (views: Views) => Promise<Finding>): Promise<Check> => {
      const looking = timed(name, clock, () => look(views))
      looking.catch(() => {})
      return (await ssh).status === 'fail'
        ? { name, status: 'skip', summary: 'needs SSH and pds.env', ms: 0 }
        : await looking
    }
    const checks = await Promise.all([
      ssh,
      behind('pds', inside),
      behind('describe', described),
      behind('admin', admin),
      timed('public', clock, () => outside(views)),
      behind('password', password),
    ])
    const version = checks[1].status === 'ok' ? checks[1].summary : null
    return {
      ok: !checks.some(({ status }) => status === 'fail'),
      host: (await host.config()).name,
      version,
      checks,
    }
  },
  outcome: ({ ok, checks }) => (ok ? 'ok' : checks[0]?.status === 'fail' ? 'unreachable' : 'findings'),
})
