"""The script by which a shell completes ``manage.py dags``.

It holds the sub-commands and their flags as they are now. The IDs of DAGs, and
of the last runs of one, are asked for, which takes a second, and known for ten.
"""

from __future__ import annotations

import argparse

from access.shell import DISPATCH, FOR_ZSH

#: The sub-commands that take the ID of a DAG, and those that take one of its runs after it.
_TAKES_DAG = ("show", "versions", "next-execution", "pause", "unpause", "trigger", "runs")
_TAKES_RUN = ("run", "cancel", "clear", "delete-run")

_HEAD = """# Completes `manage.py dags`. Load it:
#   source <(python manage.py dags completion @SHELL@)
"""
_BASH = r"""_patchbay_dags_ids() {
    # What is asked for, then the command that asks.
    local asked="$1"
    shift
    local age="$((SECONDS - _patchbay_dags_at))"
    if [ "$_patchbay_dags_asked" != "$asked" ] || [ "$age" -gt 10 ]; then
        _patchbay_dags_known="$("$@" 2>/dev/null)"
        _patchbay_dags_asked="$asked"
        _patchbay_dags_at="$SECONDS"
    fi
    COMPREPLY=($(compgen -W "$_patchbay_dags_known" -- "$current"))
}
_patchbay_dags() {
    # The line in words of our own: bash breaks the IDs of runs at their colons.
    local line="${COMP_LINE:0:$COMP_POINT}" words=() current="" previous="" prefix=()
    local position=0 command="" dag="" given=0 index=0 colons=""
    COMPREPLY=()
    read -r -a words <<< "$line"
    case "$line" in *" ") words+=("") ;; esac
    current="${words[${#words[@]}-1]}"
    previous="${words[${#words[@]}-2]}"
    while [ "$position" -lt "${#words[@]}" ]; do
        prefix+=("${words[position]}")
        if [ "${words[position]##*/}" = manage.py ]; then break; fi
        position=$((position + 1))
    done
    command="${words[position+2]}"
    if [ "$((position + 2))" -ge "$((${#words[@]} - 1))" ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@" -- "$current"))
        return 0
    fi
    case "$command:$previous" in
@CHOICES@
@VALUES@
    esac
    case "$current" in
        -*)
            case "$command" in
@FLAGS@
            esac
            return 0
            ;;
    esac
    index=$((position + 3))
    while [ "$index" -lt "$((${#words[@]} - 1))" ]; do
        case "${words[index]}" in
            -*) ;;
            *) given=$((given + 1)); [ "$given" -eq 1 ] && dag="${words[index]}" ;;
        esac
        index=$((index + 1))
    done
    case "$command:$given" in
        @TAKES_DAG@)
            _patchbay_dags_ids dags "${prefix[@]}" dags --skip-checks list --ids
            ;;
        @TAKES_RUN@)
            _patchbay_dags_ids "runs $dag" "${prefix[@]}" dags --skip-checks runs "$dag" --ids
            colons="${current%"${current##*:}"}"
            COMPREPLY=("${COMPREPLY[@]#"$colons"}")
            ;;
@POSITIONALS@
    esac
}
"""


def script(shell: str, commands: dict[str, argparse.ArgumentParser]) -> str:
    """The script for ``shell``, from the parsers of the sub-commands."""
    flags, choices, values, positionals = [], [], [], []
    for name, parser in commands.items():
        flags.append(
            _reply(name, [each for action in parser._actions for each in action.option_strings])
        )
        for action in parser._actions:
            known = [str(value) for value in action.choices or ()]
            if known and not action.option_strings:
                positionals.append(_reply(f"{name}:0", known))
            for option in action.option_strings:
                if known:
                    choices.append(_reply(f"{name}:{option}", known, ends=True))
                elif action.nargs != 0:
                    # Its value is anybody's guess.
                    values.append(f"        {name}:{option}) return 0 ;;")
    text = _HEAD + (FOR_ZSH if shell == "zsh" else "") + _BASH + DISPATCH
    many = ("pause", "unpause")
    first = [f"{name}:{'*' if name in many else 0}" for name in _TAKES_DAG]
    for mark, value in {
        "@SHELL@": shell,
        "@COMMANDS@": " ".join(commands),
        "@CHOICES@": "\n".join(choices),
        "@VALUES@": "\n".join(values),
        "@FLAGS@": "\n".join(flags),
        "@POSITIONALS@": "\n".join(positionals),
        "@TAKES_DAG@": "|".join([*first, *(f"{name}:0" for name in _TAKES_RUN)]),
        "@TAKES_RUN@": "|".join(f"{name}:1" for name in _TAKES_RUN),
    }.items():
        text = text.replace(mark, value)
    return text.rstrip("\n")


def _reply(pattern: str, words: list[str], *, ends: bool = False) -> str:
    inner = f'COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$current"))'
    return f"        {pattern}) {inner}{'; return 0' if ends else ''} ;;"
