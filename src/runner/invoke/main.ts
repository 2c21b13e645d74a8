import { Failure, outcomes } from '../../base/failure.ts'
import type { Command } from '../command/command.ts'
import { showFailure } from '../output/report.ts'
import { parse, peekOutputFlags } from '../parse/parse.ts'
import type { World } from './world.ts'

/** Runs one command line to its end and resolves to its exit code. What is no Failure is a bug, and told with its stack. */
export async function main(
  argv: readonly string[],
  world: World,
  commands: readonly Command[],
): Promise<number> {
  const { env, version, commit } = world
  const { json, noColor } = peekOutputFlags(argv, env)
  const plain = world.terminal({ noInput: true, color: !noColor, quiet: true, signal: world.stop })
  try {
    // Not in the table of commands: the scripts of `completion` ask for it at each press of Tab.
    if (argv[0] === '__complete') {
      const { complete, showCompletion } = await import('../docs/complete.ts')
      const hosts = async () => (await world.loadConfig(undefined)).hosts.map(({ name }) => name)
      await plain.stdout.write(showCompletion(await complete(argv.slice(2), commands, hosts)))
      return outcomes.ok.code
    }
    const { columns, color } = plain.stdout
    const parsed = await parse(argv, commands, { env, version, commit, columns, color })
    if (parsed.kind === 'text') {
      await plain.stdout.write(parsed.text)
      return outcomes.ok.code
    }
    const { runCommand } = await import('./run-command.ts')
    const { outcome, code } = await runCommand(parsed, world, commands)
    return code ?? outcomes[outcome].code
  } catch (cause) {
    if (cause instanceof Failure) {
      await plain.stderr.write(showFailure(cause, json ? 'json' : 'text', plain.stderr))
      return outcomes[cause.outcome].code
    }
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    await plain.stderr.write(
      `error: this is a bug in kimbia-ops ${version}; please report it with these lines\n${stack}\n`,
    )
    return outcomes.failed.code
  }
}
