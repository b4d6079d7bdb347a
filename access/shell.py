"""How a shell finds the completion of one of our commands: a script for each, and one door."""

from __future__ import annotations

#: Completes whatever stands after ``manage.py``, if the script of that command was loaded.
DISPATCH = r"""_patchbay() {
    local word found=""
    COMPREPLY=()
    for word in "${COMP_WORDS[@]}"; do
        if [ -n "$found" ]; then
            case "$word" in
                connections|dags)
                    if declare -F "_patchbay_$word" >/dev/null; then "_patchbay_$word"; fi
                    ;;
            esac
            return 0
        fi
        if [ "${word##*/}" = manage.py ]; then found=1; fi
    done
}
complete -o bashdefault -o default -F _patchbay manage.py python python3
"""
#: Before a script, for zsh.
FOR_ZSH = """autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
"""
