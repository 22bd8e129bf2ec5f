"""What is written wrongly on the command line becomes the program's own sentence with the way out."""

import difflib
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, get_args

import typer
from typer.core import TyperGroup

from caviar.commands.speaking import fail
from caviar.given import shown

# Typer carries a copy of click or uses the installed one, by its version; the base of its errors is in both.
_MISTAKE: Any = typer.BadParameter.__base__
_HELP = "'caviar {}--help'"


class Commands(TyperGroup):
    """The commands, whose mistakes in use are sentences on standard error with exit code 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; as Typer does it, but for how a mistake is told."""
        words = [*(sys.argv[1:] if args is None else args)]
        try:
            found = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except _MISTAKE as mistake:
            if type(mistake).__name__ == "NoArgsIsHelpError":
                print(mistake.ctx.get_help(), end="")
                raise SystemExit(2) from None
            fail(told(mistake, words, self.commands))
        except typer.Abort:
            fail("Stopped.", 130)
        if not standalone_mode:
            return found
        raise SystemExit(found if isinstance(found, int) else 0)


def told(mistake: Any, words: Sequence[str], commands: Mapping[str, Any]) -> str:
    """The sentence for a mistake: what, which value, which rule, which way out.

    Args:
        mistake: click's. It may know its parameter, and not always its command.
        words: the whole command line.
        commands: by name.
    """
    first = next((word for word in words if not word.startswith("-")), "")
    command = commands.get(first)
    if command is None and first and "command" in mistake.message:
        return f"There is no command '{first}'.{_near(first, [*commands], _HELP.format(''))}"
    name, help_ = (first, _HELP.format(f"{first} ")) if command else ("caviar", _HELP.format(""))
    hints = command.callback.__annotations__ if command else {}
    options = {spelt: one.name for one in command.params for spelt in one.opts} if command else {}
    kind, parameter = type(mistake).__name__, getattr(mistake, "param", None)
    if kind == "NoSuchOption":
        listed = [option for option in options if option.startswith("--")] or ["--help", "--version"]
        return f"{name} has no option '{mistake.option_name}'.{_near(mistake.option_name, listed, help_)}"
    if kind == "BadOptionUsage" and mistake.option_name in options and "requires" in mistake.message:
        asked = _option(hints[options[mistake.option_name]])
        return f"'{mistake.option_name}' needs a value: {_told(asked)}. See {help_}."
    if parameter is not None and parameter.name in hints:
        hint = hints[parameter.name]
        if kind == "MissingParameter":
            return f"{name} needs {_option(hint).metavar}: {_told(_option(hint))}. See {help_}."
        return f"'{parameter.opts[0]}' must be {_rule(hint)}. Got {_value(words, parameter.opts)}."
    if "unexpected extra" in mistake.message:
        extra = mistake.message.rpartition("(")[2].rstrip(").")
        return f"{name} does not know what to do with '{extra}'. Quote what has blanks, and see {help_}."
    return f"{mistake.message.rstrip('.')}. See {help_}."


def _near(name: str, names: Sequence[str], help_: str) -> str:
    """The names that come near, or where all of them stand."""
    near = difflib.get_close_matches(name.partition("=")[0].replace("_", "-"), names, n=3, cutoff=0.55)
    return f" Did you mean {' or '.join(near)}?" if near else f" See {help_}."


def _option(hint: Any) -> Any:
    """What an option or argument is declared as: its help, its least value, its word in the help."""
    return hint.__metadata__[0]


def _told(option: Any) -> str:
    """Its help, within a sentence."""
    return str(option.help).rstrip("…, ")


def _rule(hint: Any) -> str:
    """What a value must be, by its annotation."""
    kinds = get_args(hint.__origin__) or (hint.__origin__,)
    rule = "a whole number" if int in kinds else "a number" if float in kinds else _option(hint).help
    least = getattr(_option(hint), "min", None)
    return rule if least is None else f"{rule} of at least {least:g}"


def _value(words: Sequence[str], names: Sequence[str]) -> str:
    """What was given for an option: the last time that it was."""
    given = [word.partition("=")[2] for word in words if word.partition("=")[0] in names and "=" in word]
    given += [after for word, after in pairwise(words) if word in names]
    return shown(given[-1]) if given else "something else"
