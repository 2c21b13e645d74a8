import { act, ask, type Shell } from '../../ssh/shell.ts'
import type { Gate, HostStep, ShellStep, WaitStep } from '../change/step.ts'
import type { Container } from '../docker/containers.ts'
import { assertDataKept } from '../docker/data-places.ts'
import type { ComposeEngine, Engine } from '../docker/engine.ts'
import { composeLabel } from '../docker/own-container.ts'
import type { EnvFile } from '../env/parse.ts'
import { expectedIdentity, expectedServer } from './expected-identity.ts'
import { keepImage, recentlyVerified } from './image-drift.ts'

/** What recreating the container of a service needs to know. */
export interface Recreating {
  readonly engine: ComposeEngine
  readonly service: string
  /** The port of the PDS on the host's loopback. */
  readonly port: number
  /** What must hold before the recreated one counts as good. */
  readonly gate: Pick<Gate, 'healthy' | 'settle' | 'deadline' | 'version'>
  /** pds.env as the recreated container gets it. */
  readonly written: EnvFile
  /** The settings that the change is about: they alone may move data or the name of the server. */
  readonly changes?: ReadonlyMap<string, string | undefined> | undefined
  /** Keys of pds.env that were edited but never applied before: what is gone back to was never proven with them. */
  readonly drift?: readonly string[] | undefined
}

/** Brings the container in line with the compose file and pds.env; nothing happens when it is. */
export const composeUp = (
  { engine, service }: Pick<Recreating, 'engine' | 'service'>,
  extra: string[] = [],
) => act`${engine.project.words} up --detach --no-deps --no-build --pull never ${[...extra, service]}`

/**
 * The same, but only when the container is another one by now, or does not run: edits never applied stay so. `proof` is
 * what must then hold of it; its id is `$id`.
 */
export const restoreContainer = (
  it: Pick<Recreating, 'engine' | 'service'>,
  proof: Shell<'ask'> = ask`:`,
): Shell<'act'> => {
  const { docker, pds, project } = it.engine
  if (!pds) return composeUp(it)
  return act`# bring the container of ${it.service} back as it was
[ "$(${docker} inspect --type container --format '{{.Id}} {{.State.Running}}' ${pds.name} 2>/dev/null)" != ${`${pds.id} true`} ] || exit 0
${project.words} up --detach --no-deps --no-build --pull never ${it.service} || exit
eval ${underItsName(it, pds.name)}
eval ${proof}`
}

/** Finds `$id`, the container of the service, and gives it its name where a recreate that was cut off kept it from it. */
const underItsName = (
  { engine: { docker, project }, service }: Pick<Recreating, 'engine' | 'service'>,
  name: string,
): Shell<'ask'> =>
  ask`id=$(${project.words} ps --all --quiet ${service} | head -n 1)
[ "$(${docker} inspect --type container --format '{{.Name}}' "$id")" = ${`/${name}`} ] || ${docker} rename "$id" ${name} || exit`

/**
 * The steps that apply a change of files: `changes` stand between making ready to go back and the recreate.
 * If any of them fails, the files are put back first, then the container is brought in line with them and proven.
 */
export function applying(it: Recreating, changes: readonly HostStep[]): readonly HostStep[] {
  return [wayBack(it), ...changes, recreate(it), gateOf(it)]
}

/**
 * Done first and undone last: whatever follows, the container is brought in line with the files that stand then. What
 * is recreated after it, or on the way back, runs the image that runs now: its reference is made to name that one.
 * That compose names the same reference is to be seen before (refuseOtherImage): another one is an update.
 */
export const wayBack = (it: Recreating): ShellStep => ({
  ...pinRunningImage(it),
  why: `Note the running container, to go back to it if anything fails${unverifiedEdits(it)}`,
  undo: [
    { kind: 'shell', why: `Bring the container of ${it.service} back as it was`, run: restoreContainer(it) },
    {
      kind: 'wait',
      why: 'Wait until the old one is healthy again',
      gate: { ...gateOf(it).gate, settle: 0, version: undefined },
    },
  ],
})

/** Before a recreate that has nothing to go back to: keeps the image that runs, as wayBack does. */
export const pinRunningImage = ({ engine }: Pick<Recreating, 'engine'>): ShellStep => ({
  kind: 'shell',
  why: 'Note the running container, and keep its image',
  unless: recentlyVerified(engine),
  run: keepImage(engine) ?? act`echo ${engine.pds ? [engine.pds.name, engine.pds.id] : 'no container'}`,
})

/** Said with the step that could not be undone: the file that was put back may be what is wrong. */
const unverifiedEdits = ({ drift = [] }: Recreating): string =>
  drift.length === 0
    ? ''
    : `; pds.env as it was held edits never applied (${drift.join(', ')}): if it does not come up with it again, mend those`

/**
 * Recreates the container; docker stops the old one and starts the new one. What lies within the old one would be lost:
 * a Failure where that are accounts.
 */
export function recreate(it: Recreating, extra: string[] = []): ShellStep {
  assertDataKept(it.engine.pds, it.changes)
  return {
    kind: 'shell',
    why: `Recreate the container of ${it.service}`,
    run: composeUp(it, extra),
    interrupts: { port: it.port },
  }
}

/** Starts the container again as it is, with the settings that it was created with. */
export const restartStep = (
  { docker }: Pick<Engine, 'docker'>,
  { name }: Pick<Container, 'name'>,
  port: number,
): ShellStep => ({
  kind: 'shell',
  why: `Restart ${name}`,
  run: act`${docker} restart ${name}`,
  interrupts: { port },
})

/** Fails where compose does not take its files, or is not there, before anything is interrupted. */
export const checkCompose = (
  { engine }: Pick<Recreating, 'engine'>,
  why = 'Check that compose takes its files',
): ShellStep => ({ kind: 'shell', why, run: act`${engine.project.words} config --quiet` })

/** Which directory and container a recreate acts on, for the plan. */
export const actsOn = (
  { pds, project }: Pick<ComposeEngine, 'pds' | 'project'>,
  { dir, service }: { readonly dir: string; readonly service: string },
): string =>
  pds
    ? `acts on ${dir}/pds.env and the container ${pds.name} (project ${composeLabel(pds, 'project') || 'of no compose file'}, ${composeLabel(pds, 'project.working_dir') || project.dir})`
    : `acts on ${dir}/pds.env and makes the container of ${service} (${project.dir})`

/** Waits for the recreated one to be good. */
export const gateOf = ({ engine, port, gate, changes, written }: Recreating): WaitStep => ({
  kind: 'wait',
  why:
    gate.settle > 0
      ? `Wait until the PDS is healthy, and stays so for ${gate.settle} s`
      : 'Wait until the PDS is healthy',
  gate: {
    port,
    ...gate,
    same: engine.pds ? expectedIdentity(engine.pds, { changes, written }) : expectedServer(written),
    container: engine.pds && { docker: engine.docker, name: engine.pds.name },
  },
})
