import { failed } from '../../base/failure.ts'
import type { Passthrough } from '../command/command.ts'
import type { Invocation } from './invocation.ts'
import { keepTrail } from './keep-trail.ts'

/** Runs a program of the host with the operator's own streams; it is written to the trail before and after. */
export async function runPassthrough(invocation: Invocation, command: Passthrough, args: readonly string[]) {
  const { opened, world, terminal, signal } = invocation
  const streams = world.streams()
  const located = await command.locate(args, streams.tty ? 'yes' : 'no', opened.views)
  const host = await opened.host()
  const item = { subject: `${command.name} ${withoutValues(args)}`.trim(), steps: [], rows: [] }
  const plan = { title: command.name, items: [item], confirm: command.name }
  return await keepTrail(invocation, async (record) => {
    const { id, written } = record.intent(item, plan)
    await written
    terminal.progress('')
    const code = await host.attach(located.shell, {
      ...streams,
      ...(located.first && { first: located.first }),
      signal,
    })
    const failure = code === 0 ? undefined : failed('exit-code', `it ended with exit code ${code}`)
    await record.outcome(id, item, plan, failure).catch((cause: Error) => {
      opened.views.say(`warning: it ran, but its outcome is not in the trail: ${cause.message}`)
    })
    return { outcome: failure ? ('failed' as const) : ('ok' as const), code }
  })
}

/** Words and flag names, without the flags' values: one of them may be a secret. */
function withoutValues(args: readonly string[]): string {
  const firstFlag = args.findIndex((word) => word.startsWith('-'))
  const words = firstFlag === -1 ? args : args.slice(0, firstFlag)
  const flags = args
    .filter((word) => word.startsWith('-'))
    .map((word) => (word.startsWith('--') ? (word.split('=')[0] as string) : word.slice(0, 2)))
  return [...words, ...flags].join(' ')
}
