/** What a plan and the trail call a store: the line of a command is private, and is not written down on the host. */
export const storeLabel = (name: string): string => (name.startsWith('command:') ? 'command:…' : name)
