/** What a service is said to be by a scripted compose, besides what it is in every test. */
interface Written {
  readonly service?: string
  readonly envFiles?: readonly string[]
  /** The names under `environment:`. */
  readonly own?: Readonly<Record<string, string | null>>
}

/** What a host answers that is asked how compose resolves a service: its settings, `KEY=value` each, and its image. */
export function resolved(
  env: readonly string[],
  image = 'ghcr.io/bluesky-social/pds:0.4',
  { service = 'pds', envFiles = ['/pds/pds.env'], own = {} }: Written = {},
): string {
  const environment = Object.fromEntries(
    env.map((line) => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1).replaceAll('$', () => '$$')]
    }),
  )
  const env_file = envFiles.map((path) => ({ path, required: true }))
  // A service that is built has no image.
  const values = { services: { [service]: { ...(image !== '' && { image }), environment } } }
  const written = { services: { [service]: { image, env_file, environment: own } } }
  return [
    ...['kimbia-ops:resolved', JSON.stringify(values), 'kimbia-ops:written', JSON.stringify(written)],
    'kimbia-ops:end\n',
  ].join('\n')
}
