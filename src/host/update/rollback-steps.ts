import { act } from '../../ssh/shell.ts'
import type { ShellStep } from '../change/step.ts'
import type { Engine } from '../docker/engine.ts'
import type { PreviousImage } from '../images/image-history.ts'
import { briefly, type Image, showImage } from '../images/image-reference.ts'
import type { Copying } from './copy-databases.ts'
import { restoreDatabases, unrestoreDatabases } from './restore-databases.ts'

/** Sees to it that docker has the image under the name that compose will ask for. */
export function haveImage(
  { docker }: Pick<Engine, 'docker'>,
  { imageId, keep }: PreviousImage,
  target: Image,
): ShellStep {
  const reference = showImage(target)
  const byName = target.digest === undefined ? reference : ''
  return {
    kind: 'shell',
    why: `Have ${briefly(target)} on the host`,
    run: act`# docker pull ${reference}, unless it is there
has() { ${docker} image inspect --format '{{.Id}}' "$1" 2>/dev/null; }
kept=$(has ${imageId}) || kept=$(has ${keep})
case $kept in ?*) [ -z ${byName} ] || ${docker} tag "$kept" ${reference} || exit ;; esac
[ -n "$(has ${reference})" ] || ${docker} pull ${reference} || exit
echo "kimbia-ops:fact image $(has ${reference})"`,
    deadline: 3600,
    stoppable: 'yes',
  }
}

/** Puts copies of the databases back while the PDS is down; the newer ones are kept beside, to be put back in turn. */
export const restoreStep = (copying: Copying, port: number, stamp: string): ShellStep => ({
  kind: 'shell',
  why: 'Stop the PDS and put the copies of the databases back',
  run: restoreDatabases(copying, `after-${stamp}`),
  deadline: 1800,
  interrupts: { port },
  undo: [
    {
      kind: 'shell',
      why: 'Put the newer databases back',
      run: unrestoreDatabases(copying, `after-${stamp}`),
      deadline: 1800,
    },
  ],
})
