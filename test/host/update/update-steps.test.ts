import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { ShellStep, WriteStep } from '../../../src/host/change/step.ts'
import { findImage } from '../../../src/host/compose/compose-file.ts'
import { keptAs } from '../../../src/host/images/image-history.ts'
import { parseImage } from '../../../src/host/images/image-reference.ts'
import { type Updating, updateSteps } from '../../../src/host/update/update-steps.ts'
import { type LocalPds, localPds } from '../../support/local-host.ts'

const repository = 'reg.test/pds'
const digest = (mark: string): string => `sha256:${mark.repeat(64)}`
const stamp = '20261122T180000Z'
const keep = keptAs('pds', 'pds', stamp)

/** An update of a container that was made from one reference, by a file that may name another. */
const updating = (script: { file?: string; from?: string; docker?: string } = {}): Updating => {
  const { file = `${repository}:0.4`, docker = 'docker' } = script
  const from = script.from ?? file
  const data = { env: new Map(), labels: {}, workDir: '/pds', mounts: [{ source: '/pds', target: '/pds' }] }
  const pds = { id: 'c1', name: 'pds', image: from, imageId: digest('b'), ...data }
  const place = findImage(
    [{ path: '/pds/compose.yaml', text: `services:\n  pds:\n    image: ${file}\n` }],
    'pds',
  )
  const previous = { stamp, keep, imageId: pds.imageId, digest: digest('2'), reference: file }
  const gate = { healthy: 3, settle: 0, deadline: 1 }
  const engine = { docker: [docker], pds, project: { words: [docker, 'compose'] } }
  return {
    ...{ engine, pds, place, previous, gate },
    ...{ service: 'pds', port: 3000, dir: '/pds', copying: undefined },
    to: parseImage(`${repository}:0.4.5036`),
  } as unknown as Updating
}

/** What the file names when the way back brings the container up, and what docker is told to name again before. */
const wayBack = (it: Updating) => {
  const steps = updateSteps(it)
  const at = steps.findIndex(({ why }) => why.startsWith('Note the running container'))
  const writes = steps.filter((step): step is WriteStep => step.kind === 'write')
  const text = steps.slice(0, at).includes(writes[0] as WriteStep)
    ? writes[0]?.content.reveal()
    : 'text' in it.place && it.place.text
  const undo = ((steps[at] as ShellStep).undo ?? []).flatMap((one) =>
    one.kind === 'shell' ? [one.run.line] : [],
  )
  return {
    names: /image: (\S+)/.exec(text || '')?.[1],
    tags: undo.filter((line) => line.startsWith('docker tag ')),
    last: writes.at(-1)?.content.reveal(),
    undo,
  }
}

test.each<[string, { file?: string; from?: string }, string, 'tagged' | 'by digest']>([
  ['a tag', {}, `${repository}:0.4`, 'tagged'],
  ['no tag', { file: repository }, repository, 'tagged'],
  ['a pin taken away', { from: `${repository}:0.4@${digest('2')}` }, `${repository}:0.4`, 'tagged'],
  [
    'a pin of what runs',
    { file: `${repository}@${digest('2')}`, from: `${repository}:0.4` },
    `${repository}@${digest('2')}`,
    'by digest',
  ],
  [
    'a pin never applied',
    { file: `${repository}:0.4.5036`, from: `${repository}:0.4` },
    `${repository}:0.4`,
    'tagged',
  ],
  [
    'a digest never applied',
    { file: `${repository}@${digest('9')}`, from: `${repository}:0.4@${digest('2')}` },
    `${repository}:0.4@${digest('2')}`,
    'by digest',
  ],
  ['a name that is none', { file: `${repository}:0.4.5036`, from: digest('b') }, keep, 'tagged'],
])('%s: the way back names the image that ran', (_name, script, names, how) => {
  const back = wayBack(updating(script))
  expect(back.names).toBe(names)
  expect(back.tags).toEqual(how === 'tagged' ? [`docker tag ${digest('b')} ${names}`] : [])
  expect(back.last).toBe(`services:\n  pds:\n    image: ${repository}:0.4.5036\n`)
})

/** A docker whose container is of image `runs`, and whose references name image `names`. */
async function dockerOf(pds: LocalPds, runs: string, names: string): Promise<string> {
  const docker = `#!/bin/sh
case $* in
*State.Running*) echo c2 true ;;
'image inspect'*) echo ${names} ;;
inspect*) echo ${runs} ;;
compose*) : >${pds.path('up')} ;;
esac
`
  await writeFile(pds.path('docker'), docker, { mode: 0o755 })
  return pds.path('docker')
}
const run = (line = ''): string => {
  try {
    return execFileSync('sh', ['-c', `exec 2>&1; ${line}`], { encoding: 'utf8' })
  } catch (cause) {
    return `failed: ${(cause as { stdout: string }).stdout}`
  }
}

test('an update is good, and a way back done, only when the container is of the image that was meant', async () => {
  await using pds = await localPds()
  for (const [runs, says] of [
    [digest('d'), ['', 'failed: ']],
    [digest('b'), ['failed: ', '']],
  ] as const) {
    const steps = updateSteps(updating({ docker: await dockerOf(pds, runs, digest('d')) }))
    const check = steps.find(({ why }) => why === 'Check that the container is of that image') as ShellStep
    const back = steps.flatMap((step) => (step.kind === 'shell' ? (step.undo ?? []) : []))
    const up = back.find(({ why }) => why.startsWith('Bring the container')) as ShellStep
    expect(run(check.run.line)).toMatch(says[0] ? /^failed: .*not of/ : /^$/)
    expect(run(up.run.line)).toMatch(says[1] ? /^failed: .*not from the old image/ : /^$/)
    expect(existsSync(pds.path('up'))).toBe(true)
  }
  expect(readFileSync(pds.path('up'), 'utf8')).toBe('')
})
