"""A command that ends in every way in which none should, for the tests of the fuzzer.

In a file of its own, so that another process can import it.
"""

import os
import signal
import sys
import time
from pathlib import Path

from dexjax.errors import DexjaxError


def badly(words):
    """A command that does what its first word says."""
    deeds = {
        "works": lambda: print("done"),
        "refuses": lambda: _raise(DexjaxError("one line")),
        "fault": lambda: _raise(KeyError("x")),
        "traceback": lambda: _raise(BaseException("x")),
        "two lines": lambda: _raise(DexjaxError(print("a", file=_stderr()) or "b")),
        "warns": lambda: print("x.py:1: RuntimeWarning: divide", file=_stderr()),
        "spins": lambda: [None for _ in iter(int, 1)],
        "sleeps": lambda: time.sleep(60),
        "dies": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        "deletes": lambda: Path("bystander.txt").unlink(),
        "overwrites": lambda: Path("in.obj").write_text("other"),
        "runs code": lambda: os.system("touch CODE_RAN"),
    }
    deeds[words[0]]()


def _raise(error):
    raise error


def _stderr():
    return sys.stderr
