import type { EnvFile } from '../parse.ts'
import type { Problem } from './value.ts'

/** What is wrong with several settings together, by the setting to look at. */
export type Together = readonly [key: string, ...problem: Problem]

const stops = 'the PDS does not start'

/** Settings that only make sense together: when the first is set, the PDS refuses to start without the second. */
const needs: readonly (readonly [key: string, other: string])[] = [
  ['PDS_EMAIL_SMTP_URL', 'PDS_EMAIL_FROM_ADDRESS'],
  ['PDS_EMAIL_FROM_ADDRESS', 'PDS_EMAIL_SMTP_URL'],
  ['PDS_MODERATION_EMAIL_SMTP_URL', 'PDS_MODERATION_EMAIL_ADDRESS'],
  ['PDS_MODERATION_EMAIL_ADDRESS', 'PDS_MODERATION_EMAIL_SMTP_URL'],
  ['PDS_BLOBSTORE_S3_ACCESS_KEY_ID', 'PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY'],
  ['PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY', 'PDS_BLOBSTORE_S3_ACCESS_KEY_ID'],
  ['PDS_BSKY_APP_VIEW_URL', 'PDS_BSKY_APP_VIEW_DID'],
  ['PDS_MOD_SERVICE_URL', 'PDS_MOD_SERVICE_DID'],
  ['PDS_REPORT_SERVICE_URL', 'PDS_REPORT_SERVICE_DID'],
]

const required = ['PDS_JWT_SECRET', 'PDS_ADMIN_PASSWORD'] as const
const [disk, bucket] = ['PDS_BLOBSTORE_DISK_LOCATION', 'PDS_BLOBSTORE_S3_BUCKET']
const [hex, kms] = ['PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX', 'PDS_PLC_ROTATION_KEY_KMS_KEY_ID']

/** Looks at the settings as a whole: pairs, choices, and what must be there. */
export function lintTogether(env: EnvFile): readonly Together[] {
  const has = (key: string): boolean => Boolean(env.get(key))
  return [
    ...needs
      .filter(([key, other]) => has(key) && !has(other))
      .map(
        ([key, other]): Together => [
          key,
          'error',
          `${other} is not set beside it: ${stops}`,
          'set both or none',
        ],
      ),
    ...required
      .filter((key) => !has(key))
      .map((key): Together => [key, 'error', `it is not set: ${stops}`, 'restore it from a backup']),
    ...choice(has, disk, bucket, 'set where the blobs are'),
    ...choice(has, hex, kms, 'restore the key from your offline copy'),
    ...(has('PDS_HOSTNAME') ? [] : [noName]),
  ]
}

const noName: Together = [
  'PDS_HOSTNAME',
  'warning',
  'it is not set: the PDS takes itself for localhost',
  'set its public name',
]

/** One of two settings must be there, and only one. */
function choice(
  has: (key: string) => boolean,
  one: string,
  other: string,
  remedy: string,
): readonly Together[] {
  if (has(one) && has(other))
    return [[one, 'error', `${other} is set as well: ${stops}`, 'take out the one that is not used']]
  return has(one) || has(other) ? [] : [[one, 'error', `neither it nor ${other} is set: ${stops}`, remedy]]
}
