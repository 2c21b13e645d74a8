import { quote } from '../../base/shell-words.ts'

/** What is run every day, and when. */
export interface Job {
  /** Name of the host in the config. */
  readonly host: string
  /** The whole command line, its paths absolute. */
  readonly words: readonly string[]
  readonly hour: number
  readonly minute: number
  /** PATH of whoever installs it: the programs of the store are found by it. */
  readonly path: string
  /** Where cron puts what is said; systemd has its journal. */
  readonly log: string
}

/** What the units of a host are called, without their ending. */
export const unitName = (host: string): string => `kimbia-ops-rotate-${host.replace(/[^A-Za-z0-9_.-]/g, '_')}`

/** A word of ExecStart or Environment (systemd.syntax(7)): quoted, with specifiers and variables taken literally. */
const unitWord = (word: string): string =>
  `"${word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`

/** The unit that rotates once. */
export const serviceUnit = ({ host, words, path }: Job): string => `[Unit]
Description=Rotate the admin password of ${host.replaceAll('%', '%%')} when it is due
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
Environment=${unitWord(`PATH=${path}`).replaceAll('$$', '$')}
ExecStart=${words.map(unitWord).join(' ')}
`

/** The unit that does so every day; a day on which the machine was off is made up for. */
export const timerUnit = ({ host, hour, minute }: Job): string => `[Unit]
Description=Look every day whether the admin password of ${host.replaceAll('%', '%%')} is due

[Timer]
OnCalendar=*-*-* ${two(hour)}:${two(minute)}:00
RandomizedDelaySec=10m
Persistent=true

[Install]
WantedBy=timers.target
`

const two = (value: number): string => String(value).padStart(2, '0')

const mark = (host: string): string => `# ${unitName(host)}`

/** The line of a crontab; in one, a percent sign would end the command. */
export function cronLine({ host, words, hour, minute, path, log }: Job): string {
  const line = `PATH=${quote(path)} ${words.map(quote).join(' ')} >>${quote(log)} 2>&1`
  return `${minute} ${hour} * * * ${line.replaceAll('%', '\\%')} ${mark(host)}`
}

/** A crontab without the line of this host. */
export const withoutLine = (crontab: string, host: string): string =>
  crontab
    .split('\n')
    .filter((line) => !line.endsWith(` ${mark(host)}`))
    .join('\n')

/** The line of this host in a crontab. */
export const lineOf = (crontab: string, host: string): string | undefined =>
  crontab.split('\n').find((line) => line.endsWith(` ${mark(host)}`))
