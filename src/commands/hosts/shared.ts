import { usage } from '../../base/failure.ts'
import { nearest } from '../../base/suggest.ts'
import type { Config, HostConfig } from '../../config/host-config.ts'

/** The entry of a host in the config; a `usage` Failure where there is none. */
export function configured({ hosts, file }: Config, name: string): HostConfig {
  const found = hosts.find((host) => host.name === name)
  if (found) return found
  const names = hosts.map((host) => host.name)
  const near = nearest(name, names)
  throw usage(
    `there is no host “${name}” in ${file}`,
    near ? `did you mean “${near}”?` : `configured: ${names.join(', ') || 'none'}`,
    'unknown-host',
  )
}
