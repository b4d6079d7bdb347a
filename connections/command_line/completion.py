"""The script by which a shell completes ``manage.py connections``.

It holds the sub-commands, their flags and the types as they are now. The IDs of
connections are asked for, which takes a second, and known for ten.
"""

from __future__ import annotations

import argparse

from access.shell import DISPATCH, FOR_ZSH
from connections.types import TYPES

SHELLS = ("bash", "zsh")
#: The sub-commands that take the ID of a connection.
_TAKES_ID = ("get", "edit", "delete", "test")

_BASH = r"""# Completes `manage.py connections`. Load it:
#   source <(python manage.py connections completion bash)
_patchbay_ids() {
    if [ -z "$_patchbay_asked" ] || [ "$((SECONDS - _patchbay_asked))" -gt 10 ]; then
        _patchbay_known="$("$@" connections --skip-checks list --ids 2>/dev/null)"
        _patchbay_asked="$SECONDS"
    fi
    COMPREPLY=($(compgen -W "$_patchbay_known" -- "$current"))
}
_patchbay_connections() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="" prefix=() position=0 command=""
    COMPREPLY=()
    [ "$COMP_CWORD" -gt 0 ] && previous="${COMP_WORDS[COMP_CWORD-1]}"
    while [ "$position" -lt "$COMP_CWORD" ]; do
        prefix+=("${COMP_WORDS[position]}")
        if [ "${COMP_WORDS[position]##*/}" = manage.py ]; then break; fi
        position=$((position + 1))
    done
    [ "${COMP_WORDS[position+1]}" = connections ] || return 0
    [ "$((position + 1))" -lt "$COMP_CWORD" ] || return 0
    command="${COMP_WORDS[position+2]}"
    if [ "$((position + 2))" -eq "$COMP_CWORD" ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@" -- "$current"))
        return 0
    fi
    case "$command:$previous" in
@CHOICES@
    esac
    if [ "$command:$previous" = export:--conn-id ]; then
        _patchbay_ids "${prefix[@]}"
        return 0
    fi
    case "$current" in
        -*)
            case "$command" in
@FLAGS@
            esac
            return 0
            ;;
    esac
    case "$command" in
        @TAKES_ID@)
            _patchbay_ids "${prefix[@]}"
            ;;
        import)
            COMPREPLY=($(compgen -f -- "$current"))
            ;;
        export)
            if [ "$((position + 3))" -lt "$COMP_CWORD" ]; then
                _patchbay_ids "${prefix[@]}"
            else
                COMPREPLY=($(compgen -f -- "$current"))
            fi
            ;;
@POSITIONALS@
    esac
}
"""
_ZSH = "# Completes `manage.py connections`. Load it:\n"
_ZSH += f"#   source <(python manage.py connections completion zsh)\n{FOR_ZSH}"


def script(shell: str, commands: dict[str, argparse.ArgumentParser]) -> str:
    """The script for ``shell``, from the parsers of the sub-commands."""
    flags, choices, positionals = [], [], []
    for name, parser in commands.items():
        names = [each for action in parser._actions for each in action.option_strings]
        flags.append(_reply(name, names, depth=16))
        for action in parser._actions:
            values = [str(value) for value in action.choices or ()]
            if action.dest == "conn_type":
                values = list(TYPES)
            if not values:
                continue
            if not action.option_strings:
                positionals.append(_reply(name, values, depth=8))
            choices += [
                _reply(f"{name}:{option}", values, depth=8, ends=True)
                for option in action.option_strings
            ]
    text = _BASH + DISPATCH
    for mark, value in {
        "@COMMANDS@": " ".join(commands),
        "@CHOICES@": "\n".join(choices),
        "@FLAGS@": "\n".join(flags),
        "@POSITIONALS@": "\n".join(positionals),
        "@TAKES_ID@": "|".join(_TAKES_ID),
    }.items():
        text = text.replace(mark, value)
    return (_ZSH + text if shell == "zsh" else text).rstrip("\n")


def _reply(pattern: str, words: list[str], *, depth: int, ends: bool = False) -> str:
    inner = f'COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$current"))'
    return f"{' ' * depth}{pattern}) {inner}{'; return 0' if ends else ''} ;;"
