import type { Command } from '../command/command.ts'
import { fishScript } from './completion-fish.ts'
import { shTables } from './completion-tables.ts'

/** The shells that a completion script can be written for. */
export const shells = ['bash', 'zsh', 'fish'] as const

/** The completion script of a shell: commands, options, choices, files, and the names of configured hosts. */
export function completion(shell: (typeof shells)[number], commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return `# bash completion of kimbia-ops\n${shTables(commands)}${bash}`
    case 'zsh':
      return `#compdef kimbia-ops\n${shTables(commands)}${zsh}`
    case 'fish':
      return fishScript(commands)
  }
}

// bash splits --flag=value into three words; version 3.2 has neither mapfile nor compopt.
const bash = `
_kimbia_ops_offer() {
  local line word
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    if [[ $word == :file ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
    elif [[ $word == :host ]]; then
      while IFS= read -r word; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
      done < <(_kimbia_ops_hosts)
    elif [[ $word == "$cur"* ]]; then
      COMPREPLY+=("$word")
    fi
  done
}

_kimbia_ops() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at='' flag='' literal='' word
  local -i i count=0
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $flag ]]; then
      [[ $word == '=' ]] || flag=''
    elif [[ -z $literal && $word == -- ]]; then
      literal=yes
    elif [[ -z $literal && $word == -* ]]; then
      _kimbia_ops_takes "$at" "$word" && flag=$word
    elif _kimbia_ops_leads "$at" "$word"; then
      at="\${at:+$at }$word"
    else
      count+=1
    fi
  done
  [[ $cur == '=' ]] && cur=''
  if _kimbia_ops_passes "$at"; then
    compopt -o default 2>/dev/null
  elif [[ -n $flag ]]; then
    _kimbia_ops_offer < <(_kimbia_ops_values "$at" "$flag")
  elif [[ -z $literal && $cur == -* ]]; then
    _kimbia_ops_offer < <(_kimbia_ops_flags "$at")
  else
    _kimbia_ops_offer < <(_kimbia_ops_next "$at"; _kimbia_ops_args "$at" "$count")
  fi
}

complete -F _kimbia_ops kimbia-ops
`

const zsh = `
_kimbia_ops_offer() {
  local line
  local -a described
  while IFS= read -r line; do
    case $line in
      :file) _files ;;
      :host) described+=(\${(f)"$(_kimbia_ops_hosts)"}) ;;
      *$'\\t') described+=("\${\${line%$'\\t'}//:/\\\\:}") ;;
      *) described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( \${#described} )) && _describe -t values value described
}

_kimbia_ops() {
  local at='' flag='' literal='' word
  local -i i count=0
  for ((i = 2; i < CURRENT; i++)); do
    word=\${(Q)words[i]}
    if [[ -n $flag ]]; then
      flag=''
    elif [[ -z $literal && $word == -- ]]; then
      literal=yes
    elif [[ -z $literal && $word == -* ]]; then
      if _kimbia_ops_takes "$at" "$word"; then flag=$word; fi
    elif _kimbia_ops_leads "$at" "$word"; then
      at="\${at:+$at }$word"
    else
      count+=1
    fi
  done
  if [[ -z $flag$literal && $PREFIX == --*=* ]]; then
    flag=\${PREFIX%%=*}
    compset -P '*='
  fi
  if _kimbia_ops_passes "$at"; then
    _files
  elif [[ -n $flag ]]; then
    _kimbia_ops_offer < <(_kimbia_ops_values "$at" "$flag")
  elif [[ -z $literal && $PREFIX == -* ]]; then
    _kimbia_ops_offer < <(_kimbia_ops_flags "$at")
  else
    _kimbia_ops_offer < <(_kimbia_ops_next "$at"; _kimbia_ops_args "$at" "$count")
  fi
}

if [[ $funcstack[1] == _kimbia-ops ]]; then _kimbia_ops "$@"; else compdef _kimbia_ops kimbia-ops; fi
`
