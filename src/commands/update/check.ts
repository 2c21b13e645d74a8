import { isPinned, showImage, versionOfTag } from '../../host/images/image-reference.ts'
import { type Comparison, compare, readRemote } from '../../host/images/registry.ts'
import { column, detail, table } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { room } from '../../runner/command/measures.ts'
import { choice, optional, text, yesNo } from '../../runner/command/types.ts'
import { runningDigest, type Survey, survey, unapplied } from './survey.ts'

const available = choice('available', ['up to date', 'update available', 'unknown'])

const wordOf = ({ kind }: Comparison): 'up to date' | 'update available' | 'unknown' => {
  switch (kind) {
    case 'same':
      return 'up to date'
    case 'newer':
      return 'update available'
    case 'unknown':
      return 'unknown'
  }
}

/** That another image cannot be named by an update here, and why. */
const byHand = ({ place }: Survey): string | undefined =>
  'refusal' in place ? `only a person can name another image: ${place.refusal.message}` : undefined

/** What runs, what the registry has, and who else updates this host. */
export default query({
  name: 'update check',
  summary: 'Show which image the PDS runs, and whether there is a newer one',
  about:
    'Asks the registry from the host, and downloads nothing. Exit code 0 whether there is an update or not: `available` tells, and `note` says why when it is unknown, such as a registry that does not answer. A pinned image is compared with the tag 0.4, which the publisher moves.',
  examples: ['kimbia-ops update check', 'kimbia-ops update check --json | jq -r .available'],
  input: {},
  output: {
    version: column(optional(text), 'what the PDS answers'),
    image: column(text, 'what the compose file names'),
    tag: detail(optional(text), 'its tag'),
    digest: column(optional(text), 'of the running image, by its registry'),
    imageId: detail(text, 'of the running image, by docker'),
    pinned: column(yesNo, 'whether that is one image for good'),
    available: column(available, 'up to date, update available or unknown'),
    latestDigest: column(optional(text), 'of what the moving tag names now'),
    latestVersion: column(optional(text), 'its version, where the tag tells'),
    note: column(optional(text), 'what else is to be known'),
    watchtower: column(text, 'whether Watchtower updates the PDS by itself, and why not or when'),
    watchtowerUpdates: detail(yesNo, 'whether it does'),
    watchtowerImage: detail(optional(text), 'its own image'),
    freeBytes: column(optional(room), 'free where docker keeps its images', { label: 'free for images' }),
    previous: table(
      {
        time: column(text, 'of the update that left it, for update rollback --to'),
        version: column(optional(text), 'what it answered'),
        image: column(text, 'what the compose file named'),
        backup: column(optional(text), 'where the copies of the databases lie'),
      },
      'images to go back to, newest first',
    ),
  },
  result: 'one',
  async read(_input, views) {
    const found = await survey(views, 'without')
    const { engine, facts, image, pds, version, watchtower } = found
    const pinned = isPinned(image)
    const moving = pinned ? { ...image, tag: '0.4', digest: undefined } : image
    const remote = compare(await readRemote(engine, moving, views.host), facts.local)
    const why = remote.kind === 'unknown' ? remote.why : undefined
    if (why !== undefined) views.say(`whether there is an update is unknown: ${showImage(moving)}: ${why}`)
    if (remote.kind === 'newer')
      views.say(`to update: kimbia-ops update apply${pinned ? ` --to ${moving.tag}` : ''}`)
    return {
      version,
      image: showImage(image),
      tag: image.tag ?? null,
      digest: runningDigest(found) ?? null,
      imageId: pds.imageId,
      pinned,
      available: wordOf(remote),
      latestDigest: remote.kind === 'unknown' ? null : remote.digest,
      latestVersion: remote.kind === 'same' ? version : versionOfTag(moving.tag),
      note: [why, unapplied(found), byHand(found), facts.unreadable].filter(Boolean).join('; ') || null,
      watchtower: watchtower.found
        ? `${watchtower.updates ? 'updates the PDS' : 'does not update the PDS'}: ${watchtower.why}`
        : 'none',
      watchtowerUpdates: watchtower.updates,
      watchtowerImage: watchtower.image,
      freeBytes: facts.free.images ?? null,
      previous: facts.previous.map(({ stamp, version, reference, backup }) => ({
        time: stamp,
        version,
        image: reference,
        backup,
      })),
    }
  },
})
