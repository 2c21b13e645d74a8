import { usage } from '../../base/failure.ts'

/** A reference to an image, such as `ghcr.io/bluesky-social/pds:0.4@sha256:…`, in its parts. */
export interface Image {
  /** With the registry and its port, where one is named. */
  readonly repository: string
  readonly tag: string | undefined
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string | undefined
}

/** What an image is chosen by: a digest or a tag, and the package version that it must then answer with. */
export interface Choice {
  /** The word itself. */
  readonly word: string
  /** What it may be called in the registry, the likeliest first; none where there is a digest. */
  readonly tags: readonly string[]
  readonly digest: string | undefined
  readonly version: string | undefined
}

const shape =
  /^([a-zA-Z0-9][\w.-]*(?::\d{1,5})?(?:\/[a-z0-9][\w.-]*)*?)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/

/** Reads a reference; undefined where it is none. */
export function parseImage(text: string): Image | undefined {
  const [whole, repository = '', tag, digest] = shape.exec(text) ?? []
  // Without a slash nothing tells a port from a tag, and docker takes it for a tag.
  const [, name = '', late] = repository.includes('/') ? [] : (/^(.*):(\d+)$/.exec(repository) ?? [])
  if (whole === undefined) return undefined
  return late === undefined || tag !== undefined
    ? { repository, tag, digest }
    : { repository: name, tag: late, digest }
}

/** A reference as it stands in a compose file. */
export const showImage = ({ repository, tag, digest }: Image): string =>
  `${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`

/** Whether a reference names one image for good: by digest, or by a tag that is a whole version. */
export const isPinned = ({ tag, digest }: Image): boolean =>
  digest !== undefined || (tag !== undefined && /^v?\d+\.\d+\.\d+/.test(tag))

/** Whether a reference names a registry on the host itself, which docker speaks to without TLS. */
export const isOnLoopback = ({ repository }: Pick<Image, 'repository'>): boolean =>
  /^(localhost|127(\.\d{1,3}){3})(:\d+)?\//.test(repository)

/**
 * The package version that a tag of the official image stands for; null where the tag does not tell. The publisher
 * calls package 0.5.N `0.4.5NNN`, N in three digits, and 0.4.N (below 1000) `0.4.N`: known for these two series alone.
 */
export function versionOfTag(tag: string | undefined): string | null {
  const [, patch = ''] = /^v?0\.4\.(\d{1,4})$/.exec(tag ?? '') ?? []
  if (patch === '') return null
  if (Number(patch) < 1000) return `0.4.${Number(patch)}`
  return patch.startsWith('5') ? `0.5.${Number(patch.slice(1))}` : null
}

/** The tag under which a package version is published; undefined outside the two series that versionOfTag knows. */
export function tagOfVersion(version: string): string | undefined {
  const [, series, patch = ''] = /^0\.([45])\.(\d{1,3})$/.exec(version) ?? []
  if (series === undefined) return undefined
  return series === '5' ? `0.4.5${patch.padStart(3, '0')}` : `0.4.${Number(patch)}`
}

/** Reads what an image is chosen by: `0.5.35`, `0.4.5035`, `latest` or `sha256:…`; a `usage` Failure for anything else. */
export function parseChoice(word: string): Choice {
  const none = { word, tags: [], digest: undefined, version: undefined }
  if (/^sha256:[0-9a-f]{64}$/.test(word)) return { ...none, digest: word }
  if (word.startsWith('sha256:'))
    throw usage(`“${word}” is not a whole digest`, 'it is sha256: and 64 hexadecimal digits')
  const bare = word.replace(/^v(?=\d)/, '')
  const tag = tagOfVersion(bare)
  if (tag !== undefined) return { ...none, tags: [...new Set([tag, word, bare])], version: bare }
  if (/^\w[\w.-]{0,127}$/.test(word)) return { ...none, tags: [...new Set([word, bare])] }
  throw usage(`“${word}” is not a version, a tag or a digest`, 'such as 0.5.35, 0.4.5035, latest or sha256:…')
}

/** Tags that may be there where none of these is: those of the versions beside them, and those that move. */
export function tagsNear(tags: readonly string[]): readonly string[] {
  const versions = new Set(tags.map((tag) => versionOfTag(tag) ?? tag))
  const beside = [...versions].flatMap((version) => {
    const [, series, patch] = /^v?(0\.[45])\.(\d{1,3})$/.exec(version) ?? []
    return patch === undefined ? [] : [-1, 0, 1].map((by) => `${series}.${Number(patch) + by}`)
  })
  const spelt = beside.flatMap((version) => [tagOfVersion(version) ?? [], version].flat())
  return [...new Set([...spelt, '0.4', 'latest'])].filter((tag) => !tags.includes(tag))
}

/** A reference for a person, its digest cut short. */
export const briefly = (image: Image): string =>
  showImage(image).replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…')
