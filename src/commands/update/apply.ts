import { actsOn } from '../../host/apply/recreate.ts'
import { briefly, type Choice, type Image, isPinned, showImage } from '../../host/images/image-reference.ts'
import { compare, readRemote } from '../../host/images/registry.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, option } from '../../runner/command/parameters.ts'
import type { Views } from '../../runner/command/views.ts'
import { type Chosen, findImage, refuseMissing } from './chosen-image.ts'
import {
  assertSoundEdits,
  changeColumns,
  checkRoom,
  choice,
  copyingOf,
  gateOptions,
  stampOf,
  updatingOf,
  warningsOf,
} from './shared.ts'
import { refuseUnnamed, runningDigest, type Survey, survey, unapplied } from './survey.ts'

/** Pulls first and changes afterwards: what fails, the host takes back by itself, databases included. */
export default procedure({
  name: 'update apply',
  summary: 'Update the PDS to another image, and go back by itself when it is not healthy',
  about:
    'The image is pulled and the databases are copied while the PDS runs; only then are the compose file and the container changed. The host goes back by itself if the new PDS does not become and stay healthy: to the old image, and to the copies of the databases if the old PDS cannot start on what the new one has made of them. account.sqlite, sequencer.sqlite and did_cache.sqlite are copied to kimbia-ops/databases beside pds.env, of which the newest two copies are kept; the repos of the accounts are not migrated by an update, and not copied. Without --to, the tag in the compose file is pulled again. What the compose file pins by digest stays pinned: to the digest that the registry gives the other version when this is planned. Package 0.5.N is published as tag 0.4.5NNN; a version given to --to is also what the new PDS must answer.',
  examples: [
    'kimbia-ops update apply --dry-run',
    'kimbia-ops update apply',
    'kimbia-ops update apply --to 0.5.35 --yes',
  ],
  risk: 'disruptive',
  on: 'host',
  input: {
    to: option(choice, 'another image of the same repository: 0.5.35, 0.4.5035, latest or sha256:…'),
    noBackup: flag('take no copies of the databases'),
    ...gateOptions,
  },
  output: changeColumns,
  async plan({ to, noBackup, settle, wait, force }, views) {
    const found = await survey(views, noBackup ? 'without' : 'with databases')
    refuseUnnamed(found)
    const choice = to ? await findImage(found, to, views.host) : { image: found.image, remote: undefined }
    const target = choice.image
    const { config, version } = found
    const title = `update the PDS of ${config.name} to ${briefly(target)}`
    const lines = [actsOn(found.engine, config), ...linesOf(found, target, to)]
    const plan = { on: 'host', title, subject: config.name, confirm: config.name, found: lines } as const
    if (await isRunning(found, choice, views)) {
      const row = { from: version, to: version, image: showImage(target), outageMs: null, backup: null }
      const digest = runningDigest(found) ?? null
      return { ...plan, steps: [], rows: [{ ...row, digest }] }
    }
    await assertSoundEdits(found, force, views)
    checkRoom(found)
    const stamp = stampOf(views.clock())
    const copying = copyingOf(found, stamp)
    const { updateSteps } = await import('../../host/update/update-steps.ts')
    const steps = updateSteps(
      updatingOf(found, target, { stamp, copying, settle, wait, version: to?.version }),
    )
    const row = {
      from: version,
      to: later('host.version'),
      image: showImage(target),
      digest: later('host.digest'),
      outageMs: later('host.outageMs'),
      backup: copying?.place ?? null,
    }
    return {
      ...plan,
      warnings: warningsOf(found),
      afterwards: ['kimbia-ops update rollback goes back to what ran before'],
      steps,
      rows: [row],
    }
  },
})

/** What stands, in the words of the plan. */
function linesOf({ version, image }: Survey, target: Image, to: Choice | undefined): readonly string[] {
  const now = `it runs ${version ?? 'no version that it tells'}, and the compose file names ${briefly(image)}`
  if (!isPinned(image)) return [now]
  return [
    now,
    to === undefined || showImage(target) === showImage(image)
      ? 'that is a pin: another version comes by --to, or after kimbia-ops update unpin'
      : `that is a pin, which ${briefly(target)} replaces`,
  ]
}

/** Whether the target is what runs and what the file names; an image that the registry has not is a Failure. */
async function isRunning(
  found: Survey,
  { image: target, remote: known }: Chosen,
  { host }: Views,
): Promise<boolean> {
  const { engine, facts, image, pds } = found
  const runs = pds.state === 'running' && showImage(target) === showImage(image)
  if (runs && isPinned(image) && unapplied(found) === undefined) return true
  // Of a digest that was given, the pull tells.
  if (!runs && known === undefined && target.digest !== undefined && image.digest !== undefined) return false
  const remote = known ?? (await readRemote(engine, target, host))
  refuseMissing(remote, target)
  const byDigest = image.digest !== undefined && image.digest === runningDigest(found)
  return runs && (byDigest || compare(remote, facts.local).kind === 'same')
}
