"""A progress bar with the time that is left."""

import sys

from tqdm import tqdm


class Progress:
    """A progress bar on stderr: steps done, steps/s, time left, live success."""

    def __init__(self, total: int, done: int = 0, label: str = "") -> None:
        """Shows the bar.

        Args:
            total: env steps of the whole training.
            done: env steps of it that a resumed training has behind it.
            label: what is trained.
        """
        terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            initial=done,
            desc=label,
            unit=" steps",
            unit_scale=True,
            dynamic_ncols=terminal,
            mininterval=0.2 if terminal else 15.0,
            # A speed over the last updates, not the compilation.
            smoothing=0.1,
        )

    def update(self, done: int, success: float | None = None) -> None:
        """Moves the bar.

        Args:
            done: env steps done in all.
            success: share of recent episodes that succeeded, if known.
        """
        if success is not None:
            self._bar.set_postfix_str(f"success {100 * success:.1f} %", refresh=False)
        self._bar.update(done - self._bar.n)

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leaves the bar as it stands."""
        self._bar.close()
