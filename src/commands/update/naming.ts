import { briefly, type Image, isPinned, showImage } from '../../host/images/image-reference.ts'
import type { Watchtower } from '../../host/images/watchtower.ts'
import type { HostPlan } from '../../plan/plan.ts'
import { column } from '../../runner/command/columns.ts'
import { text, yesNo } from '../../runner/command/types.ts'
import { type Survey, unapplied } from './survey.ts'

/** What a change of the reference alone comes to. */
export const namingColumns = {
  image: column(text, 'what the compose file names'),
  was: column(text, 'what it named before'),
  pinned: column(yesNo, 'whether that is one image for good'),
  file: column(text, 'the compose file'),
}

type Row = {
  readonly image: string
  readonly was: string
  readonly pinned: boolean
  readonly file: string
}

/** Plans to name another image in the compose file, and nothing else. */
export async function planNaming(found: Survey, to: Image, verb: 'pin' | 'unpin'): Promise<HostPlan<Row>> {
  const { config, engine, image, place, watchtower } = found
  const { checkImage, writeImage } = await import('../../host/update/update-steps.ts')
  const write = writeImage(place, to)
  const steps = write.length > 0 ? [...write, checkImage({ engine, service: config.service }, to)] : []
  const row = { image: showImage(to), was: showImage(image), pinned: isPinned(to), file: place.path }
  const before = unapplied(found)
  return {
    on: 'host',
    title: `${verb} the PDS of ${config.name}: ${briefly(to)}`,
    confirm: config.name,
    found: [`${place.path} names ${briefly(image)}`, ...(before === undefined ? [] : [before])],
    warnings: watchtower.found ? watchtowerWarning(watchtower, verb) : [],
    afterwards: [
      found.pds.image === showImage(to)
        ? 'the container runs on as it is'
        : 'the container runs on as it is until kimbia-ops update apply; until then settings cannot be applied (env set, restart --recreate, a rotation of the admin password)',
    ],
    subject: config.name,
    steps,
    rows: [row],
  }
}

/** It goes by what the container was made from: a pin that is only written does not keep it away. */
const watchtowerWarning = ({ updates, why }: Watchtower, verb: 'pin' | 'unpin'): readonly string[] =>
  verb === 'unpin'
    ? [`Watchtower is on this host: ${why}`]
    : updates
      ? [
          `Watchtower updates the PDS until its container is made anew with the pin: ${why}; afterwards: kimbia-ops restart --recreate`,
        ]
      : []
