import { expect, test } from 'vitest'
import { sudoDenial } from '../../../src/host/access/sudo-denial.ts'

test.each([
  ['sudo: sorry, you must have a tty to run sudo', 'sudo-requiretty', 'Defaults:ops !requiretty'],
  ['ops is not in the sudoers file.', 'sudo-not-allowed', 'ops ALL=(root) NOPASSWD: ALL'],
  ['Sorry, user ops may not run sudo on pds.', 'sudo-not-allowed', 'ops ALL=(root) NOPASSWD: ALL'],
  [
    "Sorry, user ops is not allowed to execute '/usr/bin/sh -c x' as root on pds.",
    'sudo-not-allowed',
    'NOPASSWD',
  ],
  ['sudo: /etc/sudoers.d/x is world writable', 'sudo-broken', 'visudo --check'],
  ['sudo: no valid sudoers sources found, quitting', 'sudo-broken', 'visudo --check'],
  [
    'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.',
    'sudo-broken',
    'systemd unit of sshd',
  ],
  ['sudo: effective uid is not 0, is /usr/bin/sudo on a file system with…', 'sudo-broken', 'nosuid'],
  ['sudo: account validation failure, is your account locked?', 'sudo-not-allowed', 'chage --list ops'],
])('%s', (stderr, code, hint) => {
  const failure = sudoDenial('ops@pds.test:22', `sudo: unable to resolve host pds\n${stderr}\n`)
  expect(failure).toMatchObject({ outcome: 'unreachable', code })
  expect(failure?.message).toContain(stderr.split('\n')[0])
  expect(failure?.hint).toContain(hint)
})

test.each([
  '/etc/sudoers.d/x:1:5: syntax error\nsudo: a password is required',
  'sudo: unable to resolve host pds',
  '',
])('a password may help: %s', (stderr) => {
  expect(sudoDenial('ops@pds.test:22', stderr)).toBeUndefined()
})
