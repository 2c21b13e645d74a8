import { flag, type InputOf, option, type Params } from './parameters.ts'
import { duration, path, type Type, text } from './types.ts'

const hostName: Type<string> = { ...text, name: 'name', completes: 'host' }
const confirmation: Type<string> = { ...text, name: 'value' }

/**
 * The options that every command takes, before or behind its words. Consent and dry run come from the
 * command line alone; the others may also stand in the environment.
 */
export const globals = {
  host: option(hostName, 'the host to operate, by its name in the config', {
    short: 'H',
    env: 'KIMBIA_OPS_HOST',
  }),
  config: option(path, 'the config file', { env: 'KIMBIA_OPS_CONFIG' }),
  json: flag('JSON on stdout, one object per line for lists', { env: 'KIMBIA_OPS_JSON' }),
  yes: flag('do not ask before a disruptive change', { short: 'y' }),
  confirm: option(confirmation, 'the handle, host or count that an irreversible change asks for'),
  dryRun: flag(
    'show the steps and change nothing; with --verbose also the commands and requests behind them',
    { short: 'n' },
  ),
  noInput: flag('never ask; what is missing is an error', { env: 'KIMBIA_OPS_NO_INPUT' }),
  timeout: option(duration, 'how long it may take; a change that has begun is finished', {
    env: 'KIMBIA_OPS_TIMEOUT',
  }),
  waitLock: option(duration, 'how long another operator who changes the host is waited for', {
    env: 'KIMBIA_OPS_WAIT_LOCK',
  }),
  quiet: flag('no progress and no notes', { short: 'q', env: 'KIMBIA_OPS_QUIET' }),
  verbose: flag('each remote command and request with its time, never a secret', {
    short: 'v',
    env: 'KIMBIA_OPS_VERBOSE',
  }),
  noPager: flag('no pager for what is longer than the screen', { env: 'KIMBIA_OPS_NO_PAGER' }),
  noColor: flag('no colour; so do NO_COLOR and TERM=dumb'),
} as const satisfies Params

/** What the global options said. */
export type Globals = InputOf<typeof globals>

/** The two options that are answered instead of running anything. */
export const helpAndVersion = {
  help: flag('what a command does and takes', { short: 'h' }),
  version: flag('the version of kimbia-ops', { short: 'V' }),
} as const satisfies Params
