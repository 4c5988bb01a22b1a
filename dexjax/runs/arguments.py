"""Command lines from typed configurations; what is wrong with one, in one line."""

import contextlib
import io
import re
from collections.abc import Sequence
from typing import TypeVar

import tyro

from dexjax.errors import DexjaxError

T = TypeVar("T")


def parse_arguments(kind: type[T], arguments: Sequence[str], default: T) -> T:
    """A configuration from the command line; `--help` prints it and exits.

    Args:
        kind: a dataclass; its docstring is the help.
        arguments: those after the program's name.
        default: what holds where the command line says nothing.

    Raises:
        DexjaxError: for arguments that cannot be understood.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(kind, default=default, args=list(arguments))
    except SystemExit as end:
        if not end.code:
            raise
        raise DexjaxError(_one_line(said.getvalue())) from None


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
