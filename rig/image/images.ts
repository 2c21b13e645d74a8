import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { repositories } from '../docker/daemons.ts'
import type { DockerFacts } from '../docker/docker-host.ts'
import { BASE, BASE_WATCHTOWER } from './build.ts'

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'

/** Gives a rig repositories of its own, `<name>/pds` and `<name>/watchtower`, whose tags it may move. */
export function addRepositories(name: string): void {
  if (existsSync(join(repositories, name))) return
  cpSync(join(repositories, BASE), join(repositories, name, 'pds'), { recursive: true })
  cpSync(join(repositories, BASE_WATCHTOWER), join(repositories, name, 'watchtower'), { recursive: true })
}

/** Takes the repositories of a rig away. */
export function removeRepositories(name: string): void {
  rmSync(join(repositories, name), { recursive: true, force: true })
}

/** Makes `tag` of the rig's PDS image in the registry name what `to` names there, as a publisher moves `0.4`. */
export async function pointTag(facts: { docker?: DockerFacts }, tag: string, to: string): Promise<void> {
  if (!facts.docker) throw new Error('rig: this one has no Docker')
  const { registry, image } = facts.docker
  const url = (name: string) => `http://${registry}/v2${image.slice(registry.length)}/manifests/${name}`
  const manifest = await fetch(url(to), { headers: { accept: MANIFEST } })
  if (!manifest.ok) throw new Error(`rig: the registry has no ${image}:${to}`)
  const headers = { 'content-type': MANIFEST }
  const { ok, status } = await fetch(url(tag), { method: 'PUT', headers, body: await manifest.text() })
  if (!ok) throw new Error(`rig: the registry refused ${image}:${tag} (${status})`)
}
