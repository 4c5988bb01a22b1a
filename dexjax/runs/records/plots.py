"""The learning curve of a run."""

import os
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dexjax.errors import DexjaxError
from dexjax.runs.records.metrics import read_metrics

REWARD_PREFIX = "reward/"
SUCCESS_PREFIX = "success_"
_COLOURS = ("#1f6f8b", "#e07b39", "#5b8c5a", "#9b5094", "#c8a415", "#7d7d7d")
_WINDOW = 9


def learning_curve(metrics: Path, path: Path, title: str = "") -> None:
    """Draws success above and reward terms below, against environment steps.

    Columns that start with `success_` and `reward/` are drawn over column `env_steps`,
    pale as measured and strong as their running median.

    Args:
        metrics: a metrics.csv.
        path: PNG file to write.
        title: above the figure.

    Raises:
        DexjaxError: if there are no metrics, or the file cannot be written.
    """
    columns = read_metrics(metrics)
    steps = np.asarray(columns["env_steps"]) / 1e6
    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    success, reward = figure.subplots(2, 1, sharex=True)
    _draw(success, steps, columns, SUCCESS_PREFIX, scale=100)
    success.set(ylabel="success (%)", ylim=(-3, 103), title=title)
    _draw(reward, steps, columns, REWARD_PREFIX)
    reward.set(ylabel="reward per step", xlabel="environment steps (million)")
    partial = Path(path).with_name(f".partial-{Path(path).name}")
    try:
        figure.savefig(partial, dpi=120, format="png")
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or error
        raise DexjaxError(f"cannot write {path}: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)


def _draw(
    axes: Axes,
    steps: np.ndarray,
    columns: dict[str, list[float]],
    prefix: str,
    scale: float = 1.0,
) -> None:
    names = [name for name in columns if name.startswith(prefix)]
    for i, name in enumerate(names):
        values = scale * np.asarray(columns[name])
        known = np.isfinite(values)
        x, y = steps[known], values[known]
        colour = _COLOURS[i % len(_COLOURS)]
        dash = "-" if i < len(_COLOURS) else "--"
        axes.plot(x, y, color=colour, alpha=0.25, linewidth=0.8)
        axes.plot(
            x,
            running_median(y),
            dash,
            color=colour,
            linewidth=1.8,
            label=name.removeprefix(prefix),
        )
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if names:
        axes.legend(frameon=False, fontsize=9, loc="best")


def running_median(values: np.ndarray, window: int = _WINDOW) -> np.ndarray:
    """The median of up to `window` values around each of (n,); shorter at the ends."""
    half = window // 2
    return np.array(
        [np.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]
    )
