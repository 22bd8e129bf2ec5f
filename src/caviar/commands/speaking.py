"""How commands speak: an error in a sentence, a text that fits the terminal, one JSON object."""

import codecs
import io
import json
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn

from caviar.errors import CaviarError, CaviarWarning

# What plain letters can say as well.
_PLAIN = {"…": "...", "−": "-", "–": "-", "×": "x", "≤": "<=", "≥": ">=", "→": "->", "·": "*", "²": "^2", "’": "'"}


def says(command: Callable[..., Any]) -> Callable[..., Any]:
    """A CaviarError becomes its sentence on standard error and exit code 2."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            with _warned(quiet=bool(options.get("json_"))):
                command(*arguments, **options)
            sys.stdout.flush()
        except CaviarError as error:
            fail(str(error))
        except KeyboardInterrupt:
            fail("Stopped.", 130)
        except BrokenPipeError:
            # The reader has seen enough. What is still buffered goes nowhere, or Python would complain at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            fail(f"The system refused: {error}. Check the disk and the rights, then try again.")

    return run


@contextmanager
def _warned(quiet: bool) -> Iterator[None]:
    """Warnings that are meant for a person are lines on standard error; an object of JSON holds them as findings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if quiet else "always", CaviarWarning)
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, CaviarWarning):
                print(f"caviar: {message}", file=sys.stderr)
            else:
                before(message, category, *where, **more)

        warnings.showwarning = show
        yield


def say_in_ascii() -> None:
    """Let a terminal that does not know Unicode show what it can: "..." for an ellipsis, escapes for other letters."""
    codecs.register_error("caviar", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors="caviar")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What stands for letters that cannot be encoded. Escapes are those of JSON, which so stays what it is."""
    assert isinstance(error, UnicodeEncodeError)
    lost = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter) or json.dumps(letter)[1:-1] for letter in lost), error.end


def fail(sentence: str, code: int = 2) -> NoReturn:
    """End with a sentence on standard error."""
    print(f"caviar: {sentence}", file=sys.stderr)
    raise SystemExit(code)


def print_text(text: str) -> None:
    """Lines for a person: on a terminal none is wider than it; a file gets them whole."""
    print(fitted(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text)


def fitted(text: str, width: int) -> str:
    """Sentences broken at blanks, rows of a table (which have blanks in a row) cut at the right."""
    lines = []
    for line in text.split("\n"):
        if len(line) <= width:
            lines.append(line)
        elif "  " in line:
            lines.append(line[: width - 1] + "…")
        else:
            lines += textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False)
    return "\n".join(lines)


def print_json(found: Any) -> None:
    """One object of strict JSON."""
    from caviar.study.summary import clean

    json.dump(clean(found), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
