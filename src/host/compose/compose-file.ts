import { type Failure, failed } from '../../base/failure.ts'
import { isAlias, isMap, isScalar, type Node, parseDocument, type YAMLMap } from '../../base/yaml.ts'

/** A compose file as it was read. */
export interface ComposeFile {
  /** Absolute, on the host. */
  readonly path: string
  readonly text: string
}

/** Where the image of a service stands: the file, and the bytes of the value within its text. */
export interface ImagePlace extends ComposeFile {
  readonly service: string
  /** The value itself, unquoted. */
  readonly reference: string
  readonly from: number
  readonly to: number
}

/** The image of a service that no plain value in a compose file tells, and why: only a person can edit it. */
export interface UneditableImage {
  /** The compose file that others are laid over, absolute. */
  readonly path: string
  readonly service: string
  /** What compose makes of it; where it makes nothing of it, what its container was made from. */
  readonly reference: string
  readonly by: 'compose' | 'container'
  /** What to edit. */
  readonly refusal: Failure
}

/** The image that compose takes for a service. */
export type ComposeImage = ImagePlace | UneditableImage

/** Finds the image of a service in the compose files, which are laid over each other in this order. */
export function findImage(files: readonly ComposeFile[], service: string): ImagePlace {
  const [base, ...overrides] = files.map((file) => ({ file, entry: entryOf(file, service) }))
  for (const { file, entry } of overrides)
    if (entry.image !== undefined)
      throw byHand(
        `the image of “${service}” is set by ${file.path}, which is laid over ${base?.file.path}`,
        {
          edit: file.path,
        },
      )
  if (base === undefined) throw failed('no-compose-file', 'there is no compose file')
  if (base.entry.image === undefined) throw missing(base.file, service, base.entry)
  return placeOf(base.file, service, base.entry.image)
}

/** The text with another image for the service: only the bytes of that value differ, and nothing else by its meaning. */
export function withImage(place: ImagePlace, reference: string): string {
  const { text, from, to, service, path } = place
  const old = text.slice(from, to)
  const quote = /^["']/.exec(old)?.[0] ?? ''
  const now = `${text.slice(0, from)}${quote}${reference}${quote}${text.slice(to)}`
  const wanted = meaning(text) as { services: Record<string, { image: string }> }
  const entry = wanted.services[service]
  if (entry) entry.image = reference
  if (JSON.stringify(meaning(now)) !== JSON.stringify(wanted))
    throw byHand(`the image of “${service}” in ${path} is used by other parts of the file too`, {
      edit: path,
    })
  return now
}

/** Aliases are copied, so that changing one place changes no other. */
const meaning = (text: string): unknown => structuredCloneOf(parseDocument(text, { merge: true }).toJS())

const structuredCloneOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

/** What a file says of a service. */
interface Entry {
  readonly image: Node | undefined
  readonly keys: ReadonlyMap<string, Node | null>
  /** The service is the copy of another part of the file. */
  readonly alias: string | undefined
  readonly topKeys: readonly string[]
}

function entryOf({ path, text }: ComposeFile, service: string): Entry {
  const document = parseDocument(text, { prettyErrors: false })
  const [problem] = document.errors
  if (problem)
    throw failed(
      'compose-unreadable',
      `${path} is not valid YAML: ${problem.message}`,
      `on the host: docker compose --file ${path} config --quiet`,
    )
  const top = keysOf(document.contents)
  const listed = top.get('services')
  const services = keysOf(isAlias(listed) ? listed.resolve(document) : listed)
  const whole = services.get(service)
  const keys = keysOf(whole)
  return {
    image: keys.get('image') ?? undefined,
    keys,
    alias: isAlias(whole) ? whole.source : undefined,
    topKeys: [...top.keys()],
  }
}

function keysOf(node: unknown): Map<string, Node | null> {
  if (!isMap(node)) return new Map()
  return new Map(
    (node as YAMLMap<Node, Node | null>).items.map(({ key, value }) => [
      String(isScalar(key) ? key.value : key),
      value,
    ]),
  )
}

function placeOf({ path, text }: ComposeFile, service: string, image: Node): ImagePlace {
  const what = `the image of “${service}” in ${path}`
  if (isAlias(image))
    throw byHand(`${what} is *${image.source}, an alias`, { edit: `&${image.source} there` })
  if (!isScalar(image) || typeof image.value !== 'string' || !image.range)
    throw byHand(`${what} is not a text`, { edit: path })
  const [, name] = /\$\{?(\w+)/.exec(image.value) ?? []
  if (image.value.includes('$'))
    throw byHand(`${what} is put together: ${image.value}`, {
      edit: name === undefined ? path : `${name} where it is set, mostly in .env beside the compose file`,
    })
  const [from, to] = image.range
  const written = text.slice(from, to)
  if (![image.value, `"${image.value}"`, `'${image.value}'`].includes(written))
    throw byHand(`${what} is written over several lines or with escapes`, { edit: path })
  return { path, text, service, reference: image.value, from, to }
}

function missing({ path }: ComposeFile, service: string, { keys, alias, topKeys }: Entry): Failure {
  if (alias !== undefined)
    return byHand(`“${service}” in ${path} is *${alias}, an alias`, { edit: `&${alias} there` })
  if (keys.has('<<')) {
    const merged = keys.get('<<')
    const from = isAlias(merged) ? `&${merged.source}` : 'another part of the file'
    return byHand(`“${service}” in ${path} has its image from ${from}, merged in`, { edit: `${from} there` })
  }
  if (keys.has('extends'))
    return byHand(`“${service}” in ${path} extends another service`, { edit: 'the service that it extends' })
  if (keys.has('build'))
    return byHand(`“${service}” in ${path} is built on the host, not pulled`, {
      edit: 'its sources and build it, or give it an “image:”',
      next: 'docker compose up --detach',
    })
  if (keys.size === 0 && topKeys.includes('include'))
    return byHand(`“${service}” comes from a file that ${path} includes`, { edit: 'that file' })
  if (keys.size === 0)
    return failed(
      'no-service',
      `${path} has no service “${service}”`,
      'set “service:” in the config to the name of the service of the PDS',
    )
  return byHand(`“${service}” in ${path} has no image`, { edit: path })
}

interface ByHand {
  readonly edit: string
  /** What to type then. */
  readonly next?: string
}

const byHand = (message: string, { edit, next = 'kimbia-ops update apply' }: ByHand): Failure =>
  failed('image-elsewhere', message, `nothing was changed; edit ${edit} by hand, then: ${next}`)

/** The Failure of an image that compose takes from somewhere else than where a compose file names one. */
export const imageElsewhere = (path: string, service: string, taken: string): Failure =>
  byHand(`compose takes ${taken} for “${service}”, which is not what ${path} names`, {
    edit: 'the file or the variable that it comes from',
  })
