import { printer } from '../runner/command/command.ts'
import { argument } from '../runner/command/parameters.ts'
import { choice } from '../runner/command/types.ts'
import { completion, shells } from '../runner/docs/completion.ts'

/** The script that teaches a shell the commands, options and hosts. */
export default printer({
  name: 'completion',
  summary: 'Print the completion script of a shell',
  about:
    'bash: add `source <(kimbia-ops completion bash)` to ~/.bashrc. zsh: write it to a file `_kimbia-ops` in a directory of $fpath. fish: write it to ~/.config/fish/completions/kimbia-ops.fish.',
  examples: [
    'source <(kimbia-ops completion bash)',
    'kimbia-ops completion zsh > ~/.zsh/completions/_kimbia-ops',
    'kimbia-ops completion fish > ~/.config/fish/completions/kimbia-ops.fish',
  ],
  input: { shell: argument(choice('shell', shells), 'the shell') },
  print: ({ shell }) => completion(shell),
})
