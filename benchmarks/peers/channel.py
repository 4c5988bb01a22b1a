"""How a worker talks to the benchmark that started it.

The benchmark writes an empty line to ask for a round; the worker answers each with one
line of JSON. This file runs in every peer's own environment: standard library only.
"""

import json
import os
import sys
from collections.abc import Callable


class Channel:
    """The worker's end."""

    def __init__(self) -> None:
        """Takes stdout for the answers; what libraries print goes to stderr.

        Make it before any process is forked, which would inherit the wrong stdout.
        """
        self._answers = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def answer(self, numbers: dict) -> None:
        """Sends one line."""
        self._answers.write(json.dumps(numbers) + "\n")

    def wait(self) -> None:
        """Returns when a round is asked for; ends the process when none will be."""
        if not sys.stdin.readline():
            sys.exit(0)

    def serve(self, about: dict, measure: Callable[[], dict]) -> None:
        """Answers every request with a measurement.

        Args:
            about: sent first, when everything is compiled.
            measure: one round.
        """
        self.answer(about)
        while True:
            self.wait()
            self.answer(measure())
