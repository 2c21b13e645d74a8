import { procedure } from '../../runner/command/command.ts'
import { optionOr } from '../../runner/command/parameters.ts'
import { namingColumns, planNaming } from './naming.ts'
import { tag } from './shared.ts'
import { survey } from './survey.ts'

/** Edits one reference; the container stays as it is. */
export default procedure({
  name: 'update unpin',
  summary: 'Let the image of the PDS move with its tag again',
  about:
    'Nothing is restarted: what the tag names by then comes with the next `update apply`, or by Watchtower where there is one.',
  examples: ['kimbia-ops update unpin', 'kimbia-ops update unpin --tag latest'],
  risk: 'disruptive',
  on: 'host',
  input: { tag: optionOr(tag, '0.4', 'the tag to follow') },
  output: namingColumns,
  async plan({ tag }, views) {
    const found = await survey(views, 'without')
    return planNaming(found, { repository: found.image.repository, tag, digest: undefined }, 'unpin')
  },
})
