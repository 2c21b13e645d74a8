import type { Target } from '../../src/ssh/target/target.ts'

/** A target on loopback with nothing of this machine's own ssh configuration. */
export const targetAt = (port: number, parts: Partial<Target> = {}): Target => ({
  destination: `127.0.0.1:${port}`,
  host: '127.0.0.1',
  port,
  user: 'operator',
  family: 0,
  identities: [],
  identitiesOnly: 'no',
  agent: undefined,
  userKnownHosts: [],
  globalKnownHosts: [],
  hostKeyAlias: undefined,
  proxyJump: undefined,
  proxyCommand: undefined,
  connectTimeout: 0,
  sshConfig: undefined,
  ...parts,
})
