"""Options from typed dataclasses; what is wrong with them, in one line."""

import argparse
import contextlib
import io
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import tyro

from dexjax import limits
from dexjax.errors import DexjaxError

T = TypeVar("T")


def parse(
    kind: type[T], arguments: Sequence[str], default: T | None, command: str
) -> T:
    """Options from a command line, checked; `--help` prints them and exits.

    Args:
        kind: a dataclass; its docstring is the help.
        arguments: those after the command.
        default: what holds where the command line says nothing; none where something
            has to be said.
        command: words before the arguments, for the help.

    Raises:
        DexjaxError: for arguments that cannot be understood or are out of bounds.
    """
    found = read(kind, arguments, default, command)
    limits.check(found)
    return found


def read(kind: type[T], arguments: Sequence[str], default: T | None, command: str) -> T:
    """Options from a command line, not yet checked; otherwise see `parse`."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            found: Any = tyro.cli(
                kind, prog=f"dexjax {command}", default=default, args=list(arguments)
            )
            return found
    except SystemExit as end:
        if not end.code:
            raise
        raise DexjaxError(_one_line(said.getvalue())) from None


def first(arguments: Sequence[str], **defaults: str) -> dict[str, str]:
    """Options that others' defaults depend on, such as a preset.

    Args:
        arguments: those after the command.
        defaults: name -> what holds where the command line says nothing.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", default=value, nargs="?", const=value)
    found, _ = parser.parse_known_args(list(arguments))
    return {name: getattr(found, name) for name in defaults}


def _one_line(box: str) -> str:
    """What tyro says in a box of paragraphs: the first, and the options it proposes.

    Where the terminal has no lines to draw with, its title is a paragraph, too.
    """
    plain = re.sub(r"\x1b\[[\d;]*m", "", box)
    plain = re.sub(r"^[╭╰].*$|│", "", plain, flags=re.MULTILINE)
    paragraphs = re.split(r"^ *[─-]{5,} *$", plain, flags=re.MULTILINE)
    first, *others = (" ".join(paragraph.split()) for paragraph in paragraphs)
    if "│" not in box:
        first = others[0] if others else first
    meant = [text for text in others if text.startswith("Perhaps you meant")]
    options = re.findall(r"--[\w.-]+", " ".join(meant))
    hint = f"did you mean {' or '.join(options)}" if options else "see --help"
    return f"{first.rstrip('.') or 'arguments not understood'}: {hint}"
