/** `semilayer completion bash|zsh|fish`: scripts that ask the program itself what may follow. */
import type { Context } from '../cli/context.ts';

const BASH = `# bash completion of semilayer: eval "$(semilayer completion bash)" in ~/.bashrc
_semilayer() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" line prefix=""
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  if declare -F _get_comp_words_by_ref >/dev/null; then
    local all index
    _get_comp_words_by_ref -n : -c cur -w all -i index
    words=("\${all[@]:1:index}")
    # Readline replaces only what stands after the last colon.
    case "$cur" in *:*) prefix="\${cur%:*}:" ;; esac
  fi
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then
      compopt -o default 2>/dev/null
      COMPREPLY=()
      return
    fi
    line="\${line%%$'\\t'*}"
    COMPREPLY+=("\${line#"$prefix"}")
  done < <(semilayer __complete "\${words[@]}" 2>/dev/null)
}
complete -F _semilayer semilayer
`;

const ZSH = `#compdef semilayer
# zsh completion of semilayer: eval "$(semilayer completion zsh)" in ~/.zshrc, after compinit
_semilayer() {
  local line
  local -a answer candidates
  answer=("\${(@f)$(semilayer __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${answer[1]}" == ":files" ]]; then
    _files
    return
  fi
  for line in "\${answer[@]}"; do
    [[ -n "$line" ]] || continue
    line="\${line//:/\\\\:}"
    candidates+=("\${line/$'\\t'/:}")
  done
  _describe 'semilayer' candidates
}
if [[ "\${funcstack[1]}" == "_semilayer" ]]; then
  _semilayer "$@"
else
  compdef _semilayer semilayer
fi
`;

const FISH = `# fish completion of semilayer: semilayer completion fish > ~/.config/fish/completions/semilayer.fish
function __semilayer_complete
  set -l words (commandline -opc)
  set -e words[1]
  set -l answer (semilayer __complete $words (commandline -ct | string collect --allow-empty) 2>/dev/null)
  if test "$answer[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $answer
  end
end
complete -c semilayer -e
complete -c semilayer -f -a '(__semilayer_complete)'
`;

const SCRIPTS: Record<string, string> = { bash: BASH, zsh: ZSH, fish: FISH };

export async function printCompletion(shell: string, ctx: Context): Promise<void> {
  await ctx.output.write(SCRIPTS[shell] as string);
}
