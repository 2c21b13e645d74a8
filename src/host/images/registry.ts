import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import type { LocalImage } from './image-facts.ts'
import { type Image, isOnLoopback, showImage } from './image-reference.ts'

/** One image behind a reference in the registry, for one platform. */
export interface RemoteImage {
  /** Of its manifest. */
  readonly digest: string
  /** Of its config: the id of the image in docker's classic store. */
  readonly config: string | undefined
  /** `linux/amd64`, `linux/arm64/v8`; undefined where the manifest does not say. */
  readonly platform: string | undefined
}

/** What the registry says of a reference: its images, that there is none, or why nobody can tell. */
export type Remote =
  | { readonly kind: 'found'; readonly images: readonly RemoteImage[] }
  | { readonly kind: 'missing'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** How what runs stands to what the registry has. */
export type Comparison =
  | { readonly kind: 'same' | 'newer'; readonly digest: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** Asks the registry, by the host's docker and its login, what a reference names now; nothing is downloaded. */
export async function readRemote(
  { docker }: { readonly docker: readonly string[] },
  image: Image,
  host: HostView,
): Promise<Remote> {
  const insecure = isOnLoopback(image) ? ['--insecure'] : []
  const reference = showImage(image)
  const line = ask`${docker} manifest inspect --verbose ${insecure} ${reference}`
  const { code, stdout, stderr } = await host.ask(line, { deadline: 25_000 })
  if (code === 0) return parseRemote(stdout)
  const why = stderr.trim().split('\n').at(-1)?.slice(0, 300) || `exit code ${code}`
  return { kind: /no such manifest|manifest unknown|not found/i.test(why) ? 'missing' : 'unknown', why }
}

/** Which of these tags the registry has, in their order; four are asked for at a time. */
export async function findTags(
  { docker }: { readonly docker: readonly string[] },
  { repository }: Pick<Image, 'repository'>,
  tags: readonly string[],
  host: HostView,
): Promise<readonly string[]> {
  const insecure = isOnLoopback({ repository }) ? ['--insecure'] : []
  const line = ask`# look which tags there are
asked=0
for tag in ${tags}; do
  { ${docker} manifest inspect ${insecure} ${repository}:"$tag" >/dev/null 2>&1 && echo "$tag"; } &
  asked=$((asked + 1))
  [ $((asked % 4)) -ne 0 ] || wait
done
wait`
  const there = new Set((await host.ask(line, { deadline: 25_000 })).stdout.split('\n'))
  return tags.filter((tag) => there.has(tag))
}

type Json = Readonly<Record<string, unknown>>
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Reads the answer of `docker manifest inspect --verbose`: one manifest, or a list of them. */
export function parseRemote(json: string): Remote {
  let all: unknown
  try {
    all = JSON.parse(json)
  } catch {
    return { kind: 'unknown', why: 'docker manifest inspect printed no JSON' }
  }
  const images = (Array.isArray(all) ? all : [all]).map(object).flatMap((it): RemoteImage[] => {
    const { digest, platform } = object(it.Descriptor)
    const { os, architecture, variant } = object(platform)
    const manifest = object(it.OCIManifest ?? it.SchemaV2Manifest)
    const parts = [os, architecture, variant].map(text).filter(Boolean)
    return typeof digest === 'string'
      ? [
          {
            digest,
            config: text(object(manifest.config).digest),
            platform: parts.join('/') || undefined,
          },
        ]
      : []
  })
  return images.length > 0
    ? { kind: 'found', images }
    : { kind: 'unknown', why: 'docker manifest inspect names no image' }
}

/** The digest of the image for a platform, such as `linux/amd64`; undefined where the host does not tell its own. */
export function digestFor(
  remote: Remote,
  platform: string | undefined,
): { readonly digest: string } | { readonly why: string } {
  if (remote.kind !== 'found') return { why: remote.why }
  const { images } = remote
  const own =
    images.length === 1 ? images : images.filter((it) => platform !== undefined && isFor(it, platform))
  const [first] = own
  return first
    ? { digest: first.digest }
    : {
        why: `the registry names no image for ${platform ?? 'the platform of the host, which docker does not tell'}`,
      }
}

/** Whether an image runs on a platform; a manifest that tells none runs on any. */
function isFor({ platform }: RemoteImage, wanted: string): boolean {
  const [os, architecture] = wanted.split('/')
  return platform === undefined || platform === wanted || platform.startsWith(`${os}/${architecture}`)
}

/** Whether the registry has another image than this one for the platform of the host. */
export function compare(remote: Remote, local: LocalImage | undefined): Comparison {
  if (remote.kind !== 'found') return { kind: 'unknown', why: remote.why }
  if (!local) return { kind: 'unknown', why: 'the running image is no longer in the store of docker' }
  const own = remote.images.filter((it) => isFor(it, local.platform))
  const here = [local.id, ...local.digests.map(({ digest }) => digest)]
  const same = own.find(({ digest, config }) => here.includes(digest) || here.includes(config ?? ''))
  if (same) return { kind: 'same', digest: same.digest }
  const [first] = own
  if (!first) return { kind: 'unknown', why: `the registry has no image for ${local.platform}` }
  // The containerd store calls an image by the digest of the whole list, which docker does not print.
  if (remote.images.length > 1 && local.digests.some(({ digest }) => digest === local.id))
    return { kind: 'unknown', why: 'docker tells nothing of the list of platforms that the image is part of' }
  return { kind: 'newer', digest: first.digest }
}
