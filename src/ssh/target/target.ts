/** Where and how to connect: what `ssh -G` says of a destination (ssh(1)). */
export interface Target {
  /** What the operator wrote: `[user@]host[:port]` or an alias. */
  readonly destination: string
  readonly host: string
  readonly port: number
  readonly user: string
  /** The address family to use; 0 is either (AddressFamily). */
  readonly family: 0 | 4 | 6
  /** Private key files, in the order OpenSSH would try them; those that do not exist are left out by the connector. */
  readonly identities: readonly string[]
  readonly identitiesOnly: 'yes' | 'no'
  /** Path of the agent's socket, or none. */
  readonly agent: string | undefined
  readonly userKnownHosts: readonly string[]
  readonly globalKnownHosts: readonly string[]
  /** A line of known_hosts that a person has just agreed to, and that is in no file yet. */
  readonly acceptedHostKey?: string | undefined
  /** Files of keys that are accepted from no host (RevokedHostKeys). */
  readonly revokedHostKeys?: readonly string[]
  /** Whether a program tells host keys (KnownHostsCommand), which only the system's ssh asks. */
  readonly knownHostsCommand?: 'yes' | undefined
  /** The name under which the host key is looked up when it is not `host` (HostKeyAlias). */
  readonly hostKeyAlias: string | undefined
  readonly proxyJump: string | undefined
  /** A command line for sh whose standard streams lead to the host; its tokens are expanded. */
  readonly proxyCommand: string | undefined
  /** Seconds; 0 is none (ConnectTimeout). */
  readonly connectTimeout: number
  /** The file for `ssh -F` in place of the usual ones. */
  readonly sshConfig: string | undefined
}
