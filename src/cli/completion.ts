import { COMMAND_NAMES, GLOBAL_OPTIONS, helpOf, type Option, PROGRAM, type Shell } from './commands.ts';

/** A shell script that completes commands, options and operands. zsh loads bash's completion. */
export function completionScript(shell: Shell): string {
  const cases = COMMAND_NAMES.map((name) => {
    const { options, operand } = helpOf(name);
    return `    ${name}) words='${[...(operand?.words ?? []), ...flagsOf(options)].join(' ')}' ;;`;
  });
  const before = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${before}_ambassador_consul_connector() {
  local command= previous= word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $previous:$word in --env-file:* | *:-*) ;; *) command=\${command:-$word} ;; esac
    previous=$word
  done
  if [ "$previous" = --env-file ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  case $command in
${cases.join('\n')}
    *) words='${COMMAND_NAMES.join(' ')}' ;;
  esac
  COMPREPLY=($(compgen -W "$words ${flagsOf(GLOBAL_OPTIONS).join(' ')}" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _ambassador_consul_connector ${PROGRAM}
`;
}

function flagsOf(options: Readonly<Record<string, Option>>): string[] {
  return Object.keys(options).map((name) => `--${name}`);
}
