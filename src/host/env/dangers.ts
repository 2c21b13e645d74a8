import { knownSettings } from './known-settings.ts'

const dangers: readonly (readonly [pattern: RegExp, warning: string])[] = [
  [
    /^PDS_PLC_ROTATION_KEY/,
    'the identity of every existing account lists the old key: with another one, the PDS can no longer change handles or help anybody to move away; keep the old key',
  ],
  [/^PDS_JWT_SECRET$/, 'every session ends: everybody must sign in again'],
  [
    /^PDS_(HOSTNAME|SERVICE_DID)$/,
    'every existing account names the old address in its DID document and stays there: it is lost to the network until each is changed',
  ],
  [
    /^PDS_(DATA_DIRECTORY|ACTOR_STORE_DIRECTORY|ACCOUNT_DB_LOCATION|SEQUENCER_DB_LOCATION)$/,
    'nothing is moved: the PDS starts with what is at the new place, with no account at all if that is nothing',
  ],
  [
    /^PDS_BLOBSTORE_(DISK_|S3_(BUCKET|REGION|ENDPOINT|FORCE_PATH_STYLE|ACCESS_KEY_ID|SECRET_ACCESS_KEY))/,
    'nothing is moved: images and other blobs that are not at the new place are missing from every account, and the PDS starts without a look',
  ],
]

/** What changing a setting does that no way back makes good; undefined where it does nothing of the kind. */
export function dangerOf(key: string): string | undefined {
  const warning = dangers.find(([pattern]) => pattern.test(key))?.[1]
  return warning && `${key} (${knownSettings[key]?.[1] ?? 'unknown'}): ${warning}`
}

/** What is good to know of changing a setting, though it can be changed back. */
export const cautionOf = (key: string): string | undefined =>
  key === 'PDS_ADMIN_PASSWORD'
    ? 'PDS_ADMIN_PASSWORD: whoever uses the old one is locked out from now on, other tools and runbooks too: tell them'
    : undefined
