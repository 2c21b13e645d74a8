import { failed, usage } from '../../base/failure.ts'
import type { PreviousImage } from '../../host/images/image-history.ts'
import { briefly, type Image, isPinned, parseImage, showImage } from '../../host/images/image-reference.ts'
import type { Copying } from '../../host/update/copy-databases.ts'
import { haveImage, restoreStep } from '../../host/update/rollback-steps.ts'
import type { HostPlan } from '../../plan/plan.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, option } from '../../runner/command/parameters.ts'
import { text } from '../../runner/command/types.ts'
import {
  assertSoundEdits,
  changeColumns,
  checkRoom,
  gateOptions,
  stampOf,
  updatingOf,
  warningsOf,
} from './shared.ts'
import { refuseUnnamed, type Survey, survey } from './survey.ts'

/** Goes back to an image that an update has left, and pins it so that nothing brings the other one straight back. */
export default procedure({
  name: 'update rollback',
  summary: 'Go back to the image that ran before an update',
  about:
    'Goes to what the last `update apply` left; --to names an earlier one, as `update check` lists them, and a second rollback goes forward again. The compose file then names the old image by its digest, so that neither the next update nor Watchtower brings the new one straight back: kimbia-ops update unpin lets it move again. An image that was removed from the host is pulled again. If the old PDS cannot start on databases that the newer one has migrated, the host goes forward again by itself. --restore-databases puts the copies of before the update back, and with them the accounts, sessions and invites of that time: whatever came since is lost, and posts made since may not reach the network. The newer databases are kept beside the copies.',
  examples: [
    'kimbia-ops update rollback --dry-run',
    'kimbia-ops update rollback --yes',
    'kimbia-ops update rollback --restore-databases --confirm kimbia',
  ],
  risk: 'disruptive',
  on: 'host',
  input: {
    to: option(text, 'the time of an update, such as 20261122T180000Z, as update check lists them'),
    restoreDatabases: flag('put the copies of the databases back that were taken then'),
    ...gateOptions,
  },
  output: changeColumns,
  async plan({ to, restoreDatabases, settle, wait, force }, views) {
    const found = await survey(views, restoreDatabases ? 'with databases' : 'without')
    refuseUnnamed(found)
    const { config, version } = found
    const previous = pick(found, to)
    const target = targetOf(previous, found.image)
    const back = restoreDatabases ? copiesOf(found, previous) : undefined
    if (back) checkRoom(found, 'make room there: the newer databases are kept beside; nothing was changed')
    await assertSoundEdits(found, force, views)
    const stamp = stampOf(views.clock())
    const { changing, rememberImage } = await import('../../host/update/update-steps.ts')
    const wanted = { stamp, copying: undefined, settle, wait, version: previous.version ?? undefined }
    const it = updatingOf(found, target, wanted)
    const between = back ? [restoreStep(back, it.port, stamp)] : []
    const steps = [rememberImage(it), haveImage(found.engine, previous, target), ...changing(it, between)]
    const row = {
      from: version,
      to: later('host.version'),
      image: showImage(target),
      digest: target.digest ?? null,
      outageMs: later('host.outageMs'),
      backup: back?.place ?? previous.backup,
    }
    const plan: HostPlan<typeof row> = {
      on: 'host',
      title: `go back to ${previous.version ?? briefly(target)} on ${config.name}`,
      confirm: config.name,
      found: [
        `it runs ${version ?? 'no version that it tells'}; ${previous.version ?? 'the other image'} ran until ${timeOf(previous)}`,
      ],
      warnings: [...warningsOf(found), ...(back ? [losing(previous)] : [])],
      afterwards: isPinned(target)
        ? ['that image is pinned now: kimbia-ops update unpin lets it move again']
        : [],
      subject: config.name,
      steps,
      rows: [row],
    }
    return back ? { ...plan, risk: 'irreversible' } : plan
  },
})

/** The image to go back to: the newest that is not the running one, or the one that was asked for. */
function pick({ facts, pds, config }: Survey, to: string | undefined): PreviousImage {
  const all = facts.previous
  const known = all.map(({ stamp }) => stamp).join(', ')
  if (to !== undefined) {
    const found = all.find(({ stamp }) => stamp.toLowerCase() === to.toLowerCase())
    if (found) return found
    throw usage(`no update of ${to} is remembered`, `remembered: ${known || 'none'}`, 'no-previous')
  }
  if (facts.unreadable !== undefined)
    throw failed(
      'previous-unreadable',
      `which image ran before this one is not known: ${facts.unreadable}`,
      `name it: kimbia-ops update rollback --to STAMP; remembered: ${known || 'none'}`,
    )
  const found = all.find(({ imageId }) => imageId !== pds.imageId)
  if (found) return found
  throw failed(
    'no-previous',
    `no image is remembered on ${config.name} that ran before this one`,
    'name one: kimbia-ops update apply --to 0.5.34',
  )
}

/** By digest where it is known; what was a pin before stays the same pin, by digest where the file pins so now. */
function targetOf({ reference, digest, keep }: PreviousImage, { repository, digest: now }: Image): Image {
  const before = parseImage(reference)
  if (before && isPinned(before))
    return now !== undefined && before.digest === undefined && digest !== null
      ? { ...before, digest }
      : before
  if (digest !== null) return { repository: before?.repository ?? repository, tag: before?.tag, digest }
  const kept = parseImage(keep)
  if (kept) return kept
  throw failed(
    'no-previous',
    `${reference} cannot be named any more`,
    'name one: kimbia-ops update apply --to 0.5.34',
  )
}

function copiesOf({ engine, pds, databases }: Survey, { backup, stamp }: PreviousImage): Copying {
  if (backup !== null) return { docker: engine.docker, container: pds.name, databases, place: backup }
  throw failed(
    'no-copies',
    `the update of ${stamp} took no copies of the databases`,
    'leave --restore-databases out: the old PDS may start on the databases as they are',
  )
}

/** The moment of a stamp, for a person. */
const timeOf = ({ stamp }: PreviousImage): string =>
  stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ$/, '$1-$2-$3 $4:$5 UTC')

const losing = (previous: PreviousImage): string =>
  `accounts, sessions and invites of after ${timeOf(previous)} are lost, and relays have seen events that the PDS then forgets`
