/** What a setting of pds.env is made of. `secret` is never shown; an `address` may hold a password, which is not. */
export type SettingKind =
  | 'boolean'
  | 'integer'
  | 'list'
  | 'address'
  | 'text'
  | 'secret'
  | 'did'
  | 'did:key'
  | 'hex key'

/** A setting that the PDS knows: what its value is made of, and what it is for, in a short phrase. */
export type KnownSetting = readonly [kind: SettingKind, about: string]

/** Every setting that the PDS reads (@atproto/pds, config/env.js), and those of its logger. */
export const knownSettings: Readonly<Record<string, KnownSetting>> = {
  PDS_PORT: ['integer', 'port it listens on'],
  PDS_HOSTNAME: ['text', 'public name'],
  PDS_SERVICE_DID: ['did', 'its own DID'],
  PDS_SERVICE_NAME: ['text', 'name on its pages'],
  PDS_VERSION: ['text', 'version that it reports'],
  PDS_HOME_URL: ['address', 'link on its pages'],
  PDS_LOGO_URL: ['address', 'logo on its pages'],
  PDS_PRIVACY_POLICY_URL: ['address', 'link to the privacy policy'],
  PDS_SUPPORT_URL: ['address', 'link to support'],
  PDS_TERMS_OF_SERVICE_URL: ['address', 'link to the terms'],
  PDS_CONTACT_EMAIL_ADDRESS: ['text', 'public contact'],
  PDS_ACCEPTING_REPO_IMPORTS: ['boolean', 'whether accounts may migrate to it'],
  PDS_MAX_REPO_IMPORT_SIZE: ['integer', 'largest repo that may be imported, bytes'],
  PDS_BLOB_UPLOAD_LIMIT: ['integer', 'largest blob, bytes'],
  PDS_DEV_MODE: ['boolean', 'development mode'],
  PDS_HCAPTCHA_SITE_KEY: ['text', 'public key of the captcha'],
  PDS_HCAPTCHA_SECRET_KEY: ['secret', 'secret of the captcha'],
  PDS_HCAPTCHA_TOKEN_SALT: ['secret', 'salt of captcha tokens'],
  PDS_OAUTH_TRUSTED_CLIENTS: ['list', 'OAuth clients that need no consent'],
  PDS_PRIMARY_COLOR: ['text', 'colour of its pages'],
  PDS_ERROR_COLOR: ['text', 'colour of errors'],
  PDS_WARNING_COLOR: ['text', 'colour of warnings'],
  PDS_INFO_COLOR: ['text', 'colour of hints'],
  PDS_SUCCESS_COLOR: ['text', 'colour of success'],
  PDS_BACKGROUND_LIGHT_URL: ['address', 'background of its pages, light'],
  PDS_BACKGROUND_DARK_URL: ['address', 'background of its pages, dark'],
  PDS_DATA_DIRECTORY: ['text', 'where its databases are'],
  PDS_SQLITE_DISABLE_WAL_AUTO_CHECKPOINT: ['boolean', 'leave WAL checkpoints to Litestream'],
  PDS_ACCOUNT_DB_LOCATION: ['text', 'database of accounts'],
  PDS_SEQUENCER_DB_LOCATION: ['text', 'database of events'],
  PDS_DID_CACHE_DB_LOCATION: ['text', 'database of the DID cache'],
  PDS_ACTOR_STORE_DIRECTORY: ['text', 'where the repos are'],
  PDS_ACTOR_STORE_CACHE_SIZE: ['integer', 'repos kept open'],
  PDS_BLOBSTORE_S3_BUCKET: ['text', 'bucket of the blobs'],
  PDS_BLOBSTORE_S3_REGION: ['text', 'region of the bucket'],
  PDS_BLOBSTORE_S3_ENDPOINT: ['address', 'address of the object storage'],
  PDS_BLOBSTORE_S3_FORCE_PATH_STYLE: ['boolean', 'bucket in the path of the address'],
  PDS_BLOBSTORE_S3_ACCESS_KEY_ID: ['text', 'user of the object storage'],
  PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY: ['secret', 'password of the object storage'],
  PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS: ['integer', 'longest upload, milliseconds'],
  PDS_BLOBSTORE_S3_REQUEST_TIMEOUT_MS: ['integer', 'longest request, milliseconds'],
  PDS_BLOBSTORE_DISK_LOCATION: ['text', 'directory of the blobs'],
  PDS_BLOBSTORE_DISK_TMP_LOCATION: ['text', 'directory of unfinished blobs'],
  PDS_DID_PLC_URL: ['address', 'directory of did:plc'],
  PDS_DID_CACHE_STALE_TTL: ['integer', 'when a cached DID is refreshed, milliseconds'],
  PDS_DID_CACHE_MAX_TTL: ['integer', 'when a cached DID is dropped, milliseconds'],
  PDS_ID_RESOLVER_TIMEOUT: ['integer', 'longest look-up of an identity, milliseconds'],
  PDS_RECOVERY_DID_KEY: ['did:key', 'public key put into every new DID'],
  PDS_SERVICE_HANDLE_DOMAINS: ['list', 'domains of new handles, each with its dot'],
  PDS_HANDLE_BACKUP_NAMESERVERS: ['list', 'nameservers to ask for handles as well'],
  PDS_ENABLE_DID_DOC_WITH_SESSION: ['boolean', 'send the DID document with a session'],
  PDS_ENTRYWAY_URL: ['address', 'entryway before this PDS'],
  PDS_ENTRYWAY_DID: ['did', 'DID of the entryway'],
  PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX: ['text', 'public key of the entryway'],
  PDS_ENTRYWAY_PLC_ROTATION_KEY: ['did:key', 'public rotation key of the entryway'],
  PDS_INVITE_REQUIRED: ['boolean', 'whether signing up needs an invite code'],
  PDS_INVITE_INTERVAL: ['integer', 'how often an account is given a code, milliseconds'],
  PDS_INVITE_EPOCH: ['integer', 'since when codes are given, milliseconds'],
  PDS_EMAIL_SMTP_URL: ['address', 'mail server'],
  PDS_EMAIL_FROM_ADDRESS: ['text', 'sender of its mail'],
  PDS_EMAIL_DISABLE_CONFIRMATION_LINK: ['boolean', 'mail a code without a link'],
  PDS_MODERATION_EMAIL_SMTP_URL: ['address', 'mail server of moderation'],
  PDS_MODERATION_EMAIL_ADDRESS: ['text', 'sender of moderation mail'],
  PDS_MAX_SUBSCRIPTION_BUFFER: ['integer', 'events a slow reader may be behind'],
  PDS_REPO_BACKFILL_LIMIT_MS: ['integer', 'how far back events are replayed, milliseconds'],
  PDS_BSKY_APP_VIEW_URL: ['address', 'AppView'],
  PDS_BSKY_APP_VIEW_DID: ['did', 'DID of the AppView'],
  PDS_BSKY_APP_VIEW_CDN_URL_PATTERN: ['text', 'where the AppView serves images'],
  PDS_MOD_SERVICE_URL: ['address', 'moderation service'],
  PDS_MOD_SERVICE_DID: ['did', 'DID of the moderation service'],
  PDS_REPORT_SERVICE_URL: ['address', 'where reports go'],
  PDS_REPORT_SERVICE_DID: ['did', 'DID of where reports go'],
  PDS_RATE_LIMITS_ENABLED: ['boolean', 'whether requests are limited'],
  PDS_RATE_LIMIT_BYPASS_KEY: ['secret', 'header that is not limited'],
  PDS_RATE_LIMIT_BYPASS_IPS: ['list', 'addresses that are not limited'],
  PDS_REDIS_SCRATCH_ADDRESS: ['text', 'Redis'],
  PDS_REDIS_SCRATCH_PASSWORD: ['secret', 'password of Redis'],
  PDS_CRAWLERS: ['list', 'relays that are told of news'],
  PDS_DPOP_SECRET: ['secret', 'secret of OAuth nonces'],
  PDS_JWT_SECRET: ['secret', 'signs every session'],
  PDS_ADMIN_PASSWORD: ['secret', 'password of the admin'],
  PDS_ENTRYWAY_ADMIN_TOKEN: ['secret', 'admin of the entryway'],
  PDS_PLC_ROTATION_KEY_KMS_KEY_ID: ['text', 'rotation key kept by AWS KMS'],
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: ['hex key', 'signs for the identity of every account'],
  PDS_DISABLE_SSRF_PROTECTION: ['boolean', 'let it fetch from private addresses'],
  PDS_FETCH_MAX_RESPONSE_SIZE: ['integer', 'largest answer it fetches, bytes'],
  PDS_PROXY_ALLOW_HTTP2: ['boolean', 'HTTP/2 to other services'],
  PDS_PROXY_HEADERS_TIMEOUT: ['integer', 'longest wait for headers, milliseconds'],
  PDS_PROXY_BODY_TIMEOUT: ['integer', 'longest wait for a body, milliseconds'],
  PDS_PROXY_MAX_RESPONSE_SIZE: ['integer', 'largest answer passed on, bytes'],
  PDS_PROXY_MAX_RETRIES: ['integer', 'how often a request is passed on again'],
  PDS_PROXY_PREFER_COMPRESSED: ['boolean', 'ask other services for compressed answers'],
  PDS_LEXICON_AUTHORITY_DID: ['did', 'DID that lexicons are resolved by'],
  LOG_ENABLED: ['boolean', 'whether it logs'],
  LOG_LEVEL: ['text', 'least level that is logged'],
  LOG_DESTINATION: ['text', 'file that it logs to'],
  LOG_SYSTEMS: ['list', 'parts that are logged'],
}

/** Whether the PDS knows a setting of this name. */
export const isKnown = (key: string): boolean => Object.hasOwn(knownSettings, key)

/** What the PDS knows of a setting; nothing of one that is unknown. */
export const knownSetting = (key: string): KnownSetting | undefined =>
  isKnown(key) ? knownSettings[key] : undefined

/** Begins what no other program of such a host but the PDS itself reads from its settings. */
export const isOfThePds = (key: string): boolean => key.startsWith('PDS_') || isKnown(key)
