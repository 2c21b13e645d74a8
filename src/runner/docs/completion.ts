/** The shells that a completion script can be written for. */
export const shells = ['bash', 'zsh', 'fish'] as const

/** The completion script of a shell: it asks the program what may follow, as `kimbia-ops __complete -- WORD…` tells. */
export const completion = (shell: (typeof shells)[number]): string => scripts[shell]

// Version 3.2, which macOS has, knows neither mapfile nor compopt.
const bash = `# bash completion of kimbia-ops
_kimbia_ops() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line
  [[ $cur == '=' ]] && cur=''
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :default) compopt -o default 2>/dev/null ;;
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
        ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}

complete -F _kimbia_ops kimbia-ops
`

const zsh = `#compdef kimbia-ops
_kimbia_ops() {
  local line
  local -a described typed
  typed=("\${(@Q)words[2,CURRENT-1]}" "$PREFIX")
  [[ $PREFIX == --*=* ]] && compset -P '*='
  while IFS= read -r line; do
    case $line in
      :files | :default) _files ;;
      *$'\\t') described+=("\${\${line%$'\\t'}//:/\\\\:}") ;;
      *) described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <("\${(Q)words[1]}" __complete -- "\${typed[@]}" 2>/dev/null </dev/null)
  (( \${#described} )) && _describe -t values value described
}

if [[ $funcstack[1] == _kimbia-ops ]]; then _kimbia_ops "$@"; else compdef _kimbia_ops kimbia-ops; fi
`

const fish = `# fish completion of kimbia-ops
function __kimbia_ops_complete
    set -l typed (commandline -opc)
    set -l cur (commandline -ct)
    set -l flag (string match -r '^--[^=]+=' -- $cur)
    for line in ($typed[1] __complete -- $typed[2..-1] "$cur" 2>/dev/null </dev/null)
        switch $line
            case ':files' ':default'
                __fish_complete_path (string replace -r '^--[^=]+=' '' -- $cur)
            case '*'
                echo "$flag$line"
        end
    end
end

complete -c kimbia-ops -f -a '(__kimbia_ops_complete)'
`

const scripts = { bash, zsh, fish } as const
